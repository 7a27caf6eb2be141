// Qwen2 (biased query, key and value) and Qwen3 (normed query and key heads); both state the window in four keys.

import { slidingWindow } from "../../model/window.ts";
import { layerTypes, slidingWindowKey, typesOfWindows, windowsOfTypes, type FamilyDialect } from "./dialect.ts";

/** Defaults that transformers gives to absent keys. */
const DEFAULT_WINDOW = 4096;
const DEFAULT_FIRST_SLIDING_LAYER = 28;

/**
 * Layers slide only when `use_sliding_window` is true; then those from `max_window_layers` on, or those `layer_types` names.
 */
const windowing: Pick<FamilyDialect, "windows" | "statedWindows"> = {
  windows(keys, layerCount) {
    const inUse = keys.flag("use_sliding_window", false);
    const stated = slidingWindowKey(keys, DEFAULT_WINDOW);
    const firstSliding = keys.count("max_window_layers", DEFAULT_FIRST_SLIDING_LAYER, 0);
    const window = inUse ? stated : null;
    const types = layerTypes(keys, layerCount);
    if (types !== null) return windowsOfTypes(keys, types, window);
    return Array.from({ length: layerCount }, (_, layer) => (layer >= firstSliding ? window : null));
  },
  statedWindows({ family, windows }) {
    const window = slidingWindow(windows);
    // Readers that know no layer_types slide every layer from this one on: exact when the full layers come first.
    const leadingFull = windows.findIndex((entry) => entry !== null);
    return {
      family,
      keys: {
        use_sliding_window: window !== null,
        sliding_window: window,
        max_window_layers: leadingFull === -1 ? windows.length : leadingFull,
        layer_types: typesOfWindows(windows),
      },
      dropped: [],
    };
  },
};

export const qwen2: FamilyDialect = {
  architecture: "Qwen2",
  maxPositions: 32768,
  keyValueHeadCount: 32,
  headWidth: null,
  endId: null,
  fixedKeys: { attention_bias: [true], qkv_bias: [true], mlp_bias: [false] },
  layerParts: () => ({ queryKeyValueBias: true, attentionOutputBias: false, mlpBias: false, queryKeyNorm: false }),
  statedParts: () => ({}),
  ...windowing,
};

export const qwen3: FamilyDialect = {
  architecture: "Qwen3",
  maxPositions: 32768,
  keyValueHeadCount: 32,
  headWidth: 128,
  endId: null,
  fixedKeys: { mlp_bias: [false] },
  layerParts(keys) {
    const bias = keys.flag("attention_bias", false);
    return { queryKeyValueBias: bias, attentionOutputBias: bias, mlpBias: false, queryKeyNorm: true };
  },
  statedParts: (config) => ({ attention_bias: config.queryKeyValueBias }),
  ...windowing,
};
