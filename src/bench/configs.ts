// The three shapes that speed is measured at.

import type { LayerWindow, ModelConfig } from "../model/config.ts";

export const BENCH_NAMES = ["S", "M", "L"] as const;
export type BenchName = (typeof BENCH_NAMES)[number];

export interface BenchShape {
  readonly config: ModelConfig;
  /** T, tokens of a row */
  readonly tokens: number;
  /** rows of a training step */
  readonly batch: number;
}

interface Sizes {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly feedForward: number;
  readonly tokens: number;
  readonly window: number;
  readonly batch: number;
}

const SIZES: Readonly<Record<BenchName, Sizes>> = {
  S: {
    vocabulary: 64,
    width: 128,
    layers: 4,
    heads: 4,
    keyValueHeads: 2,
    feedForward: 384,
    tokens: 256,
    window: 32,
    batch: 32,
  },
  M: {
    vocabulary: 512,
    width: 256,
    layers: 6,
    heads: 8,
    keyValueHeads: 4,
    feedForward: 768,
    tokens: 512,
    window: 64,
    batch: 16,
  },
  L: {
    vocabulary: 32000,
    width: 512,
    layers: 8,
    heads: 8,
    keyValueHeads: 8,
    feedForward: 1536,
    tokens: 1024,
    window: 128,
    batch: 4,
  },
};

/** @param windowed  false gives every layer full attention */
export function benchShape(name: BenchName, windowed = true): BenchShape {
  const sizes = SIZES[name];
  const config: ModelConfig = {
    family: "mistral",
    vocabularySize: sizes.vocabulary,
    width: sizes.width,
    layerCount: sizes.layers,
    queryHeadCount: sizes.heads,
    keyValueHeadCount: sizes.keyValueHeads,
    headWidth: sizes.width / sizes.heads,
    feedForwardWidth: sizes.feedForward,
    normEpsilon: 1e-6,
    ropeTheta: 10000,
    ropeScaling: { kind: "default" },
    maxPositions: 65536,
    tiedHead: false,
    queryKeyValueBias: false,
    attentionOutputBias: false,
    mlpBias: false,
    queryKeyNorm: false,
    windows: Array.from({ length: sizes.layers }, (): LayerWindow => (windowed ? sizes.window : null)),
    sinkTokens: 0,
  };
  return { config, tokens: sizes.tokens, batch: sizes.batch };
}
