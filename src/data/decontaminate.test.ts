// Laws of the contamination check, against a plain search over all pairs of texts.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { findOverlaps, trainingText, wordsOf, type TrainingText } from "./decontaminate.ts";
import type { Problem } from "./record.ts";

function problem(question: string, id = "p"): Problem {
  return { id, question, answer: "1" };
}

function row(prompt: string, response = "So it is."): TrainingText {
  return { prompt, text: `${prompt}\n${response}` };
}

const words = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `w${from + i}`).join(" ");

describe("findOverlaps", () => {
  it("finds a run of exactly 13 shared words and none of 12", () => {
    const found = findOverlaps([problem(words(1, 20))], [row(`x ${words(3, 14)} y`), row(`x ${words(3, 15)} y`)]);
    expect(found.overlaps).toEqual([
      { problem: 0, id: "p", row: 1, rows: 1, coverage: 13 / 20, identical: false, shared: words(3, 15) },
    ]);
    expect(found.overlappingRows).toEqual([1]);
  });

  it("sees past case, punctuation, line breaks and compatibility forms, but not past operators", () => {
    const question = "What is 2 + 3, if Ann gives ½ of 12 to Bob — and he keeps it all?";
    expect(wordsOf("Ann's ２+３\n\\frac{a}{b}")).toEqual(["ann", "s", "2", "+", "3", "frac", "a", "b"]);
    expect(
      findOverlaps([problem(question)], [row(question.toUpperCase().replaceAll(" ", "\n"))]).overlaps,
    ).toMatchObject([{ coverage: 1, identical: true }]);
    expect(
      findOverlaps(
        [problem("Find x + 2 for x = 3, then stop there now")],
        [row("Find x - 2 for x = 3, then stop there now")],
      ).overlaps,
    ).toEqual([]);
  });

  it("finds a short question in a response only from 8 words on, and whole", () => {
    const eight = problem(words(1, 8));
    expect(findOverlaps([eight], [row("Other.", `See ${words(1, 8)} there`)]).overlaps).toMatchObject([
      { coverage: 1 },
    ]);
    expect(findOverlaps([eight], [row("Other.", words(1, 7)), row(words(2, 8))]).overlaps).toEqual([]);
  });

  it("finds a question of fewer than 8 words only as a row's whole prompt", () => {
    const short = problem("Compute 2 + 2.");
    expect(
      findOverlaps([short], [row("compute 2+2"), row("Please compute 2 + 2."), row("A", "Compute 2 + 2.")]),
    ).toMatchObject({
      overlaps: [{ row: 0, rows: 1, identical: true }],
      overlappingRows: [0],
    });
  });

  it("names the row that covers most, and counts all that overlap", () => {
    const question = problem(words(1, 30));
    const found = findOverlaps([question], [row(words(1, 13)), row(words(1, 30)), row(words(5, 25))]);
    expect(found.overlaps).toMatchObject([{ row: 1, rows: 3, coverage: 1, identical: true, shared: words(1, 30) }]);
  });

  it("agrees with a search over all pairs on random texts of few words", () => {
    for (let seed = 0; seed < 20; seed++) {
      const stream = randomStream({ root: seed, purpose: "overlap-test" });
      const text = (length: number): string => Array.from({ length }, () => `v${stream.integer(3)}`).join(" ");
      const problems = Array.from({ length: 15 }, () => problem(text(8 + stream.integer(12))));
      const rows = Array.from({ length: 15 }, () => row(text(40), text(40)));
      const wanted = problems.flatMap(({ question }, index) => {
        const asked = question.split(" ");
        const n = Math.min(9, asked.length);
        const runs = asked.slice(n - 1).map((_, at) => ` ${asked.slice(at, at + n).join(" ")} `);
        const hit = rows.some(({ text: all }) => runs.some((run) => ` ${all.replaceAll("\n", " ")} `.includes(run)));
        return hit ? [index] : [];
      });
      expect(
        findOverlaps(problems, rows, 9).overlaps.map((overlap) => overlap.problem),
        `seed ${seed}`,
      ).toEqual(wanted);
    }
  });
});

describe("trainingText", () => {
  it("takes the user's messages as the prompt and every message as text", () => {
    const messages = [
      { role: "system", content: "S" },
      { role: "user", content: "U" },
      { role: "assistant", content: "A" },
    ] as const;
    expect(trainingText({ kind: "messages", messages })).toEqual({ prompt: "U", text: "S\nU\nA" });
    expect(trainingText({ kind: "text", prompt: "P", response: "R" })).toEqual({ prompt: "P", text: "P\nR" });
  });
});
