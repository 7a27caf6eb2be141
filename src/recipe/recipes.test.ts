// The recipes that come with swarr.

import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { parameterCount } from "../model/parameters.ts";
import { RUNNING_TOTAL_ALPHABET } from "../tasks/running-total-alphabet.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { configOfInit } from "./model-settings.ts";
import { readRecipe } from "./read.ts";

function shipped(name: string, ...sets: readonly string[]): ReturnType<typeof readRecipe> {
  return readRecipe(`recipes/${name}`, sets);
}

function parametersOf(recipe: ReturnType<typeof readRecipe>, vocabularySize: number): number {
  if (typeof recipe.model === "string") return expect.fail("the recipe starts from a folder");
  return parameterCount(configOfInit(recipe.model.init, vocabularySize));
}

describe("recipes/", () => {
  it("holds nothing that does not read", () => {
    const names = fs.readdirSync("recipes").filter((name) => name.endsWith(".yaml"));
    expect(names.sort()).toEqual(["gsm8k.yaml", "miniature.yaml", "paper.yaml"]);
    for (const name of names) expect(shipped(name).window, name).toBeGreaterThan(0);
  });
});

describe("miniature.yaml", () => {
  const vocabulary = RUNNING_TOTAL_ALPHABET.tokens.length;

  it("is the experiment as verified", () => {
    const recipe = shipped("miniature.yaml");
    expect(parametersOf(recipe, vocabulary)).toBe(303744);
    const optimizer = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01 };
    const supervised = { batchExamples: 16, schedule: "cosine", clipNorm: 1, optimizer };
    expect(recipe.pretrain).toMatchObject({ ...supervised, steps: 800, lr: 3e-3, warmupSteps: 30 });
    expect(recipe.sft).toMatchObject({ ...supervised, steps: 300, lr: 1e-3, warmupSteps: 20 });
    expect(recipe.rl).toMatchObject({
      steps: 60,
      promptsPerStep: 32,
      groupSize: 8,
      minibatches: 2,
      lr: 3e-4,
      warmupSteps: 5,
      schedule: "constant",
      clipNorm: 1,
      clipLow: 0.2,
      clipHigh: 0.28,
      maxNewTokens: 180,
      optimizer: { ...optimizer, weightDecay: 0 },
      advantage: { baseline: "mean", scale: "group", ddof: 0, epsilon: 1e-4 },
    });
    expect(recipe).toMatchObject({
      window: 36,
      arms: ["sa", "swa"],
      data: { testCount: 512, restateProbability: 0.2 },
    });
  });

  it("has the small variant within reach of --set", () => {
    const quick = shipped(
      "miniature.yaml",
      "model.init.width=64",
      "model.init.feedForwardWidth=128",
      "rl.lr=5e-4",
      "rl.schedule=linear",
    );
    expect(parametersOf(quick, vocabulary)).toBe(78144);
    expect(quick.rl).toMatchObject({ lr: 5e-4, schedule: "linear" });
  });
});

describe("gsm8k.yaml", () => {
  it("starts from a Qwen2-shaped model of about ten million parameters", () => {
    expect(parametersOf(shipped("gsm8k.yaml"), byteTokenizer().size)).toBe(9545472);
  });
});
