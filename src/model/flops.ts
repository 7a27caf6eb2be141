// How much work a sequence is: matrix products and visible attention pairs, nothing else.

import type { LayerWindow, ModelConfig } from "./config.ts";

/** Keys seen by all queries of a sequence of `tokens` together: Σ min(q+1, W). */
export function visiblePairs(tokens: number, window: LayerWindow): number {
  if (window === null || window >= tokens) return (tokens * (tokens + 1)) / 2;
  return (window * (window + 1)) / 2 + (tokens - window) * window;
}

/**
 * Floating-point operations of one forward pass over a sequence: 2mnk for every linear map and the head, 4·H·K for every
 * visible pair of every layer (scores and mixing). Norms, rotations, softmax and masked blocks are not counted. A training
 * pass is three times this; decoding token by token is the same as one pass.
 */
export function forwardFlops(config: ModelConfig, tokens: number): number {
  const { width: D, headWidth: K, queryHeadCount: H, keyValueHeadCount: G, feedForwardWidth: F } = config;
  const layer = D * (H + 2 * G) * K + H * K * D + 3 * D * F;
  const linear = 2 * tokens * (config.layerCount * layer + D * config.vocabularySize);
  const pairs = config.windows.reduce<number>((total, window) => total + visiblePairs(tokens, window), 0);
  return linear + 4 * H * K * pairs;
}
