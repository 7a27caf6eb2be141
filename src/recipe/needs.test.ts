// The needs of a recipe against what the same recipe really takes.

import path from "node:path";
import { describe, expect, it } from "vitest";
import { forwardFlops } from "../model/flops.ts";
import { nextBatch } from "../stage1-sft/dataset.ts";
import { RUNNING_TOTAL_ALPHABET } from "../tasks/running-total-alphabet.ts";
import { characterTokenizer } from "../tokens/byte-tokenizer.ts";
import { openTokenizer } from "../tokens/tokenizer.ts";
import { configOfInit } from "./model-settings.ts";
import { recipeNeeds } from "./needs.ts";
import { readRecipe } from "./read.ts";
import { openTask } from "./task.ts";

const MINIATURE = path.resolve(import.meta.dirname, "../../recipes/miniature.yaml");
const machine = { threads: 2, gflops: 100 };

describe("recipeNeeds", () => {
  it("foresees the FLOPs that stage 1 counts to within a twentieth", async () => {
    const recipe = readRecipe(MINIATURE, ["sft.steps=40"]);
    const files = characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens);
    const tokenizer = openTokenizer({ ...files, where: "the test" });
    if (typeof recipe.model === "string" || recipe.sft === null) throw new Error("the miniature draws its model");
    const config = configOfInit(recipe.model.init, files.size);
    const task = await openTask(recipe, tokenizer);
    let [flops, cursor] = [0, 0];
    for (let step = 0; step < 40; step++) {
      const batch = nextBatch(task, tokenizer, { ...recipe.sft, purpose: "sft", cursor, endId: files.endIds[0]! });
      cursor = batch.cursor;
      flops += batch.sequences.reduce((total, { ids }) => total + 3 * forwardFlops(config, ids.length), 0);
    }
    const { stages } = await recipeNeeds(recipe, machine);
    const foreseen = stages.find(({ arm, stage }) => arm === "sa" && stage === "sft")!.trainingFlops;
    expect(Math.abs(foreseen / flops - 1)).toBeLessThan(0.05);
  });

  it("grows in proportion: steps in FLOPs and time, speed in time alone", async () => {
    const once = await recipeNeeds(readRecipe(MINIATURE, ["rl.steps=10"]), machine);
    const twice = await recipeNeeds(readRecipe(MINIATURE, ["rl.steps=20"]), machine);
    const slower = await recipeNeeds(readRecipe(MINIATURE, ["rl.steps=10"]), { ...machine, gflops: 50 });
    const training = ({ stages }: typeof once): number =>
      stages.find(({ arm, stage }) => arm === "swa" && stage === "rl")!.trainingFlops;
    expect(Math.abs(training(twice) / training(once) - 2)).toBeLessThan(1e-9);
    expect(twice.seconds).toBeGreaterThan(once.seconds);
    expect(Math.abs(slower.seconds / once.seconds - 2)).toBeLessThan(1e-9);
    expect(slower.stages.map(({ trainingFlops }) => trainingFlops)).toEqual(
      once.stages.map(({ trainingFlops }) => trainingFlops),
    );
  });

  it("names every stage of the plan, and asks less memory of a shorter decoding batch", async () => {
    const needs = await recipeNeeds(readRecipe(MINIATURE), machine);
    expect(needs.parameters).toBe(303_744);
    expect(needs.stages.map(({ arm, stage }) => `${arm} ${stage}`)).toEqual([
      "sa pretrain",
      "swa base",
      "swa sft",
      "swa rl",
      "swa more-sft",
      "sa base",
      "sa sft",
      "sa rl",
    ]);
    const smaller = await recipeNeeds(readRecipe(MINIATURE, ["rl.decodeBatch=16"]), machine);
    expect(smaller.memoryBytes).toBeLessThan(needs.memoryBytes);
  });
});
