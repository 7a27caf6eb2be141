// Laws of problem files: every known layout gives the same record, every other one is refused by name.

import { describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import { finalAnswer, lastBoxed } from "./gold-answer.ts";
import { problemsFromRows } from "./problems.ts";

function problemOf(value: JsonObject, mapping = {}): unknown {
  return problemsFromRows([{ line: 7, value }], "rows.jsonl", mapping)[0];
}

describe("problemsFromRows", () => {
  it("takes what follows #### as the answer and the whole text as the solution", () => {
    const answer = "She sold 48/2 = <<48/2=24>>24.\nIn all 1,000.\n#### 1,000";
    expect(problemOf({ question: "How many?", answer })).toEqual({
      id: "0",
      question: "How many?",
      answer: "1000",
      solution: answer,
    });
  });

  it("reads problem/answer rows with subject, level and unique_id", () => {
    const row = {
      problem: "Convert.",
      solution: "We get $\\boxed{\\left( 3, \\frac{\\pi}{2} \\right)}.$",
      answer: "\\left( 3, \\frac{\\pi}{2} \\right)",
      subject: "Precalculus",
      level: 2,
      unique_id: "test/precalculus/807.json",
    };
    expect(problemOf(row)).toEqual({
      id: "test/precalculus/807.json",
      question: row.problem,
      answer: row.answer,
      solution: row.solution,
      level: "2",
      subject: "Precalculus",
    });
  });

  it("reads rows whose answers and solutions are lists, and puts the context before the question", () => {
    const row = {
      id: 1606,
      subfield: "Combinatorics",
      context: "Let $n$ be odd.",
      question: "Find all $n$.",
      solution: ["First.", "Second."],
      final_answer: ["$64$", "$\\frac{1}{4}$"],
      is_multiple_answer: true,
      unit: null,
    };
    expect(problemOf(row)).toEqual({
      id: "1606",
      question: "Let $n$ be odd.\n\nFind all $n$.",
      answer: "$64$,$\\frac{1}{4}$",
      solution: "First.\n\nSecond.",
      subject: "Combinatorics",
    });
  });

  it("reads expected_answer rows, numeric answers without a trailing .0, and a question repeated as problem", () => {
    expect(problemOf({ id: "x-0", problem: "Find it.", expected_answer: "070", reference_solution: "So 70." })).toEqual(
      {
        id: "x-0",
        question: "Find it.",
        answer: "070",
        solution: "So 70.",
      },
    );
    expect(problemOf({ id: 0, problem: "Q", question: "Q", answer: 27.0, url: "u" })).toEqual({
      id: "0",
      question: "Q",
      answer: "27",
    });
    expect(problemOf({ problem: "A\nB ", question: "A B", answer: 1 })).toMatchObject({ question: "A B" });
    expect(problemOf({ ID: "2024-I-1", Problem: "Q", Answer: -1 })).toMatchObject({ id: "2024-I-1", answer: "-1" });
  });

  it("takes the box at the end of a MATH solution when there is no answer field", () => {
    const row = {
      problem: "P",
      level: "Level 5",
      type: "Algebra",
      solution: "\\boxed{1}? No: $\\boxed{\\frac{1}{2}}$.",
    };
    expect(problemOf(row)).toMatchObject({ answer: "\\frac{1}{2}", level: "Level 5", subject: "Algebra" });
  });

  it("reads any columns by mapping, and says when the mapped ones are not there", () => {
    const row = { Frage: "1+1?", Antwort: 2, question: "another" };
    expect(problemOf(row, { questionField: "Frage", answerField: "Antwort" })).toMatchObject({
      question: "1+1?",
      answer: "2",
    });
    expect(() => problemOf(row, { questionField: "Fragen", answerField: "Antwort" })).toThrow(
      /line 7 has the fields Frage, Antwort, question.*Expected the field Fragen/,
    );
  });

  it("refuses unknown layouts with the fields found, and rows that say two things or nothing", () => {
    expect(() => problemOf({ instruction: "a", output: "b" })).toThrow(/line 7 has the fields instruction, output/);
    expect(() => problemOf({ question: "a", output: "b" })).toThrow(/answer fields final_answer.*--answer-field/);
    expect(() => problemOf({ question: "a", problem: "b", answer: "1" })).toThrow(/both question and problem/);
    expect(() => problemOf({ question: " ", answer: "1" })).toThrow(/line 7: question is " "/);
    expect(() => problemOf({ question: "a", answer: "Well.\n#### " })).toThrow(/line 7: answer/);
    expect(() => problemOf({ question: "a", answer: { value: 1 } })).toThrow(/line 7: answer is \{"value":1\}/);
    expect(() => problemOf({ question: "a", final_answer: [] })).toThrow(/line 7: final_answer is \[\]/);
    expect(() => problemOf({ question: "a", answer: 12345678901234567890 })).toThrow(/cannot hold exactly/);
    expect(() => problemsFromRows([], "rows.jsonl")).toThrow(/rows\.jsonl has no rows/);
  });
});

describe("finalAnswer", () => {
  it("ungroups digits after #### only when they are groups of three", () => {
    expect(["#### 1,234,567", "#### $2,125.50", "#### -1,000", "#### 12,34", "#### 1, 2"].map(finalAnswer)).toEqual([
      "1234567",
      "$2125.50",
      "-1000",
      "12,34",
      "1, 2",
    ]);
  });

  it("keeps any other text, comma lists included, as it is", () => {
    expect(finalAnswer(" 1,234 ")).toBe("1,234");
    expect(finalAnswer("x \\in [0, 1]")).toBe("x \\in [0, 1]");
  });
});

describe("lastBoxed", () => {
  it("balances braces, steps over escaped ones, takes the last whole box and the one-symbol form", () => {
    expect(lastBoxed("\\boxed{a} then \\boxed{\\{1, \\frac{2}{3}\\}}.")).toBe("\\{1, \\frac{2}{3}\\}");
    expect(lastBoxed("\\boxed{whole} and \\boxed{cut")).toBe("whole");
    expect(lastBoxed("\\boxed 5")).toBe("5");
    expect(lastBoxed("no box")).toBeNull();
  });
});
