// The model over rows of whole sequences, as graph inputs and as the host arrays that fill them.

import { input, type GraphNode } from "../graph/node.ts";
import type { TensorData } from "../tensor/tensor.ts";
import { attention, attentionBlocks, type AttentionBlocks } from "./attention.ts";
import type { Attend } from "./decoder.ts";
import { headWeight, hiddenStates, targetLogProbs, type TargetLogProbs } from "./decoder.ts";
import type { ModelConfig } from "./config.ts";
import { maskSize, writeMask } from "./mask.ts";
import { ropeTables } from "./rope.ts";
import type { WeightNodes } from "./views.ts";

/** Rows of equal length, each holding one or more segments that do not see each other. */
export interface SequenceShape {
  readonly rows: number;
  /** T, tokens in a row */
  readonly tokens: number;
}

/** What the host knows of the tokens of a batch; all row-major [rows, T]. */
export interface SequenceBatch {
  readonly ids: Int32Array;
  /** position within the segment, from 0 */
  readonly positions: Int32Array;
  /** row-local index of the first token of each token's segment; padding names itself */
  readonly segmentStart: Int32Array;
  /** the token whose log-prob is wanted at each position, any valid id where none is */
  readonly targets: Int32Array;
}

/** The graph side: log-probs of the targets, and each layer's rotated keys and values ([M, G·K]) for filling a cache. */
export interface SequenceModel extends TargetLogProbs {
  /** the residual stream after the last norm, [M, D] */
  readonly hidden: GraphNode;
  readonly keys: readonly GraphNode[];
  readonly values: readonly GraphNode[];
}

/** One attention plan a layer; layers of one window share a mask. */
export function plansOf(config: ModelConfig, tokens: number): readonly AttentionBlocks[] {
  return config.windows.map((window) => attentionBlocks(tokens, window, config.sinkTokens));
}

/** Builds the forward pass; its inputs are `ids`, `positions`, `targets`, `cos`, `sin` and the masks of the plans. */
export function sequenceModel(
  config: ModelConfig,
  weights: WeightNodes,
  { rows, tokens }: SequenceShape,
): SequenceModel {
  const plans = plansOf(config, tokens);
  const masks = new Map(
    plans.map((plan) => [plan.maskName, input(plan.maskName, [rows * plan.count, plan.block, plan.span])]),
  );
  const half = config.headWidth / 2;
  const place = {
    rows,
    tokens,
    positions: input("positions", [rows, tokens], "int32"),
    cos: input("cos", [tokens, half]),
    sin: input("sin", [tokens, half]),
  };
  const heads = {
    queryHeads: config.queryHeadCount,
    keyValueHeads: config.keyValueHeadCount,
    headWidth: config.headWidth,
  };
  const keys: GraphNode[] = [];
  const values: GraphNode[] = [];
  const attend: Attend = (layer, query, key, value) => {
    const plan = plans[layer]!;
    keys.push(key);
    values.push(value);
    return attention(query, key, value, masks.get(plan.maskName)!, { ...plan, ...heads, rows, tokens });
  };
  const hidden = hiddenStates(config, weights, input("ids", [rows * tokens], "int32"), place, attend);
  const targets = input("targets", [rows * tokens], "int32");
  return { ...targetLogProbs(hidden, headWeight(config, weights), targets), hidden, keys, values };
}

/** The host side: arrays for every input but the weights, kept and refilled batch after batch. */
export class SequenceInputs {
  readonly arrays: Record<string, TensorData>;
  readonly #plans: readonly AttentionBlocks[];
  readonly #tokens: number;
  readonly #sinkTokens: number;

  constructor(config: ModelConfig, { rows, tokens }: SequenceShape) {
    const count = rows * tokens;
    this.#tokens = tokens;
    this.#sinkTokens = config.sinkTokens;
    this.#plans = [...new Map(plansOf(config, tokens).map((plan) => [plan.maskName, plan])).values()];
    const masks = this.#plans.map((plan) => [plan.maskName, new Float32Array(maskSize(plan, rows))] as const);
    this.arrays = {
      ids: new Int32Array(count),
      positions: new Int32Array(count),
      targets: new Int32Array(count),
      ...ropeTables(config, tokens),
      ...Object.fromEntries(masks),
    };
  }

  fill(batch: SequenceBatch): void {
    (this.arrays["ids"] as Int32Array).set(batch.ids);
    (this.arrays["positions"] as Int32Array).set(batch.positions);
    (this.arrays["targets"] as Int32Array).set(batch.targets);
    for (const plan of this.#plans) {
      writeMask(this.arrays[plan.maskName] as Float32Array, batch.segmentStart, plan, this.#tokens, this.#sinkTokens);
    }
  }
}
