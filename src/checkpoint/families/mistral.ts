// Mistral (one window for all layers) and Ministral (a window and a list of layer types); no biases, no head norms.

import { slidingWindow } from "../../model/window.ts";
import { layerTypes, slidingWindowKey, typesOfWindows, windowsOfTypes, type FamilyDialect } from "./dialect.ts";

/** What an absent `sliding_window` means; null is full attention. */
const DEFAULT_WINDOW = 4096;

/** The two differ in `layer_types` only: a "mistral" config that has the list is read as "ministral". */
const shared: Omit<FamilyDialect, "architecture"> = {
  maxPositions: 131072,
  keyValueHeadCount: 8,
  headWidth: null,
  endId: 2,
  fixedKeys: { attention_bias: [false], mlp_bias: [false], rope_is_neox_style: [true] },
  layerParts: () => ({ queryKeyValueBias: false, attentionOutputBias: false, mlpBias: false, queryKeyNorm: false }),
  windows(keys, layerCount) {
    const window = slidingWindowKey(keys, DEFAULT_WINDOW);
    const types = layerTypes(keys, layerCount);
    if (types !== null) return windowsOfTypes(keys, types, window);
    return Array.from({ length: layerCount }, () => window);
  },
  statedParts: () => ({}),
  statedWindows({ family, windows }) {
    const window = slidingWindow(windows);
    // All full is a Mistral too: the reference cannot open a Ministral without a window.
    if (window === null || (family !== "ministral" && !windows.includes(null))) {
      return { family: "mistral", keys: { sliding_window: window }, dropped: ["layer_types"] };
    }
    // A reader that knows "mistral" but not the list would slide every layer; it does not know "ministral" and says so.
    return {
      family: "ministral",
      keys: { sliding_window: window, layer_types: typesOfWindows(windows) },
      dropped: [],
    };
  },
};

export const mistral: FamilyDialect = { architecture: "Mistral", ...shared };
export const ministral: FamilyDialect = { architecture: "Ministral", ...shared };
