// config.json to ModelConfig and back; every key is understood, known to be inert, or refused by name.

import { SwarrError } from "../base/errors.ts";
import { quote, type JsonObject } from "../base/json.ts";
import { spellingOf, type WeightType } from "../tensor/dtype.ts";
import { FAMILIES, checkConfig, type Family, type ModelConfig } from "../model/config.ts";
import { ConfigKeys, FIXED_KEYS, INERT_KEYS } from "./config-keys.ts";
import type { FamilyDialect } from "./families/dialect.ts";
import { llama } from "./families/llama.ts";
import { ministral, mistral } from "./families/mistral.ts";
import { qwen2, qwen3 } from "./families/qwen.ts";
import { readRope, writeRope } from "./rope-keys.ts";

const DIALECTS: { readonly [family in Family]: FamilyDialect } = { qwen2, qwen3, llama, mistral, ministral };

/** More layers than any decoder has; a lying number must not become a long list. */
const MAX_LAYERS = 10_000;

/** Positions that every query sees whatever the window; no other program has a key for it. */
export const SINK_KEY = "swarr_sink_tokens";

/**
 * Reads a parsed config.json.
 *
 * @param where  the file, for messages
 * @throws `BAD_CONFIG` for a value that cannot be; `UNSUPPORTED` naming a family, key or value that swarr does not know
 */
export function importConfig(raw: JsonObject, where: string): ModelConfig {
  const keys = new ConfigKeys(raw, where);
  const family = readFamily(keys);
  const dialect = DIALECTS[family];
  const width = keys.count("hidden_size");
  const layerCount = keys.count("num_hidden_layers");
  if (layerCount > MAX_LAYERS) throw keys.bad("num_hidden_layers", `at most ${MAX_LAYERS}.`);
  const queryHeadCount = keys.count("num_attention_heads");
  const maxPositions = keys.count("max_position_embeddings", dialect.maxPositions);
  const config: ModelConfig = {
    family,
    vocabularySize: keys.count("vocab_size"),
    width,
    layerCount,
    queryHeadCount,
    keyValueHeadCount: readKeyValueHeads(keys, dialect, queryHeadCount),
    headWidth: readHeadWidth(keys, dialect, width, queryHeadCount),
    feedForwardWidth: keys.count("intermediate_size"),
    normEpsilon: keys.positive("rms_norm_eps", 1e-6),
    ...readRope(keys, maxPositions),
    maxPositions,
    tiedHead: keys.flag("tie_word_embeddings", false),
    ...dialect.layerParts(keys),
    windows: dialect.windows(keys, layerCount),
    sinkTokens: keys.count(SINK_KEY, 0, 0),
  };
  readEndIds(raw, where);
  keys.get("eos_token_id");
  keys.refuseUnknown(INERT_KEYS, { ...FIXED_KEYS, ...dialect.fixedKeys });
  return checkConfig(config, where);
}

function readFamily(keys: ConfigKeys): Family {
  const type = keys.get("model_type");
  const known = FAMILIES.find((family) => family === type);
  if (known === undefined) {
    const code = type === undefined ? "BAD_CONFIG" : "UNSUPPORTED";
    throw new SwarrError(code, {
      what: `${keys.where}: "model_type" is ${type === undefined ? "missing" : quote(type)}.`,
      expected: `one of ${FAMILIES.join(", ")}.`,
      fix: "Use a checkpoint of one of these families.",
    });
  }
  const family = known === "mistral" && keys.has("layer_types") ? "ministral" : known;
  const architectures = keys.get("architectures") ?? [];
  if (!Array.isArray(architectures)) throw keys.bad("architectures", "a list of names.");
  const allowed = [known, family].flatMap((one) =>
    ["ForCausalLM", "Model"].map((head) => `${DIALECTS[one].architecture}${head}`),
  );
  for (const name of architectures) {
    if (!allowed.includes(name as string))
      keys.fixed("architectures", [], `one of ${[...new Set(allowed)].join(", ")}.`);
  }
  return family;
}

function readKeyValueHeads(keys: ConfigKeys, dialect: FamilyDialect, queryHeadCount: number): number {
  const absent = keys.has("num_key_value_heads") ? queryHeadCount : (dialect.keyValueHeadCount ?? queryHeadCount);
  const count = keys.count("num_key_value_heads", absent);
  if (queryHeadCount % count === 0) return count;
  throw keys.bad("num_key_value_heads", `a divisor of num_attention_heads, which is ${queryHeadCount}.`);
}

function readHeadWidth(keys: ConfigKeys, dialect: FamilyDialect, width: number, heads: number): number {
  const stated = keys.get("head_dim") ?? undefined;
  if (stated === undefined && dialect.headWidth === null && width % heads !== 0) {
    throw keys.bad("head_dim", `a width of one head, as hidden_size ${width} is not a multiple of ${heads} heads.`);
  }
  // A null head_dim means width / heads in every family; only an absent one has a family's own default.
  const absent = keys.has("head_dim") ? Math.floor(width / heads) : (dialect.headWidth ?? width / heads);
  const headWidth = keys.count("head_dim", absent);
  if (headWidth % 2 !== 0)
    throw keys.bad("head_dim", `an even width of one head, for the rotation; it is ${headWidth}.`);
  return headWidth;
}

/**
 * The end tokens that a config.json or generation_config.json names.
 *
 * @returns null when the key is absent
 * @throws `BAD_CONFIG` when it is neither an integer, a list of integers, nor null
 */
export function readEndIds(raw: JsonObject, where: string): readonly number[] | null {
  if (!Object.hasOwn(raw, "eos_token_id")) return null;
  const value = raw.eos_token_id ?? [];
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  const bad = ids.find((id) => !Number.isSafeInteger(id));
  if (bad === undefined) return [...new Set(ids as readonly number[])];
  throw new SwarrError("BAD_CONFIG", {
    what: `${where}: "eos_token_id" is ${quote(value)}.`,
    expected: "a token id, a list of them, or null.",
    fix: "Correct the file, or download the checkpoint again.",
  });
}

/** The end token that a family has when no file names one. */
export function defaultEndIds(family: Family): readonly number[] {
  const { endId } = DIALECTS[family];
  return endId === null ? [] : [endId];
}

export interface ExportOptions {
  /** The config.json the model came with: everything in it but the window, the type and the family is kept as it is. */
  readonly rawConfig?: JsonObject | undefined;
  /** The type the weights are written in; null leaves what rawConfig says. */
  readonly weightType: WeightType | null;
  /** Written when there is no rawConfig. */
  readonly endIds?: readonly number[] | undefined;
}

/**
 * The config.json of a model, its windows stated in every way the family's readers look for them.
 *
 * @throws `UNSUPPORTED` when the family cannot state the windows (a Llama with biases); `BAD_WINDOW` when layers have different windows
 */
export function exportConfig(config: ModelConfig, options: ExportOptions): JsonObject {
  const stated = DIALECTS[config.family].statedWindows(config);
  const source = options.rawConfig ?? freshConfig(config, options.endIds ?? []);
  const renamed = stated.family !== source.model_type;
  const gone = [...stated.dropped, SINK_KEY];
  const base: Record<string, unknown> = {
    ...Object.fromEntries(Object.entries(source).filter(([key]) => !gone.includes(key))),
    ...(renamed ? explicitDefaults(config, source) : {}),
  };
  if (renamed || base.architectures === undefined) {
    base.architectures = [`${DIALECTS[stated.family].architecture}ForCausalLM`];
    base.model_type = stated.family;
  }
  Object.assign(base, stated.keys);
  if (config.sinkTokens > 0) base[SINK_KEY] = config.sinkTokens;
  if (options.weightType !== null) stateType(base, options.weightType);
  return base;
}

/** Old readers know `torch_dtype`, new ones `dtype`; a config that has one of the two keeps to it. */
function stateType(base: Record<string, unknown>, type: WeightType): void {
  const [hasNew, hasOld] = [Object.hasOwn(base, "dtype"), Object.hasOwn(base, "torch_dtype")];
  if (hasNew || !hasOld) base.dtype = spellingOf(type);
  if (hasOld || !hasNew) base.torch_dtype = spellingOf(type);
}

/** What the old family fills in for absent keys and the new one would fill in otherwise. */
function explicitDefaults(config: ModelConfig, source: JsonObject): JsonObject {
  return {
    num_key_value_heads: config.keyValueHeadCount,
    head_dim: config.headWidth,
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.normEpsilon,
    tie_word_embeddings: config.tiedHead,
    hidden_act: "silu",
    ...(Object.hasOwn(source, "rope_parameters") ? {} : { rope_theta: config.ropeTheta }),
    ...(Object.hasOwn(source, "eos_token_id") ? {} : { eos_token_id: DIALECTS[config.family].endId }),
  };
}

function freshConfig(config: ModelConfig, endIds: readonly number[]): JsonObject {
  return {
    architectures: [`${DIALECTS[config.family].architecture}ForCausalLM`],
    model_type: config.family,
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    intermediate_size: config.feedForwardWidth,
    num_hidden_layers: config.layerCount,
    num_attention_heads: config.queryHeadCount,
    num_key_value_heads: config.keyValueHeadCount,
    head_dim: config.headWidth,
    hidden_act: "silu",
    max_position_embeddings: config.maxPositions,
    rms_norm_eps: config.normEpsilon,
    tie_word_embeddings: config.tiedHead,
    attention_dropout: 0,
    use_cache: true,
    ...DIALECTS[config.family].statedParts(config),
    ...writeRope(config),
    eos_token_id: endIds.length === 1 ? endIds[0] : endIds.length === 0 ? null : endIds,
  };
}
