// Laws over the real benchmark files, which live outside the repository; run by `npm run test:data`.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readConversations, readProblems } from "../../src/data/read.ts";
import { templateFrom } from "../../src/data/template.ts";

const DATA = process.env["SWARR_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const FILES = [
  { name: "gsm8k/test.jsonl", n: 1319, answer: /^-?\d+$/, unique: true },
  { name: "gsm8k/train.jsonl", n: 7473, answer: /^-?\d+(\.\d+)?$/, unique: true },
  { name: "math500/test.jsonl", n: 500, answer: /\S/, unique: true },
  { name: "olympiadbench/test.jsonl", n: 675, answer: /\S/, unique: true },
  { name: "aime24/test.jsonl", n: 30, answer: /^\d{1,3}$/, unique: true },
  { name: "aime25/test.jsonl", n: 30, answer: /^\d{1,3}$/, unique: true },
  { name: "amc23/test.jsonl", n: 40, answer: /^-?\d+$/, unique: true },
];

describe.skipIf(!fs.existsSync(DATA))("the benchmark files", () => {
  for (const { name, n, answer } of FILES) {
    it(`reads every row of ${name} with an answer of its form and an id of its own`, async () => {
      const problems = await readProblems(path.join(DATA, name));
      expect(problems.length).toBe(n);
      expect(problems.filter((problem) => !answer.test(problem.answer))).toEqual([]);
      expect(new Set(problems.map((problem) => problem.id)).size).toBe(n);
      expect(problems.filter((problem) => problem.answer.includes("####"))).toEqual([]);
    });
  }

  it("gives MATH-500 its subjects and levels, and every OlympiadBench row its subfield", async () => {
    const math = await readProblems(path.join(DATA, "math500/test.jsonl"));
    expect([...new Set(math.map((problem) => problem.level))].sort()).toEqual(["1", "2", "3", "4", "5"]);
    expect(new Set(math.map((problem) => problem.subject)).size).toBe(7);
    const olympiad = await readProblems(path.join(DATA, "olympiadbench/test.jsonl"));
    expect(olympiad.every((problem) => problem.subject !== undefined)).toBe(true);
  });

  it("reads the GSM8K training rows as conversations whose response is the whole solution", async () => {
    const rows = await readConversations(path.join(DATA, "gsm8k/train.jsonl"), templateFrom("plain"));
    expect(rows.length).toBe(7473);
    expect(rows.every((row) => row.kind === "text" && /#### -?[\d,.]+$/.test(row.response))).toBe(true);
  });
});
