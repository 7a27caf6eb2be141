// Laws of sample files: gone on with after a crash, never mixed with other settings, the same bytes in the end.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { evaluateProblems, type Grade } from "./benchmark.ts";
import type { ResponseSource } from "./response-source.ts";
import { openSampleStore } from "./sample-store.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-samples-"));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

const settings = { weightsSha256: "ab", temperature: 1, seed: 5 };
const problems = ["1", "2", "3"].map((answer, index) => ({ id: `p${index}`, question: "?", answer }));
const grade: Grade = (problem, { text }) =>
  text === problem.answer
    ? { kind: "right", answer: text, reason: "equal" }
    : { kind: "unreadable", answer: null, reason: "none" };

function source(onAsk: () => void = () => undefined): ResponseSource {
  return {
    respond(asks, _sampling, onResponse) {
      for (const ask of asks) {
        onAsk();
        onResponse(ask, { text: String((ask.seed % 3) + 1), tokens: 1, finishReason: "stop" });
      }
      return Promise.resolve();
    },
  };
}

async function run(file: string, from = source()): Promise<void> {
  const store = openSampleStore(file, settings);
  const sampling = { temperature: 1, topP: 1, maxNewTokens: 4 };
  const onSample = store.append;
  const result = await evaluateProblems({
    problems,
    source: from,
    grade,
    sampling,
    samples: 3,
    seed: 5,
    known: store.known,
    onSample,
  });
  store.finish(result.samples, result.figures);
}

describe("openSampleStore", () => {
  it("ends with the same bytes after a stop in the middle and a torn line as straight through", async () => {
    const straight = path.join(folder, "straight.jsonl");
    await run(straight);
    const broken = path.join(folder, "broken.jsonl");
    let left = 4;
    const failing = source(() => {
      if (left-- === 0) throw new Error("power cut");
    });
    await expect(run(broken, failing)).rejects.toThrow("power cut");
    fs.appendFileSync(broken, '{"type":"sample","index":2,"id":"p');
    let asked = 0;
    await run(
      broken,
      source(() => (asked += 1)),
    );
    expect(asked).toBe(5);
    expect(fs.readFileSync(broken, "utf8")).toBe(fs.readFileSync(straight, "utf8"));
    await run(
      broken,
      source(() => (asked += 1)),
    );
    expect(asked).toBe(5);
  });

  it("holds a header, the samples in order, and the figures last", async () => {
    const file = path.join(folder, "samples.jsonl");
    await run(file);
    const rows = fs
      .readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows[0]).toEqual({ type: "evaluation", version: 1, settings });
    expect(rows.slice(1, -1).map((row) => [row["type"], row["index"], row["sample"]])).toEqual(
      [0, 1, 2].flatMap((index) => [0, 1, 2].map((sample) => ["sample", index, sample])),
    );
    expect(rows.at(-1)).toMatchObject({ type: "figures", n: 3, samples: 3 });
  });

  it("refuses to go on with other settings, naming them, and to write over any other file", async () => {
    const file = path.join(folder, "samples.jsonl");
    await run(file);
    expect(() => openSampleStore(file, { ...settings, temperature: 0.5 })).toThrow(
      /temperature 1 there, 0.5 now.*FILE_EXISTS/,
    );
    expect(() => openSampleStore(file, { seed: 5, temperature: 1 })).toThrow(/weightsSha256 "ab" there, nothing now/);
    const other = path.join(folder, "train.jsonl");
    for (const content of ['{"question":"a","answer":"b"}\n', "# Title\nno newline at the end"]) {
      fs.writeFileSync(other, content);
      expect(() => openSampleStore(other, settings)).toThrow(/not a sample file.*FILE_EXISTS/);
      expect(fs.readFileSync(other, "utf8")).toBe(content);
    }
  });

  it("names the line of a sample that was damaged by hand", async () => {
    const file = path.join(folder, "samples.jsonl");
    await run(file);
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace('"verdict":"right"', '"verdict":"maybe"'));
    expect(() => openSampleStore(file, settings)).toThrow(/samples\.jsonl line \d+ is not a sample/);
  });
});
