// The rotary keys of config.json, in both dialects: rope_theta beside rope_scaling, and rope_parameters.

import { SwarrError } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import type { ModelConfig, RopeScaling } from "../model/config.ts";
import { ConfigKeys } from "./config-keys.ts";

const DEFAULT_THETA = 10000;

const INERT_KEYS = { finetuned: "says that the weights were trained with this scaling" };

/** Keys of the rotary record by kind; `rope_theta`, `rope_type` and `type` belong to all. */
const KIND_KEYS: { readonly [kind: string]: readonly string[] } = {
  default: [],
  linear: ["factor"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
  yarn: [
    "factor",
    "original_max_position_embeddings",
    "attention_factor",
    "beta_fast",
    "beta_slow",
    "mscale",
    "mscale_all_dim",
    "truncate",
  ],
};

/**
 * Reads base and scaling.
 *
 * @throws `UNSUPPORTED` for a kind other than default, linear, llama3 and yarn; `BAD_CONFIG` when the two dialects disagree
 * @source transformers `RotaryEmbeddingConfigMixin`: `rope_scaling` wins over `rope_parameters`, a base inside over one beside
 */
export function readRope(
  keys: ConfigKeys,
  maxPositions: number,
): { readonly ropeTheta: number; readonly ropeScaling: RopeScaling } {
  const record = rotaryRecord(keys);
  const inner = new ConfigKeys(record.value, `${keys.where} ${record.name}`);
  const beside = keys.get("rope_theta") ?? undefined;
  const inside = inner.get("rope_theta") ?? undefined;
  if (beside !== undefined && inside !== undefined && beside !== inside) {
    throw keys.bad("rope_theta", `the rope_theta of ${record.name}, which is ${quote(inside)}.`);
  }
  const ropeTheta = inside === undefined ? keys.positive("rope_theta", DEFAULT_THETA) : inner.positive("rope_theta");
  return { ropeTheta, ropeScaling: readScaling(inner, keys, maxPositions) };
}

function rotaryRecord(keys: ConfigKeys): { readonly name: string; readonly value: JsonObject } {
  const found: { name: string; value: JsonObject }[] = [];
  for (const name of ["rope_scaling", "rope_parameters"]) {
    const value = keys.get(name) ?? {};
    if (!isObject(value)) throw keys.bad(name, "an object or null.");
    if (Object.keys(value).length > 0) found.push({ name, value });
  }
  const [first, second] = found;
  if (first !== undefined && second !== undefined) {
    const type = (value: JsonObject): unknown => value.rope_type ?? value.type ?? "default";
    const shared = Object.keys(first.value).filter((key) => Object.hasOwn(second.value, key) && key !== "type");
    const differing = shared.find((key) => first.value[key] !== second.value[key]);
    if (type(first.value) !== type(second.value) || differing !== undefined) {
      throw keys.bad("rope_scaling", `what rope_parameters says (${quote(second.value)}).`);
    }
  }
  return first ?? { name: "rope_parameters", value: {} };
}

function readScaling(inner: ConfigKeys, outer: ConfigKeys, maxPositions: number): RopeScaling {
  const legacy = inner.get("type");
  const kind = inner.get("rope_type") ?? legacy ?? "default";
  if (typeof kind !== "string" || !Object.hasOwn(KIND_KEYS, kind)) {
    throw new SwarrError("UNSUPPORTED", {
      what: `${inner.where}: the rotary type is ${quote(kind)}.`,
      expected: `one of ${Object.keys(KIND_KEYS).join(", ")}; others depend on the length of the text, or rotate otherwise.`,
      fix: "Use a checkpoint with one of these.",
    });
  }
  inner.fixed("partial_rotary_factor", [1], "1: swarr rotates whole heads.");
  for (const key of KIND_KEYS[kind]!) inner.get(key);
  inner.refuseUnknown(INERT_KEYS, {});
  const originalMaxPositions = (): number =>
    outer.get("original_max_position_embeddings") == null
      ? inner.count("original_max_position_embeddings", maxPositions)
      : outer.count("original_max_position_embeddings");
  switch (kind) {
    case "linear":
      return { kind: "linear", factor: inner.positive("factor") };
    case "llama3":
      return readLlama3(inner, originalMaxPositions());
    case "yarn":
      return readYarn(inner, originalMaxPositions(), maxPositions);
    default:
      return { kind: "default" };
  }
}

function readLlama3(inner: ConfigKeys, originalMaxPositions: number): RopeScaling {
  const scaling = {
    kind: "llama3",
    factor: inner.positive("factor"),
    lowFrequencyFactor: inner.positive("low_freq_factor"),
    highFrequencyFactor: inner.positive("high_freq_factor"),
    originalMaxPositions,
  } as const;
  if (scaling.highFrequencyFactor > scaling.lowFrequencyFactor) return scaling;
  throw inner.bad("high_freq_factor", `more than low_freq_factor, which is ${scaling.lowFrequencyFactor}.`);
}

function readYarn(inner: ConfigKeys, originalMaxPositions: number, maxPositions: number): RopeScaling {
  const factor = inner.positive("factor", maxPositions / originalMaxPositions);
  // 0 and null both mean "not given" here, as in the reference.
  const given = (key: string): number | undefined =>
    inner.get(key) == null || inner.get(key) === 0 ? undefined : inner.positive(key);
  const magnitude = (scale: number, weight = 1): number => (scale <= 1 ? 1 : 0.1 * weight * Math.log(scale) + 1);
  const [mscale, mscaleAll] = [given("mscale"), given("mscale_all_dim")];
  const inferred =
    mscale !== undefined && mscaleAll !== undefined
      ? magnitude(factor, mscale) / magnitude(factor, mscaleAll)
      : magnitude(factor);
  return {
    kind: "yarn",
    factor,
    originalMaxPositions,
    betaFast: given("beta_fast") ?? 32,
    betaSlow: given("beta_slow") ?? 1,
    attentionFactor: inner.get("attention_factor") == null ? inferred : inner.positive("attention_factor"),
    truncate: inner.flag("truncate", true),
  };
}

/** The rotary keys of a config that swarr writes from nothing, in both dialects, so that old and new readers agree. */
export function writeRope(config: ModelConfig): JsonObject {
  const { ropeTheta, ropeScaling } = config;
  const record = scalingRecord(ropeScaling);
  return {
    rope_theta: ropeTheta,
    rope_scaling: ropeScaling.kind === "default" ? null : record,
    rope_parameters: { ...record, rope_theta: ropeTheta },
  };
}

function scalingRecord(scaling: RopeScaling): JsonObject {
  switch (scaling.kind) {
    case "default":
      return { rope_type: "default" };
    case "linear":
      return { rope_type: "linear", factor: scaling.factor };
    case "llama3":
      return {
        rope_type: "llama3",
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalMaxPositions,
      };
    case "yarn":
      return {
        rope_type: "yarn",
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalMaxPositions,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        attention_factor: scaling.attentionFactor,
        truncate: scaling.truncate,
      };
    default:
      return scaling satisfies never;
  }
}
