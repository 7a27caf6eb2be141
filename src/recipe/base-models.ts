// The base checkpoints of a run: the full-attention model as it came (or as it is drawn), and the same weights with the window.

import fs from "node:fs";
import path from "node:path";
import { convertCheckpoint } from "../checkpoint/convert.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { initialWeights } from "../model/parameters.ts";
import type { RunPaths } from "../run/folder.ts";
import { RUNNING_TOTAL_ALPHABET } from "../tasks/running-total-alphabet.ts";
import { byteTokenizer, characterTokenizer } from "../tokens/byte-tokenizer.ts";
import { windowsOf } from "./check-plan.ts";
import { configOfInit } from "./model-settings.ts";
import type { Recipe } from "./recipe.ts";

/** Where a model drawn at random lies before it is pretrained. */
export function drawnModel(paths: RunPaths): string {
  return path.join(paths.folder, "checkpoints", "drawn");
}

/** Draws the recipe's new model into its folder, unless it is there. */
export async function drawModel(recipe: Recipe, paths: RunPaths): Promise<void> {
  const folder = drawnModel(paths);
  if (typeof recipe.model === "string" || fs.existsSync(folder)) return;
  const tokenizer =
    recipe.data.task === "running-total" ? characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens) : byteTokenizer();
  const config = configOfInit(recipe.model.init, tokenizer.size);
  await saveCheckpoint({ folder, config, weights: initialWeights(config, recipe.seed), tokenizer });
}

/** Gives every arm its base checkpoint. @param source  the model to convert, pretrained where the recipe says so */
export async function makeBases(recipe: Recipe, paths: RunPaths, source: string): Promise<void> {
  for (const arm of recipe.arms) {
    const out = paths.checkpoint(arm, "base");
    if (fs.existsSync(out)) continue;
    await convertCheckpoint({ source, out, ...windowsOf(recipe, arm) });
  }
}
