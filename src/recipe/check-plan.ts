// What would stop a run only after its pretraining, asked before it writes anything: its model's small files and its windows.

import { plannedConfig } from "../checkpoint/convert.ts";
import { openSmall } from "./open-small.ts";
import type { Recipe } from "./recipe.ts";

/**
 * @throws as loading the model's config and tokenizer does; as converting does where the windows cannot be, or could not be
 *   stated by the model's family
 */
export async function checkPlan(recipe: Recipe): Promise<void> {
  const { config, rawConfig } = await openSmall(recipe);
  const where = typeof recipe.model === "string" ? recipe.model : "model.init";
  for (const arm of recipe.arms) plannedConfig({ config, rawConfig, where }, windowsOf(recipe, arm));
}

/** What an arm's base is converted to. */
export function windowsOf(
  { window, fullAttentionLayers, sinkTokens }: Recipe,
  arm: Recipe["arms"][number],
): { readonly window: number | null; readonly fullAttentionLayers: readonly number[]; readonly sinkTokens: number } {
  return arm === "swa"
    ? { window, fullAttentionLayers, sinkTokens }
    : { window: null, fullAttentionLayers: [], sinkTokens: 0 };
}
