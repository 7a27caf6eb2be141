// The decoder: token ids to hidden states, and hidden states to the log-probs of given targets.

import type { GraphNode } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { rmsNorm } from "../graph/ops/decoder.ts";
import { add, exp, mul, neg, withGradient } from "../graph/ops/elementwise.ts";
import { addAt, gatherRows, pick } from "../graph/ops/index.ts";
import { concat, slice } from "../graph/ops/move.ts";
import { sum } from "../graph/ops/reduce.ts";
import { logSoftmax } from "../graph/ops/rowwise.ts";
import { gatedMlp, linear, positionsOf, queryKeyValue, type LayerStates, type Positions } from "./blocks.ts";
import type { ModelConfig } from "./config.ts";
import { allRows, inParts, inRowChunks, type Part } from "./chunks.ts";
import type { WeightNodes } from "./views.ts";

/**
 * What the queries, keys and values of a part of a layer's rows become: dense, blockwise or over a cache; [M, H·K] of its M rows.
 * What it carries is handed to the part that goes on from it as `before`.
 */
export type Attend = (
  layer: number,
  states: LayerStates,
  part: Part,
  before: readonly GraphNode[],
) => { readonly attended: GraphNode; readonly carried: readonly GraphNode[] };

/**
 * The residual stream after the last norm.
 *
 * @param ids  [M] int32, M = rows·tokens
 * @param partsOf  the parts in which rows go through a layer, within a row each where there are several
 * @returns [M, D]
 */
export function hiddenStates(
  config: ModelConfig,
  weights: WeightNodes,
  ids: GraphNode,
  place: Positions,
  attend: Attend,
  partsOf: (layer: number) => readonly Part[] = () => [allRows(place.rows, place.tokens)],
): GraphNode {
  let x = gatherRows(weights("embedding"), ids);
  for (let layer = 0; layer < config.layerCount; layer++) {
    const at = `layers.${layer}`;
    x = inParts(x, partsOf(layer), weights, (own, rows, part, before) => {
      const normed = rmsNorm(rows, own(`${at}.attentionNorm`), config.normEpsilon);
      const states = queryKeyValue(normed, own, at, config, positionsOf(place, part));
      const { attended, carried } = attend(layer, states, part, before);
      const made = inRowChunks([rows, attended], own, (seen, chunk, mixed) =>
        afterAttention(chunk, mixed, seen, at, config),
      );
      return { made, carried };
    });
  }
  return rmsNorm(x, weights("finalNorm"), config.normEpsilon);
}

/** The second half of a layer: the output map, and the MLP behind its norm, each added to the residual stream. */
function afterAttention(
  x: GraphNode,
  attended: GraphNode,
  weights: WeightNodes,
  at: string,
  config: ModelConfig,
): GraphNode {
  const rows = add(x, linear(attended, weights, `${at}.attentionOut`, config.attentionOutputBias));
  return add(rows, gatedMlp(rmsNorm(rows, weights(`${at}.mlpNorm`), config.normEpsilon), weights, at, config));
}

/** The output matrix [V, D]: the head's own, or the embedding where they are tied. */
export function headWeight(config: ModelConfig, weights: WeightNodes): GraphNode {
  return weights(config.tiedHead ? "embedding" : "head");
}

/** Logits of every row: [M, D] → [M, V]. */
export function logits(hidden: GraphNode, head: GraphNode): GraphNode {
  return gemm(hidden, head, { transB: true });
}

/** The largest [rows, V] block of logits that is held at once, in elements (128 MiB). */
const LOGITS_AT_ONCE = 2 ** 25;

export interface TargetLogProbs {
  /** ln p(target) of every row [M, 1], natural log */
  readonly logProb: GraphNode;
  /** entropy of every row's distribution [M, 1], nats; no gradient flows through it */
  readonly entropy: GraphNode;
}

/** Log-probs of `targets` ([M] int32) under the head, in chunks of rows so that [M, V] need not exist whole. */
export function targetLogProbs(hidden: GraphNode, head: GraphNode, targets: GraphNode): TargetLogProbs {
  const rows = hidden.shape[0]!;
  const chunkCount = Math.ceil((rows * head.shape[0]!) / LOGITS_AT_ONCE);
  const size = Math.ceil(rows / chunkCount);
  const chunks = Array.from({ length: Math.ceil(rows / size) }, (_, i) => {
    const [start, end] = [i * size, Math.min(rows, (i + 1) * size)];
    const states = slice(hidden, 0, start, end);
    const labels = slice(targets, 0, start, end);
    const logProbs = logSoftmax(logits(states, head));
    return { start, end, states, labels, logProbs, probs: exp(logProbs) };
  });
  const logProb = concat(
    chunks.map(({ logProbs, labels }) => pick(logProbs, labels)),
    0,
  );
  const entropies = chunks.map(({ logProbs, probs }) => neg(sum(mul(probs, logProbs), [1])));
  const withClosedForm = withGradient(logProb, [hidden, head], (up) => {
    // d ln p(y)/d logits = onehot(y) - p
    let toHead: GraphNode | undefined;
    const toStates = chunks.map(({ start, end, states, labels, probs }) => {
      const weight = slice(up, 0, start, end);
      const toLogits = addAt(mul(probs, neg(weight)), labels, weight);
      toHead = gemm(toLogits, states, { transA: true }, toHead);
      return gemm(toLogits, head, {});
    });
    return [concat(toStates, 0), toHead!];
  });
  return { logProb: withClosedForm, entropy: concat(entropies, 0) };
}
