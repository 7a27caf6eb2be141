// The verifier over the labelled files that live outside the repository; run by `npm run test:data`.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { readJsonl } from "../../src/formats/jsonl.ts";
import { createVerifier, numericVerdict } from "../../src/verify/verify.ts";

const DATA = process.env["SWARR_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));

interface Solution {
  readonly is_correct: boolean;
  readonly solution: string;
}

interface Problem {
  readonly gold: string;
  readonly solutions: readonly Solution[];
}

function modelSolutions(): readonly Problem[] {
  return readJsonl(path.join(DATA, "gsm8k/example_model_solutions.jsonl"), "labelled solutions").map(({ value }) => ({
    gold: value["ground_truth"] as string,
    solutions: Object.values(value).filter((entry): entry is Solution => typeof entry === "object" && entry !== null),
  }));
}

describe.skipIf(!fs.existsSync(DATA))("the labelled files", () => {
  const verifier = createVerifier();
  afterAll(() => verifier.close());

  it("agrees with at least 99 % of the development cases, without one false positive", async () => {
    const rows = readJsonl(path.join(DATA, "verifier/dev.jsonl"), "development cases").map((row) => row.value);
    const wrong: unknown[] = [];
    for (const { id, gold, prediction, expected } of rows) {
      const verdict = await verifier.grade(gold as string, prediction as string);
      if ((verdict.kind === "right") !== (expected === 1)) wrong.push({ id, expected, verdict });
    }
    expect(rows.length).toBeGreaterThan(800);
    expect(wrong.filter((miss) => (miss as { expected: number }).expected !== 1)).toEqual([]);
    expect(wrong.length / rows.length).toBeLessThanOrEqual(0.01);
  });

  it("gives every labelled GSM8K solution its label, by the verifier and by the numeric judge", async () => {
    let judged = 0;
    const wrong: unknown[] = [];
    for (const { gold, solutions } of modelSolutions()) {
      for (const { is_correct: right, solution } of solutions) {
        judged += 1;
        const verdict = await verifier.grade(gold, solution);
        const numeric = numericVerdict(gold, solution);
        if ((verdict.kind === "right") !== right || (numeric.kind === "right") !== right)
          wrong.push({ gold, solution });
      }
    }
    expect(judged).toBe(5276);
    expect(wrong).toEqual([]);
  });

  it("finds every answer of MATH-500 and OlympiadBench equal to itself", async () => {
    const math = readJsonl(path.join(DATA, "math500/test.jsonl"), "problems").map(
      (row) => row.value["answer"] as string,
    );
    const olympiad = readJsonl(path.join(DATA, "olympiadbench/test.jsonl"), "problems").map((row) =>
      (row.value["final_answer"] as readonly string[]).join(","),
    );
    const unequal: string[] = [];
    for (const answer of [...math, ...olympiad]) {
      const boxed = `\\boxed{${answer.replace(/^\$+|\$+$/g, "")}}`;
      if ((await verifier.grade(answer, boxed)).kind !== "right") unequal.push(answer);
    }
    expect(unequal).toEqual([]);
  });

  it("finds no answer of MATH-500 equal to itself with one digit changed", async () => {
    const equal: string[] = [];
    for (const { value } of readJsonl(path.join(DATA, "math500/test.jsonl"), "problems")) {
      const answer = value["answer"] as string;
      for (const { index, 0: digit } of answer.matchAll(/\d/g)) {
        const changed = `${answer.slice(0, index)}${(Number(digit) + 1) % 10}${answer.slice(index + 1)}`;
        if ((await verifier.grade(answer, `\\boxed{${changed}}`)).kind === "right")
          equal.push(`${answer} / ${changed}`);
      }
    }
    expect(equal).toEqual([]);
  });
});
