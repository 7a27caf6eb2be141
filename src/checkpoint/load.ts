// A Hugging Face folder to a model: config, weights, tokenizer and end tokens, all checked.

import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { isObject, type JsonObject } from "../base/json.ts";
import type { ModelConfig } from "../model/config.ts";
import type { WeightType } from "../tensor/dtype.ts";
import type { Weights } from "../tensor/tensor.ts";
import { openTokenizer, type Tokenizer } from "../tokens/tokenizer.ts";
import { checkFolder, checkpointFile, optionalObject, optionalText } from "./folder-files.ts";
import { defaultEndIds, importConfig, readEndIds } from "./hf-config.ts";
import { planWeights, readPlannedWeights } from "./weight-files.ts";

/** What the small files of a checkpoint say. */
export interface CheckpointConfig {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly rawConfig: JsonObject;
  /** Tokens that end a response: generation_config.json's, else config.json's, else the family's own. */
  readonly endIds: readonly number[];
}

export interface Checkpoint extends CheckpointConfig {
  readonly weights: Weights;
  /** The type that most numbers are stored in. */
  readonly weightType: WeightType;
  /** When the folder has no tokenizer.json every use of this throws; ask `hasTokenizer`. */
  readonly tokenizer: Tokenizer;
  readonly hasTokenizer: boolean;
}

/**
 * Reads config.json and the end tokens.
 *
 * @throws `FILE_MISSING`, `BAD_JSON`, `BAD_CONFIG`, `BAD_CHECKPOINT` or `UNSUPPORTED`, naming file and fault
 */
export async function loadConfig(folder: string): Promise<CheckpointConfig> {
  checkFolder(folder);
  const rawConfig = optionalObject(folder, "config.json");
  if (rawConfig === null) {
    throw new SwarrError("FILE_MISSING", {
      what: `${folder} has no config.json.`,
      expected: "a Hugging Face folder with config.json and safetensors weights.",
      fix: "Check the path, or download the folder again.",
    });
  }
  requireNoAdapter(folder);
  const where = path.join(folder, "config.json");
  const config = importConfig(rawConfig, where);
  const endIds = generationEndIds(folder) ?? readEndIds(rawConfig, where);
  return { folder, config, rawConfig, endIds: endIds ?? defaultEndIds(config.family) };
}

/** transformers would apply the adapter, to a base named in its config; the weights alone are another model. */
function requireNoAdapter(folder: string): void {
  if (checkpointFile(folder, "adapter_config.json") === null) return;
  throw new SwarrError("BAD_CHECKPOINT", {
    what: `${folder} has an adapter_config.json beside its config.json.`,
    expected: "a whole model, or an adapter.",
    fix: "Merge the adapter into the weights, or move its files to a folder of their own.",
  });
}

/** A null in generation_config.json leaves the choice to config.json, where it means that there is none. */
function generationEndIds(folder: string): readonly number[] | null {
  const generation = optionalObject(folder, "generation_config.json");
  if (generation === null || generation.eos_token_id === null) return null;
  return readEndIds(generation, path.join(folder, "generation_config.json"));
}

/**
 * Opens a whole checkpoint. Peak memory is about the float32 size of the weights.
 *
 * @throws as `loadConfig`; also `BAD_SAFETENSORS`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `NOT_FINITE`, `BAD_TOKENIZER`
 */
export async function loadCheckpoint(folder: string): Promise<Checkpoint> {
  const small = await loadConfig(folder);
  const tokenizer = loadTokenizer(folder, small.config);
  const plan = planWeights(folder, small.config);
  return {
    ...small,
    weights: readPlannedWeights(plan),
    weightType: plan.weightType,
    tokenizer: tokenizer ?? noTokenizer(folder),
    hasTokenizer: tokenizer !== null,
  };
}

/**
 * @returns null when the folder has no tokenizer.json
 * @throws `BAD_TOKENIZER` or `BAD_JSON` when it has one that cannot be used
 */
export function loadTokenizer(folder: string, { vocabularySize }: ModelConfig): Tokenizer | null {
  const tokenizer = optionalObject(folder, "tokenizer.json");
  if (tokenizer === null) return null;
  const settings = optionalObject(folder, "tokenizer_config.json") ?? {};
  const chatTemplate = optionalText(folder, "chat_template.jinja") ?? templateOf(settings);
  const specialTokens = optionalObject(folder, "special_tokens_map.json") ?? undefined;
  const addedTokens = optionalObject(folder, "added_tokens.json") ?? undefined;
  return openTokenizer({
    tokenizer,
    settings,
    specialTokens,
    addedTokens,
    chatTemplate,
    vocabularySize,
    where: folder,
  });
}

/** The template in tokenizer_config.json: a text, or a list of named ones of which "default" is taken. */
function templateOf(settings: JsonObject): string | null {
  const { chat_template: template } = settings;
  if (typeof template === "string") return template;
  if (!Array.isArray(template)) return null;
  const chosen = (template as readonly unknown[]).find((entry) => isObject(entry) && entry.name === "default");
  return isObject(chosen) && typeof chosen.template === "string" ? chosen.template : null;
}

function noTokenizer(folder: string): Tokenizer {
  const hasModel = checkpointFile(folder, "tokenizer.model") !== null;
  const refuse = (): never => {
    throw new SwarrError("BAD_TOKENIZER", {
      what: `The checkpoint ${folder} has no tokenizer.json${hasModel ? ", only a tokenizer.model" : ""}.`,
      expected: "a tokenizer.json beside the weights.",
      fix: "Add the file (transformers writes one with save_pretrained), or work with token ids.",
    });
  };
  return {
    size: 0,
    specialIds: new Set(),
    beginToken: null,
    endToken: null,
    encode: refuse,
    decode: refuse,
    tokenOf: refuse,
    idOf: refuse,
    chatTemplate: refuse,
    sha256: refuse,
  };
}
