// Laws over the real benchmark files, which live outside the repository; run by `npm run test:data`.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findOverlaps, trainingText, type TrainingText } from "../../src/data/decontaminate.ts";
import { readConversations, readProblems, readRows } from "../../src/data/read.ts";
import type { Problem } from "../../src/data/record.ts";
import { templateFrom } from "../../src/data/template.ts";
import { evaluateTarget, openProblemSet } from "../../src/evaluate/evaluate-file.ts";
import { createVerifier } from "../../src/verify/verify.ts";
import { scratchFolder } from "../support/scratch-folder.ts";

const DATA = process.env["SWARR_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const FILES = [
  { name: "gsm8k/test.jsonl", n: 1319, answer: /^-?\d+$/ },
  { name: "gsm8k/train.jsonl", n: 7473, answer: /^-?\d+(\.\d+)?$/ },
  { name: "math500/test.jsonl", n: 500, answer: /\S/ },
  { name: "olympiadbench/test.jsonl", n: 675, answer: /\S/ },
  { name: "aime24/test.jsonl", n: 30, answer: /^\d{1,3}$/ },
  { name: "aime25/test.jsonl", n: 30, answer: /^\d{1,3}$/ },
  { name: "amc23/test.jsonl", n: 40, answer: /^-?\d+$/ },
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

  it("finds the three GSM8K problems that share 13 words with a training row, none of them the same question", async () => {
    const problems = await readProblems(path.join(DATA, "gsm8k/test.jsonl"));
    const rows = await readConversations(path.join(DATA, "gsm8k/train.jsonl"), templateFrom("plain"));
    const report = findOverlaps(problems, rows.map(trainingText));
    expect(report.overlaps.map(({ problem, identical }) => [problem, identical])).toEqual([
      [581, false],
      [602, false],
      [632, false],
    ]);
    expect(findOverlaps(problems, problems.map(asTraining)).overlaps.every(({ identical }) => identical)).toBe(true);
  });

  it("gives the published number of right solutions for each of the four example models, and for their four samples", async () => {
    const set = await openProblemSet(path.join(DATA, "gsm8k/test.jsonl"), {});
    const rows = await readRows(path.join(DATA, "gsm8k/example_model_solutions.jsonl"), "the example solutions");
    const solutions = rows.map(({ value }) => MODELS.map((name) => value[name] as PublishedSolution));
    const file = path.join(scratchFolder(), "responses.jsonl");
    const lines = solutions.map((own, index) =>
      JSON.stringify({ index, responses: own.map(({ solution }) => solution) }),
    );
    fs.writeFileSync(file, lines.join("\n"));
    const verifier = createVerifier();
    const { samples, figures } = await evaluateTarget({
      target: { kind: "responses", file },
      set,
      template: templateFrom("plain"),
      sampling: { temperature: 1, topP: 1, maxNewTokens: 1 },
      seed: 0,
      grade: (problem, response) => verifier.grade(problem.answer, response.text),
    });
    await verifier.close();
    const rights = MODELS.map(
      (_, model) => samples.filter((one) => one.sample === model && one.verdict === "right").length,
    );
    expect(rights).toEqual(MODELS.map((_, model) => solutions.filter((own) => own[model]?.is_correct === true).length));
    const anyRight = solutions.filter((own) => own.some(({ is_correct: right }) => right)).length;
    expect(figures.passAtK["4"]).toBe(anyRight / 1319);
  });
});

const MODELS = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"] as const;

interface PublishedSolution {
  readonly solution: string;
  readonly is_correct: boolean;
}

function asTraining({ question }: Problem): TrainingText {
  return { prompt: question, text: question };
}
