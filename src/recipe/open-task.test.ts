// From a recipe's data to problems and examples.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileChatTemplate } from "../tokens/chat-template.ts";
import { openTask, type TaskParts } from "./open-task.ts";
import { parseRecipe } from "./read.ts";
import type { Recipe } from "./recipe.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-open-task-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const CHAT =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

const parts: TaskParts = {
  judge: (gold, response) => ({ verdict: response.includes(gold) ? "right" : "wrong", answer: response }),
  chatTemplate: () => compileChatTemplate(CHAT, { where: "test", beginToken: null, endToken: "</s>" }),
};

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
    const task = await openTask(recipe(...sets), parts);
    expect(task.example("sft", 0)).toEqual({ id: "train-0", prompt: "1+1?\n", response: TRAIN[0]!.answer });
    expect(task.rlProblem(0)).toEqual({ id: "rl-0", prompt: "1+1?\n", gold: "2" });
    expect(task.testProblems()).toEqual([{ id: "test-0", prompt: "2+2?\n", gold: "4" }]);
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
    const task = await openTask(recipe(train, "rl=null"), parts);
    const example = task.example("sft", 0);
    expect(example.prompt + example.response).toBe("<user>hi</s><assistant>ho</s><user>1+1?</s><assistant>2</s>");
    expect(example.prompt).toBe("<user>hi</s><assistant>");
    expect(example.spans?.map(({ start, end }) => example.response.slice(start, end))).toEqual(["ho</s>", "2</s>"]);
    expect(example.closed).toBe(true);
  });

  it("asks RL and test problems through the chat template when the prompt template is a chat", async () => {
    const rl = `data.rl=${write("rl.jsonl", TRAIN)}`;
    const task = await openTask(recipe(rl, "sft=null", "data.template=chat"), parts);
    expect(task.rlProblem(0).prompt).toBe("<user>1+1?</s><assistant>");
    expect(() => task.example("sft", 0)).toThrow(/worked solution/);
  });

  it("refuses a test row among the training rows", async () => {
    const sets = [`data.train=${write("train.jsonl", [...TRAIN, ...TEST])}`, `data.test=${write("test.jsonl", TEST)}`];
    await expect(openTask(recipe(...sets), parts)).rejects.toThrow(/CONTAMINATED/);
  });

  it("opens the miniature with the recipe's seed", async () => {
    const opened = await Promise.all(
      [1, 2].map((seed) => openTask(recipe("data={task: running-total}", `seed=${seed}`, "rl.formatWeight=0"), parts)),
    );
    const [first, second] = opened.map((task) => Array.from({ length: 8 }, (_, i) => task.example("sft", i).prompt));
    expect(first).not.toEqual(second);
    expect(opened[0]!.testProblems()).toEqual(opened[1]!.testProblems());
  });
});
