// `swarr grade` as a person runs it: the compiled command, real files, standard input.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { scratchFolder } from "../../../test/support/scratch-folder.ts";

const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

function grade(
  content: string,
  ...args: readonly string[]
): { status: number | null; rows: unknown[]; stderr: string } {
  const file = path.join(scratchFolder(), "rows.jsonl");
  fs.writeFileSync(file, content);
  return run([file, ...args]);
}

function run(args: readonly string[], input = ""): { status: number | null; rows: unknown[]; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "grade", ...args], { input, encoding: "utf8" });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { status, rows: lines.map((line) => JSON.parse(line) as unknown), stderr };
}

const row = (gold: string, prediction: string): string => `${JSON.stringify({ gold, prediction })}\n`;

describe("swarr grade", () => {
  it("prints one line a non-empty row, in order, with exactly the contract's fields", () => {
    const { status, rows } = grade(
      `${row("5", "\\boxed{5}")}\n  \n${row("\\sqrt{2}", "\\boxed{\\sqrt{3}}")}${row("5", "none")}`,
    );
    expect(status).toBe(0);
    expect(rows).toMatchObject([
      { index: 0, verdict: "right", answer: "5" },
      { index: 1, verdict: "wrong", answer: "\\sqrt{3}" },
      { index: 2, verdict: "wrong", answer: "none" },
    ]);
    for (const line of rows) {
      expect(Object.keys(line as object)).toEqual(["index", "verdict", "answer", "reason", "milliseconds"]);
    }
  });

  it("reads standard input, and prints the same lines with --json", () => {
    const content = `${row("5", "\\boxed{5}")}${row("5", "I do not know.")}`;
    const { status, rows } = run(["-", "--json"], content);
    expect(status).toBe(0);
    expect(rows).toMatchObject([
      { index: 0, verdict: "right" },
      { index: 1, verdict: "unreadable", answer: null },
    ]);
  });

  it("names the line of the first bad row and grades nothing", () => {
    for (const [bad, complaint] of [
      ["{not json", /line 3 is not valid JSON/],
      ['{"gold": "5"}', /line 3: "prediction" is nothing/],
      ['{"gold": 5, "prediction": "5"}', /line 3: "gold" is 5\. Expected a string/],
      ['["5", "5"]', /line 3 is \["5","5"\]/],
      ["null", /line 3 is null/],
    ] as const) {
      const { status, rows, stderr } = grade(`${row("5", "5")}\n${bad}\n${row("5", "5")}`);
      expect([status, rows], bad).toEqual([2, []]);
      expect(stderr).toMatch(complaint);
    }
  });

  it("keeps texts with line separators, null bytes and lone surrogates apart from line ends", () => {
    const content = `${row("5", "a\u2028b \\boxed{5}")}${row("5", "\\boxed{5\u0000}")}{"gold":"5","prediction":"\\ud800"}\r\n`;
    const { status, rows } = grade(content);
    expect(status).toBe(0);
    expect(rows).toMatchObject([{ verdict: "right" }, { verdict: "right" }, { index: 2 }]);
  });

  it("says what is missing, with status 2", () => {
    const { status, stderr } = run(["no-such-file.jsonl"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/no-such-file\.jsonl.*FILE_MISSING/);
  });

  it("prints nothing for a file without rows", () => {
    expect(grade("\n\n")).toMatchObject({ status: 0, rows: [] });
  });

  it.skipIf(process.platform === "win32")("leaves no copy of standard input when Ctrl-C ends it", async () => {
    const temporary = scratchFolder();
    const child = spawn(process.execPath, [MAIN, "grade", "-"], { env: { ...process.env, TMPDIR: temporary } });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += String(chunk)));
    const ended = once(child, "exit");
    child.stdin.write(row("5", "5"));
    await vi.waitFor(() => expect(fs.readdirSync(temporary)).toHaveLength(1), 10_000);
    child.kill("SIGINT");
    expect(await ended).toEqual([130, null]);
    expect(errors).toContain("[INTERRUPTED]");
    expect(fs.readdirSync(temporary)).toEqual([]);
  });
});
