// The model over rows of whole sequences, as graph inputs and as the host arrays that fill them.

import { input, type GraphNode } from "../graph/node.ts";
import type { TensorData } from "../tensor/tensor.ts";
import { concat, slice } from "../graph/ops/move.ts";
import { attention, attentionBlocks, blocksOfPart, PART_TOKENS, rowParts, type AttentionBlocks } from "./attention.ts";
import type { Part } from "./chunks.ts";
import { headWeight, hiddenStates, targetLogProbs, type Attend, type TargetLogProbs } from "./decoder.ts";
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

/**
 * Builds the forward pass; its inputs are `ids`, `positions`, `targets`, `cos`, `sin` and the masks of the plans.
 *
 * @param partTokens  how much of a long row goes through a layer at a time
 */
export function sequenceModel(
  config: ModelConfig,
  weights: WeightNodes,
  { rows, tokens }: SequenceShape,
  partTokens = PART_TOKENS,
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
  const keys = plans.map((): GraphNode[] => []);
  const values = plans.map((): GraphNode[] => []);
  const attend: Attend = (layer, { query, key, value }, part, before) => {
    const plan = plans[layer]!;
    const mask = masks.get(plan.maskName)!;
    keys[layer]!.push(key);
    values[layer]!.push(value);
    const own = part.end - part.start;
    if (own === rows * tokens) {
      return { attended: attention(query, key, value, mask, { ...plan, ...heads, rows, tokens }), carried: [] };
    }
    const { first, count, seenLater } = blocksOfPart(plan, part, tokens);
    const seen = slice(mask, 0, first, first + count);
    return {
      attended: attention(query, key, value, seen, { ...plan, ...heads, count, rows: 1, tokens: own }, before),
      carried: seenLater > 0 ? [key, value].map((each) => slice(each, 0, own - seenLater, own)) : [],
    };
  };
  const parts = (layer: number): readonly Part[] => rowParts(plans[layer]!, rows, tokens, partTokens);
  const hidden = hiddenStates(config, weights, input("ids", [rows * tokens], "int32"), place, attend, parts);
  const targets = input("targets", [rows * tokens], "int32");
  const [allKeys, allValues] = [keys, values].map((layers) => layers.map(joined)) as [GraphNode[], GraphNode[]];
  return { ...targetLogProbs(hidden, headWeight(config, weights), targets), hidden, keys: allKeys, values: allValues };
}

function joined(parts: readonly GraphNode[]): GraphNode {
  return parts.length === 1 ? parts[0]! : concat(parts, 0);
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
