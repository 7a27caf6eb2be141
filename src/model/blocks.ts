// The parts of a decoder layer: linear maps, the gated MLP, query and key preparation.

import { pullback } from "../graph/autodiff.ts";
import type { GraphNode } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { rmsNorm, rotate } from "../graph/ops/decoder.ts";
import { add, mul, sigmoid, sub, withGradient } from "../graph/ops/elementwise.ts";
import { reshape, slice } from "../graph/ops/move.ts";
import type { Part } from "./chunks.ts";
import type { ModelConfig } from "./config.ts";
import type { WeightNodes } from "./views.ts";

/** x·Wᵀ, plus the bias where the model has one: [M, in] → [M, out]. */
export function linear(x: GraphNode, weights: WeightNodes, name: string, bias: boolean): GraphNode {
  const y = gemm(x, weights(name), { transB: true });
  return bias ? add(y, weights(`${name}Bias`)) : y;
}

/**
 * The MLP of one layer, down(gate·σ(gate)·up): [M, D] → [M, D]. What is between gate, up and down is computed again for the
 * gradient, which takes less time than keeping it and has the same bits.
 */
export function gatedMlp(x: GraphNode, weights: WeightNodes, at: string, config: ModelConfig): GraphNode {
  const gate = linear(x, weights, `${at}.gate`, config.mlpBias);
  const up = linear(x, weights, `${at}.up`, config.mlpBias);
  const down = (hidden: GraphNode): GraphNode => linear(hidden, weights, `${at}.down`, config.mlpBias);
  const read = [`${at}.down`, ...(config.mlpBias ? [`${at}.downBias`] : [])].map(weights);
  return withGradient(down(mul(mul(gate, sigmoid(gate)), up)), [gate, up, ...read], (upstream) => {
    const s = sigmoid(gate);
    const activated = mul(gate, s);
    const hidden = mul(activated, up);
    const [toHidden, ...toRead] = pullback(down(hidden), upstream, [hidden, ...read]) as [GraphNode, ...GraphNode[]];
    // d/dg [g·σ(g)] = σ + gσ(1 - σ) = σ + y - yσ
    const slope = add(s, sub(activated, mul(activated, s)));
    return [mul(mul(toHidden, up), slope), mul(toHidden, activated), ...toRead];
  });
}

/** Where the tokens of a batch stand. */
export interface Positions {
  readonly rows: number;
  readonly tokens: number;
  /** [rows, tokens] int32 */
  readonly positions: GraphNode;
  /** [P, K/2] */
  readonly cos: GraphNode;
  readonly sin: GraphNode;
}

/** Where the tokens of a part stand: all of them, or some of one row. */
export function positionsOf(place: Positions, { start, end }: Part): Positions {
  const all = place.rows * place.tokens;
  const tokens = end - start;
  if (tokens === all) return place;
  const positions = reshape(slice(reshape(place.positions, [all]), 0, start, end), [1, tokens]);
  return { ...place, rows: 1, tokens, positions };
}

export interface LayerStates {
  readonly query: GraphNode;
  readonly key: GraphNode;
  readonly value: GraphNode;
}

/** Queries, keys and values of one layer, rotated and, for Qwen3, normalised a head: [M, H·K], [M, G·K], [M, G·K]. */
export function queryKeyValue(
  x: GraphNode,
  weights: WeightNodes,
  at: string,
  config: ModelConfig,
  place: Positions,
): LayerStates {
  const bias = config.queryKeyValueBias;
  const turned = (name: "q" | "k", heads: number): GraphNode => {
    const projected = linear(x, weights, `${at}.${name}`, bias);
    const norm = name === "q" ? "queryNorm" : "keyNorm";
    const normed = config.queryKeyNorm ? headNorm(projected, weights(`${at}.${norm}`), config, heads) : projected;
    const batched = reshape(normed, [place.rows, place.tokens, heads * config.headWidth]);
    const rotated = rotate(batched, place.cos, place.sin, place.positions, heads);
    return reshape(rotated, normed.shape);
  };
  return {
    query: turned("q", config.queryHeadCount),
    key: turned("k", config.keyValueHeadCount),
    value: linear(x, weights, `${at}.v`, bias),
  };
}

function headNorm(x: GraphNode, weight: GraphNode, config: ModelConfig, heads: number): GraphNode {
  const flat = reshape(x, [x.shape[0]! * heads, config.headWidth]);
  return reshape(rmsNorm(flat, weight, config.normEpsilon), x.shape);
}
