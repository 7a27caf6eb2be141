// What one family of checkpoints says in its own way: defaults, biases, and how its config.json states the window.

import { SwarrError } from "../../base/errors.ts";
import { quote, type JsonObject } from "../../base/json.ts";
import type { Family, LayerWindow, ModelConfig } from "../../model/config.ts";
import type { ConfigKeys } from "../config-keys.ts";

/** Which optional parts the layers of a family have. */
export interface LayerParts {
  readonly queryKeyValueBias: boolean;
  readonly attentionOutputBias: boolean;
  readonly mlpBias: boolean;
  readonly queryKeyNorm: boolean;
}

export interface FamilyDialect {
  /** Prefix of the architecture names, as in `Qwen2ForCausalLM`. */
  readonly architecture: string;
  readonly maxPositions: number;
  /** Key/value heads when the key is absent; null means as many as query heads. */
  readonly keyValueHeadCount: number | null;
  /** Head width when the key is absent; null means width / heads. */
  readonly headWidth: number | null;
  /** End token when neither config.json nor generation_config.json names one. */
  readonly endId: number | null;
  /** Keys that nobody reads in this family but that its programs write, each with the values that change nothing. */
  readonly fixedKeys: { readonly [key: string]: readonly unknown[] };
  layerParts(keys: ConfigKeys): LayerParts;
  windows(keys: ConfigKeys, layerCount: number): readonly LayerWindow[];
  /** The keys that state the parts in a config.json that swarr writes from nothing. */
  statedParts(config: ModelConfig): JsonObject;
  /**
   * The keys that state the windows in every way the family's readers look for them, with the family they belong to.
   *
   * @throws `UNSUPPORTED` when the family cannot say it
   */
  statedWindows(config: ModelConfig): {
    readonly family: Family;
    readonly keys: JsonObject;
    readonly dropped: readonly string[];
  };
}

const LAYER_TYPES = ["full_attention", "sliding_attention"] as const;
type LayerType = (typeof LAYER_TYPES)[number];

/** @returns the list of `layer_types`, or null when the key is absent or null */
export function layerTypes(keys: ConfigKeys, layerCount: number): readonly LayerType[] | null {
  const value = keys.get("layer_types") ?? null;
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== layerCount) {
    throw keys.bad("layer_types", `a list of ${layerCount} entries, one a layer.`);
  }
  for (const [layer, type] of value.entries()) {
    if ((LAYER_TYPES as readonly unknown[]).includes(type)) continue;
    throw new SwarrError("UNSUPPORTED", {
      what: `${keys.where}: layer_types[${layer}] is ${quote(type)}.`,
      expected: `${LAYER_TYPES.join(" or ")}.`,
      fix: "Use a checkpoint whose layers are all one of these.",
    });
  }
  return value as readonly LayerType[];
}

/** The windows that a list of layer types means. */
export function windowsOfTypes(
  keys: ConfigKeys,
  types: readonly LayerType[],
  window: LayerWindow,
): readonly LayerWindow[] {
  const sliding = types.indexOf("sliding_attention");
  if (sliding >= 0 && window === null) {
    throw keys.bad("sliding_window", `a window in force, as layer_types[${sliding}] is "sliding_attention".`);
  }
  return types.map((type) => (type === "sliding_attention" ? window : null));
}

/** `layer_types` as the windows have it. */
export function typesOfWindows(windows: readonly LayerWindow[]): readonly LayerType[] {
  return windows.map((window) => (window === null ? "full_attention" : "sliding_attention"));
}

/** @returns `sliding_window`: a positive integer, or null; `absent` when the key is not there */
export function slidingWindowKey(keys: ConfigKeys, absent: LayerWindow): LayerWindow {
  const value = keys.get("sliding_window");
  if (value === undefined) return absent;
  return value === null ? null : keys.count("sliding_window");
}
