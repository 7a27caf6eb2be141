// The task of a recipe: the one the project makes itself, or rows of files with the verifier as judge.

import { runningTotalTask } from "../tasks/running-total.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import type { OpenTask } from "./open-file-task.ts";
import type { Recipe } from "./recipe.ts";

/** @throws `FILE_MISSING`, `BAD_DATA`, `BAD_JSON` naming file and line; `CONTAMINATED` when a test prompt is trained on */
export async function openTask(recipe: Recipe, tokenizer: Tokenizer): Promise<OpenTask> {
  const { data, seed } = recipe;
  if (data.task === "running-total") {
    const { testCount, restateProbability } = data;
    return { ...runningTotalTask({ seed, testCount, restateProbability }), close: async () => {} };
  }
  return (await import("./open-file-task.ts")).openFileTask(recipe, data, tokenizer);
}
