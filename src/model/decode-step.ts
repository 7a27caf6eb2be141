// One decoding step for a batch of sequences: the new token of each attends to its cache and to itself.

import { filled, input, scalar, type GraphNode } from "../graph/node.ts";
import { matmul } from "../graph/ops/contract.ts";
import { add, cast, mul, sub } from "../graph/ops/elementwise.ts";
import { pick } from "../graph/ops/index.ts";
import { concat, reshape, slice } from "../graph/ops/move.ts";
import { sum } from "../graph/ops/reduce.ts";
import { argmax, countAbove, cumulativeSum, logSoftmax, softmax } from "../graph/ops/rowwise.ts";
import type { ModelConfig } from "./config.ts";
import { headWeight, hiddenStates, logits, type Attend } from "./decoder.ts";
import type { WeightNodes } from "./views.ts";

export interface DecodeShape {
  /** B, sequences decoded together */
  readonly sequences: number;
  /** slots of each layer's cache, >= 1: the window where the layer slides, else as many as the longest sequence needs */
  readonly slots: readonly number[];
  /** rows of the rotary tables: no position may reach it */
  readonly positions: number;
}

/**
 * The graph of one step.
 *
 * Inputs: `ids` [B], `positions` [B, 1], `cos` and `sin`, `inverseTemperature` and `uniform` [B, 1], a layer's read-only
 * caches `keys.i` and `values.i` [B, G, slots, K] and the masks `slots.N` [B, N] (0 visible, hugely negative empty or past
 * the window). Outputs: the new keys and values `newKey.i` and `newValue.i` [B, G·K], for the caller to store;
 * `sampled` and `greedy` [B], `sampledLogProb` and `greedyLogProb` [B, 1] at temperature 1, and `logProbs` [B, V].
 */
export function decodeStep(config: ModelConfig, weights: WeightNodes, shape: DecodeShape): Record<string, GraphNode> {
  const { sequences: B, slots } = shape;
  const { keyValueHeadCount: G, headWidth: K } = config;
  const half = K / 2;
  const place = {
    rows: B,
    tokens: 1,
    positions: input("positions", [B, 1], "int32"),
    cos: input("cos", [shape.positions, half]),
    sin: input("sin", [shape.positions, half]),
  };
  const masks = new Map([...new Set(slots)].map((count) => [count, input(`slots.${count}`, [B, count])]));
  const outputs: Record<string, GraphNode> = {};
  const attend: Attend = (layer, { query, key, value }) => {
    outputs[`newKey.${layer}`] = key;
    outputs[`newValue.${layer}`] = value;
    const count = slots[layer]!;
    const keys = input(`keys.${layer}`, [B, G, count, K]);
    const values = input(`values.${layer}`, [B, G, count, K]);
    const attended = attendToCache({ query, key, value, keys, values, mask: masks.get(count)! }, config);
    return { attended, carried: [] };
  };
  const hidden = hiddenStates(config, weights, input("ids", [B], "int32"), place, attend);
  return { ...outputs, ...drawTokens(logits(hidden, headWeight(config, weights))) };
}

interface CacheAttention {
  readonly query: GraphNode;
  readonly key: GraphNode;
  readonly value: GraphNode;
  readonly keys: GraphNode;
  readonly values: GraphNode;
  readonly mask: GraphNode;
}

/** Softmax over [scores of the cache, score of the token itself]; nothing is copied into the cache here. */
function attendToCache({ query, key, value, keys, values, mask }: CacheAttention, config: ModelConfig): GraphNode {
  const { queryHeadCount: H, keyValueHeadCount: G, headWidth: K } = config;
  const [B, , slots] = keys.shape as [number, number, number, number];
  const scale = K ** -0.5;
  const q = reshape(query, [B, G, H / G, K]);
  const own = reshape(key, [B, G, 1, K]);
  const cached = add(matmul(q, keys, { transB: true, scale }), reshape(mask, [B, 1, 1, slots]));
  const self = mul(sum(mul(q, own), [3]), scalar(scale));
  const weights = softmax(concat([cached, self], 3));
  const fromCache = matmul(slice(weights, 3, 0, slots), values);
  const fromSelf = mul(slice(weights, 3, slots, slots + 1), reshape(value, [B, G, 1, K]));
  return reshape(add(fromCache, fromSelf), [B, H * K]);
}

/** Draws by inverting the cumulative distribution with one uniform a row; the largest logit beside it. */
function drawTokens(logits_BV: GraphNode): Record<string, GraphNode> {
  const [B, V] = logits_BV.shape as [number, number];
  const logProbs = logSoftmax(logits_BV);
  const tempered = softmax(mul(logits_BV, input("inverseTemperature", [B, 1])));
  const cumulative = cumulativeSum(tempered);
  // Scaling by the last entry makes rounding harmless: the target stays below it, so a token of probability 0 is never drawn.
  const target = mul(input("uniform", [B, 1]), slice(cumulative, 1, V - 1, V));
  const sampled = reshape(cast(sub(filled([B, 1], V), countAbove(cumulative, target)), "int32"), [B]);
  const greedy = argmax(logits_BV);
  return {
    sampled,
    greedy,
    sampledLogProb: pick(logProbs, sampled),
    greedyLogProb: pick(logProbs, greedy),
    logProbs,
  };
}
