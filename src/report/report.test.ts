// Laws of the report: it holds the run's figures, leaves out what is absent, asks for nothing, and shows hostile text as text.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeRunFixture } from "../../test/support/run-fixture.ts";
import { encodeRollout, readRollouts } from "../run/rollouts.ts";
import { gatherReport } from "./gather.ts";
import { csvCell } from "./plain.ts";
import { writeReport } from "./report.ts";
import { tracePairs } from "./traces.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-report-"));
  writeRunFixture(folder, { sftSteps: 4, rlSteps: 4, rolloutEvery: 2, evaluated: 12 });
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const pageText = (): string => fs.readFileSync(writeReport(folder).html, "utf8");

describe("writeReport", () => {
  it("shows every accuracy with its interval, temperature 1 before greedy", () => {
    const page = pageText();
    expect(page).toContain('92.5 <span class="interval">[89.9, 94.5]</span>');
    expect(page.indexOf("at temperature 1, 512 held-out")).toBeLessThan(page.indexOf("with greedy decoding, 512"));
  });

  it("names nothing outside itself: no script, no address, no file", () => {
    const page = pageText();
    expect(page).not.toMatch(/<script|src=|@import|url\((?!#)|https?:/i);
    expect(page.match(/href="[^"]*"/g)).toEqual(['href="data:,"']);
  });

  it("says what remains of the gap and what RL cost in length", () => {
    const page = pageText();
    expect(page).toContain("still 6.3 points behind full attention at temperature 1");
    expect(page).toMatch(/responses grow from \d+ to \d+ tokens/);
  });

  it("leaves out the parts an interrupted run never reached, and says that it is unfinished", () => {
    const events = path.join(folder, "events.jsonl");
    const lines = fs.readFileSync(events, "utf8").split("\n");
    const firstRl = lines.findIndex((line) => line.includes('"stage":"rl"'));
    fs.writeFileSync(events, `${lines.slice(0, firstRl).join("\n")}\n{"type":"rl-st`);
    for (const name of ["results.json", "analysis.json", "rollouts"]) {
      fs.rmSync(path.join(folder, name), { recursive: true });
    }
    const page = pageText();
    expect(page).toContain("has not ended");
    expect(page).toContain("Accuracy, stage by arm");
    for (const part of ["RL step", 'id="traces"', 'id="distances"', 'id="mismatch"', 'id="cost"']) {
      expect(page).not.toContain(part);
    }
  });

  it("shows a hostile trace as text in the page and inside its fence in Markdown", () => {
    const file = path.join(folder, "rollouts/swa/rl-final.jsonl");
    const hostile = "</pre><script>alert(1)</script>\u202e```\n# heading";
    const [first, ...rest] = [...readRollouts(file)].sort((a, b) => a.prompt.length - b.prompt.length);
    const changed = { ...first!, response: hostile, tokens: [hostile], logProbs: [0], arcs: null };
    fs.writeFileSync(file, [changed, ...rest].map(encodeRollout).join(""));
    const page = pageText();
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]");
    expect(fs.readFileSync(path.join(folder, "report.md"), "utf8")).toContain(`\`\`\`\`text\n${hostile}\n\`\`\`\``);
  });
});

describe("tracePairs", () => {
  it("takes the shortest, the median and the longest prompt, the same problem before and after", () => {
    const pairs = tracePairs(gatherReport(folder));
    const lengths = readRollouts(path.join(folder, "rollouts/swa/sft-final.jsonl"))
      .map((record) => record.prompt.length)
      .sort((a, b) => a - b);
    expect(pairs.map(({ before }) => before.prompt.length)).toEqual([lengths[0], lengths[5], lengths[11]]);
    for (const { before, after } of pairs) expect(after.problem).toBe(before.problem);
  });
});

describe("reportCsv", () => {
  it("writes each accuracy as one line with its interval", () => {
    const csv = fs.readFileSync(writeReport(folder).csv, "utf8").split("\r\n");
    expect(csv[0]).toBe("table,arm,stage,metric,value,low,high,n");
    expect(csv.filter((line) => line.startsWith("accuracy,")).length).toBe(14);
    expect(csv.find((line) => line.startsWith("accuracy,swa,rl,sampled"))).toMatch(/,0\.925,0\.89\d+,0\.94\d+,512$/);
  });

  it.each([
    ["=HYPERLINK(1)", "'=HYPERLINK(1)"],
    ['a "b", c', '"a ""b"", c"'],
    ["-1", "'-1"],
  ])("makes %j inert and quoted: %j", (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });
});
