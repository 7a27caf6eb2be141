// The model of a recipe as far as its small files tell: sizes and tokenizer, no weights.

import { loadConfig, loadTokenizer } from "../checkpoint/load.ts";
import { SwarrError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { ModelConfig } from "../model/config.ts";
import { RUNNING_TOTAL_ALPHABET } from "../tasks/running-total-alphabet.ts";
import { byteTokenizer, characterTokenizer } from "../tokens/byte-tokenizer.ts";
import { endIdOf } from "../tokens/end-id.ts";
import { openTokenizer, type Tokenizer } from "../tokens/tokenizer.ts";
import { configOfInit } from "./model-settings.ts";
import type { Recipe } from "./recipe.ts";

export interface SmallModel {
  readonly config: ModelConfig;
  /** the config.json it came with; absent for a model that is drawn */
  readonly rawConfig?: JsonObject;
  readonly tokenizer: Tokenizer;
  readonly endId: number;
}

/** @throws as loading a checkpoint's config and tokenizer does; `BAD_TOKENIZER` where there is none */
export async function openSmall({ model, data }: Pick<Recipe, "model" | "data">): Promise<SmallModel> {
  if (typeof model !== "string") {
    const files = data.task === "running-total" ? characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens) : byteTokenizer();
    const tokenizer = openTokenizer({ ...files, where: "model.init" });
    return { config: configOfInit(model.init, files.size), tokenizer, endId: files.endIds[0]! };
  }
  const { config, rawConfig, endIds } = await loadConfig(model);
  const tokenizer = loadTokenizer(model, config);
  if (tokenizer !== null) return { config, rawConfig, tokenizer, endId: endIdOf({ config, endIds }, model) };
  throw new SwarrError("BAD_TOKENIZER", {
    what: `${model} has no tokenizer.json.`,
    expected: "a tokenizer, as a recipe works on text.",
    fix: "Download the folder again, or take one that has it.",
  });
}
