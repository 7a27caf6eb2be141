// A task over rows: epochs, the reward's terms, and the refusal of a test row among the training rows.

import { describe, expect, it } from "vitest";
import { fileTask, hasFinalNumber, type Judge } from "./file-task.ts";
import { defineTask, type TaskExample, type TaskProblem, type TaskResponse } from "./task.ts";

function rows(count: number, prefix: string): (TaskExample & TaskProblem)[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i}`,
    prompt: `${prefix} question ${i}`,
    response: `work\n#### ${i}`,
    gold: String(i),
  }));
}

const judge: Judge = (gold, response) => {
  const answer = /#### (\d+)/.exec(response)?.[1] ?? null;
  return { answer, verdict: answer === null ? "unreadable" : answer === gold ? "right" : "wrong" };
};

const said = (text: string, ended = true): TaskResponse => ({ text, ids: [], ended });
const options = {
  name: "toy",
  seed: 4,
  examples: rows(7, "train"),
  problems: rows(5, "rl"),
  tests: rows(3, "test"),
  judge,
};
const task = fileTask(options);

describe("fileTask", () => {
  it("shows every row once an epoch, in another order each time", () => {
    const epochs = [0, 1].map((epoch) => Array.from({ length: 7 }, (_, i) => task.example("sft", 7 * epoch + i).id));
    for (const ids of epochs) expect([...ids].sort()).toEqual(options.examples.map(({ id }) => id));
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("gives the same row for an index whatever was asked before", () => {
    const fresh = fileTask(options);
    expect(fresh.example("sft", 9)).toEqual(task.example("sft", 9));
    fresh.example("sft", 2);
    expect(fresh.example("sft", 9)).toEqual(task.example("sft", 9));
  });

  it("orders the stages apart from each other", () => {
    const order = (purpose: "sft" | "more-sft"): string[] =>
      Array.from({ length: 7 }, (_, i) => task.example(purpose, i).id);
    expect(order("sft")).not.toEqual(order("more-sft"));
  });

  it("rewards the answer alone unless a format term is asked for", async () => {
    const [problem] = task.testProblems();
    expect(await task.grade(problem!, said("#### 0"))).toMatchObject({ reward: 1, terms: { answer: 1 } });
    expect(await task.grade(problem!, said("#### 5"))).toMatchObject({ reward: 0, terms: { answer: 0 } });
    const shaped = fileTask({ ...options, formatWeight: 0.1 });
    expect(await shaped.grade(problem!, said("#### 5"))).toEqual({
      reward: 0.1,
      terms: { answer: 0, format: 1 },
      verdict: "wrong",
      answer: "5",
    });
  });

  it("draws RL problems from their own rows, and says so when there are none", () => {
    const ids = new Set(Array.from({ length: 5 }, (_, i) => task.rlProblem(i).id));
    expect([...ids].sort()).toEqual(["rl0", "rl1", "rl2", "rl3", "rl4"]);
    expect(() => fileTask({ ...options, problems: [] }).rlProblem(0)).toThrow(/no rows to draw from.*gold answer/);
    expect(() => fileTask({ ...options, examples: [] }).example("sft", 3)).toThrow(/worked solution/);
  });

  it("refuses training prompts that are test prompts, naming the first", () => {
    const copied = { ...options.tests[1]!, id: "copied", prompt: " test question 1\n" };
    const wanted = /1 training prompts.*"copied", test row "test1"/;
    expect(() => fileTask({ ...options, examples: [...options.examples, copied] })).toThrow(wanted);
    expect(() => fileTask({ ...options, problems: [copied] })).toThrow(wanted);
  });
});

describe("hasFinalNumber", () => {
  it("takes one closing line with a number, written to its end", () => {
    const good = ["so\n#### 18", "####-3", "#### $1,200.50 ", "costs #1\n#### 7"];
    expect(good.filter((text) => !hasFinalNumber(said(text)))).toEqual([]);
    const bad = ["#### ", "18", "#### 1 #### 2", "#### 18 apples", "#### x", "### 18"];
    expect(bad.filter((text) => hasFinalNumber(said(text)))).toEqual([]);
    expect(hasFinalNumber(said("#### 18", false))).toBe(false);
  });
});

describe("defineTask", () => {
  it("refuses a reward that is not a number, and a verdict it does not know, naming the problem", async () => {
    const problem = task.testProblems()[0]!;
    const graded = { reward: NaN, terms: {}, verdict: "right", answer: null } as const;
    await expect(defineTask({ ...task, grade: () => graded }).grade(problem, said("x"))).rejects.toThrow(
      /graded a response to "test0" with reward/,
    );
    const odd = { ...graded, reward: 0, verdict: "maybe" as "right" };
    await expect(defineTask({ ...task, grade: () => odd }).grade(problem, said("x"))).rejects.toThrow(/"maybe"/);
  });

  it("refuses an example without a response", () => {
    const empty = defineTask({ ...task, example: (_, i) => ({ id: `row ${i}`, prompt: "p", response: "" }) });
    expect(() => empty.example("sft", 3)).toThrow(/an empty response for "row 3"/);
  });
});
