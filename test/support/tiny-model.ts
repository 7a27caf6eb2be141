// Small decoders of every shape of the families, with weights large enough that every term shows.

import { initialWeights } from "../../src/model/parameters.ts";
import type { LayerWindow, ModelConfig } from "../../src/model/config.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { randomStream } from "../../src/base/seeds.ts";

export function tinyConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  const layerCount = changes.layerCount ?? 2;
  return {
    family: "llama",
    vocabularySize: 24,
    width: 16,
    layerCount,
    queryHeadCount: 4,
    keyValueHeadCount: 2,
    headWidth: 4,
    feedForwardWidth: 24,
    normEpsilon: 1e-6,
    ropeTheta: 1e4,
    ropeScaling: { kind: "default" },
    maxPositions: 512,
    tiedHead: false,
    queryKeyValueBias: false,
    attentionOutputBias: false,
    mlpBias: false,
    queryKeyNorm: false,
    windows: Array<LayerWindow>(layerCount).fill(null),
    sinkTokens: 0,
    ...changes,
  };
}

/** Fresh weights, norms and biases moved off their neutral start. */
export function tinyWeights(config: ModelConfig, seed = 5): Weights {
  const weights = initialWeights(config, seed);
  let item = 0;
  for (const data of weights.values()) {
    const stream = randomStream({ root: seed, purpose: "nudge", item: item++ });
    for (let i = 0; i < data.length; i++) data[i]! += 0.2 * stream.normal();
  }
  return weights;
}

/** Seeded token ids. */
export function tinyIds(count: number, seed: number, vocabularySize = 24): number[] {
  const stream = randomStream({ root: seed, purpose: "ids" });
  return Array.from({ length: count }, () => stream.integer(vocabularySize));
}
