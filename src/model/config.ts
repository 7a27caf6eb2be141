// What a decoder is: sizes, conventions and the window of every layer.

import { SwarrError } from "../base/errors.ts";

export const FAMILIES = ["qwen2", "qwen3", "llama", "mistral", "ministral"] as const;
export type Family = (typeof FAMILIES)[number];

/** The largest sizes that a new model may be given; above them no machine could hold it. */
export const MOST_SIZES = {
  width: 2 ** 16,
  layers: 2 ** 10,
  heads: 2 ** 12,
  feedForward: 2 ** 20,
  vocabulary: 2 ** 24,
};

/** How rotary positions are scaled (see rope.ts for the formulas). */
export type RopeScaling =
  | { readonly kind: "default" }
  | { readonly kind: "linear"; readonly factor: number }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    }
  | {
      readonly kind: "yarn";
      readonly factor: number;
      readonly originalMaxPositions: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Multiplies cos and sin; worked out by the importer from `attention_factor`, `mscale` and `mscale_all_dim`. */
      readonly attentionFactor: number;
      readonly truncate: boolean;
    };

/** The window of one layer: keys visible to a query, itself counted; null is full causal attention. */
export type LayerWindow = number | null;

export interface ModelConfig {
  readonly family: Family;
  /** V */
  readonly vocabularySize: number;
  /** D, the model width */
  readonly width: number;
  readonly layerCount: number;
  /** H */
  readonly queryHeadCount: number;
  /** G, divides H */
  readonly keyValueHeadCount: number;
  /** K, the width of one head; even */
  readonly headWidth: number;
  /** F */
  readonly feedForwardWidth: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  readonly maxPositions: number;
  /** The head shares the embedding's weights. */
  readonly tiedHead: boolean;
  readonly queryKeyValueBias: boolean;
  readonly attentionOutputBias: boolean;
  readonly mlpBias: boolean;
  /** RMSNorm of every query and key head before the rotation (Qwen3). */
  readonly queryKeyNorm: boolean;
  /** One entry a layer. */
  readonly windows: readonly LayerWindow[];
  /** The first positions that every query sees whatever the window; 0 is off. */
  readonly sinkTokens: number;
}

/** Windows and sinks that other readers of a checkpoint can hold: 32-bit integers. */
export const MOST_TOKENS = 2 ** 31 - 1;

/** @throws `BAD_CONFIG` naming the first field that no decoder can have */
export function checkConfig(config: ModelConfig, where: string): ModelConfig {
  const counts = {
    vocabularySize: config.vocabularySize,
    width: config.width,
    layerCount: config.layerCount,
    queryHeadCount: config.queryHeadCount,
    keyValueHeadCount: config.keyValueHeadCount,
    headWidth: config.headWidth,
    feedForwardWidth: config.feedForwardWidth,
    maxPositions: config.maxPositions,
  };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 1) throw bad(where, name, value, "a positive integer.");
  }
  if (config.queryHeadCount % config.keyValueHeadCount !== 0) {
    throw bad(where, "keyValueHeadCount", config.keyValueHeadCount, `a divisor of the ${config.queryHeadCount} heads.`);
  }
  if (config.headWidth % 2 !== 0) throw bad(where, "headWidth", config.headWidth, "an even width, for the rotation.");
  if (!(config.normEpsilon > 0)) throw bad(where, "normEpsilon", config.normEpsilon, "a positive number.");
  if (!(config.ropeTheta > 0)) throw bad(where, "ropeTheta", config.ropeTheta, "a positive number.");
  if (config.windows.length !== config.layerCount) {
    throw bad(where, "windows", config.windows.length, `one entry for each of the ${config.layerCount} layers.`);
  }
  for (const window of config.windows) {
    if (window !== null && (!Number.isSafeInteger(window) || window < 1)) {
      throw bad(where, "window", window, "a positive integer, or null for full attention.");
    }
  }
  if (!Number.isSafeInteger(config.sinkTokens) || config.sinkTokens < 0) {
    throw bad(where, "sinkTokens", config.sinkTokens, "0 or a positive integer.");
  }
  return config;
}

function bad(where: string, name: string, value: unknown, expected: string): SwarrError {
  return new SwarrError("BAD_CONFIG", {
    what: `${where}: ${name} is ${String(value)}.`,
    expected,
    fix: "Correct the config, or use a checkpoint that is whole.",
  });
}
