// From a recipe's data to problems and examples.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { openTokenizer } from "../tokens/tokenizer.ts";
import { parseRecipe } from "./read.ts";
import type { Recipe } from "./recipe.ts";
import type { OpenTask } from "./open-file-task.ts";
import { openTask } from "./task.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-open-task-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const tokenizer = openTokenizer({ ...byteTokenizer(), where: "test" });
const opened: OpenTask[] = [];
afterEach(async () => {
  for (const task of opened.splice(0)) await task.close();
});

async function open(recipe: Recipe): Promise<OpenTask> {
  const task = await openTask(recipe, tokenizer);
  opened.push(task);
  return task;
}

function write(name: string, rows: readonly object[]): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

function recipe(...sets: readonly string[]): Recipe {
  const text = `
model: models/base
window: 64
data: {}
sft: { steps: 1, lr: 1, batchExamples: 1 }
rl: { steps: 1, lr: 1, promptsPerStep: 1, groupSize: 2, maxNewTokens: 1, formatWeight: 0.5 }
`;
  return parseRecipe(text, "test", sets);
}

const TRAIN = [{ question: "1+1?", answer: "1+1=<<1+1=2>>2\n#### 2" }];
const TEST = [{ question: "2+2?", answer: "#### 4" }];

describe("openTask", () => {
  it("makes examples, RL problems and tests of question/answer rows", async () => {
    const sets = [`data.train=${write("train.jsonl", TRAIN)}`, `data.test=${write("test.jsonl", TEST)}`];
    const task = await open(recipe(...sets));
    expect(task.example("sft", 0)).toEqual({ id: "0", prompt: "1+1?\n", response: TRAIN[0]!.answer });
    expect(task.rlProblem(0)).toEqual({ id: "0", prompt: "1+1?\n", gold: "2" });
    expect(task.testProblems()).toEqual([{ id: "0", prompt: "2+2?\n", gold: "4" }]);
    const graded = await task.grade(task.rlProblem(0), { text: "so\n#### 2", ids: [], ended: true });
    expect(graded).toMatchObject({ verdict: "right", reward: 1.5, terms: { answer: 1, format: 1 } });
  });

  it("trains a chat on the assistant's turns alone, each with its end token", async () => {
    const messages = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "ho" },
      { role: "user", content: "1+1?" },
      { role: "assistant", content: "2" },
    ];
    const train = `data.train=${write("chat.jsonl", [{ messages }])}`;
    const task = await open(recipe(train, "rl=null"));
    const example = task.example("sft", 0);
    expect(example.prompt + example.response).toBe(
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nho<|im_end|>\n" +
        "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n",
    );
    expect(example.prompt).toBe("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
    expect(example.spans?.map(({ start, end }) => example.response.slice(start, end))).toEqual([
      "ho<|im_end|>",
      "2<|im_end|>",
    ]);
    expect(example.closed).toBe(true);
  });

  it("asks RL and test problems through the chat template when the prompt template is a chat", async () => {
    const rl = `data.rl=${write("rl.jsonl", TRAIN)}`;
    const task = await open(recipe(rl, "sft=null", "data.template=chat"));
    expect(task.rlProblem(0).prompt).toBe("<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n");
    expect(() => task.example("sft", 0)).toThrow(/worked solution/);
  });

  it("refuses a test row among the training rows", async () => {
    const sets = [`data.train=${write("train.jsonl", [...TRAIN, ...TEST])}`, `data.test=${write("test.jsonl", TEST)}`];
    await expect(open(recipe(...sets))).rejects.toThrow(/CONTAMINATED/);
  });

  it("opens the miniature with the recipe's seed", async () => {
    const tasks = await Promise.all(
      [1, 2].map((seed) => open(recipe("data={task: running-total}", `seed=${seed}`, "rl.formatWeight=0"))),
    );
    const [first, second] = tasks.map((task) => Array.from({ length: 8 }, (_, i) => task.example("sft", i).prompt));
    expect(first).not.toEqual(second);
    expect(tasks[0]!.testProblems()).toEqual(tasks[1]!.testProblems());
  });

  it("takes the length off the reward by a logged term, and lets a module of one's own weigh everything", async () => {
    const data = `data.train=${write("train.jsonl", TRAIN)}`;
    const late = await open(recipe(data, "rl.maxNewTokens=20", "rl.overlong={bufferTokens: 10, weight: 0.5}"));
    // 15 of 20 tokens, 5 into a buffer of 10: a penalty of half the weight.
    const response = { text: "so\n#### 2", ids: new Array<number>(15).fill(1), ended: true };
    const graded = await late.grade(late.rlProblem(0), response);
    expect(graded).toMatchObject({ reward: 1 + 0.5 - 0.25, terms: { answer: 1, format: 1, overlong: -0.5 } });

    const file = path.join(folder, "mine.mjs");
    fs.writeFileSync(
      file,
      `export const reward = { name: "short", score: ({ verdict, tokens }) => (verdict.kind === "right" ? 100 - tokens : -1) };`,
    );
    const own = await open(recipe(data, "rl.formatWeight=0", `rewards=${file}`));
    expect(await own.grade(own.rlProblem(0), response)).toMatchObject({
      verdict: "right",
      reward: 85,
      terms: { short: 85 },
    });
    expect(() => recipe(data, `rewards=${file}`)).toThrow(/formatWeight is 0/);
  });

  it("measures how far a response looks back over the prompt", async () => {
    const task = await open(recipe(`data.train=${write("train.jsonl", TRAIN)}`));
    const ids = (text: string): number[] => tokenizer.encode(text);
    // "37" stands at position 1 and again at 13: a distance of 12.
    const [prompt, response] = ["x37 and then ", "37"];
    expect(task.dependency!(ids(prompt), ids(response), 11)).toMatchObject({ farthest: 12, beyondWindow: true });
    expect(task.dependency!(ids(prompt), ids(response), 12)).toMatchObject({ farthest: 12, beyondWindow: false });
  });
});
