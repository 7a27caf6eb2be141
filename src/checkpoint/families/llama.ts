// Llama: optional attention and MLP biases, and no way to state a window; windowed, it becomes a Mistral where that is exact.

import { SwarrError } from "../../base/errors.ts";
import { quote, type JsonObject } from "../../base/json.ts";
import type { ModelConfig } from "../../model/config.ts";
import { layerTypes, type FamilyDialect } from "./dialect.ts";
import { mistral } from "./mistral.ts";

export const llama: FamilyDialect = {
  architecture: "Llama",
  maxPositions: 2048,
  keyValueHeadCount: null,
  headWidth: null,
  endId: 2,
  fixedKeys: { use_sliding_window: [false] },
  layerParts(keys) {
    const bias = keys.flag("attention_bias", false);
    const mlpBias = keys.flag("mlp_bias", false);
    return { queryKeyValueBias: bias, attentionOutputBias: bias, mlpBias, queryKeyNorm: false };
  },
  windows(keys, layerCount) {
    keys.fixed("sliding_window", [], 'no window: readers of "llama" ignore the key; "mistral" states one.');
    const sliding = layerTypes(keys, layerCount)?.indexOf("sliding_attention") ?? -1;
    if (sliding >= 0) {
      throw new SwarrError("UNSUPPORTED", {
        what: `${keys.where}: layer_types[${sliding}] is "sliding_attention".`,
        expected: 'full attention in every layer: readers of "llama" ignore the list; "ministral" states one.',
        fix: 'Correct model_type to "ministral" with a sliding_window, or the list to full_attention.',
      });
    }
    return Array.from({ length: layerCount }, () => null);
  },
  statedParts: (config) => ({ attention_bias: config.queryKeyValueBias, mlp_bias: config.mlpBias }),
  statedWindows(config) {
    if (config.windows.every((window) => window === null)) return { family: "llama", keys: {}, dropped: [] };
    requireNoBias(config);
    const stated = mistral.statedWindows({ ...config, family: "mistral" });
    return { ...stated, dropped: [...stated.dropped, "attention_bias", "mlp_bias", "pretraining_tp"] };
  },
};

function requireNoBias(config: ModelConfig): void {
  const parts: JsonObject = { attention_bias: config.queryKeyValueBias, mlp_bias: config.mlpBias };
  const key = Object.keys(parts).find((name) => parts[name] === true);
  if (key === undefined) return;
  throw new SwarrError("UNSUPPORTED", {
    what: `This Llama has ${key} ${quote(parts[key])} and cannot be written with a window.`,
    expected: 'no biases: "llama" has no key for a window, and "mistral", which has one, has no biases.',
    fix: "Use a Llama without biases, or a Qwen checkpoint.",
  });
}
