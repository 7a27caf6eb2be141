// Where a full-attention model looks: the attention of every layer and head that falls beyond a window, and whether it is needed.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { graphOf } from "../graph/check.ts";
import { input, type GraphNode } from "../graph/node.ts";
import { matmul } from "../graph/ops/contract.ts";
import { rmsNorm } from "../graph/ops/decoder.ts";
import { add, mul } from "../graph/ops/elementwise.ts";
import { gatherRows } from "../graph/ops/index.ts";
import { reshape, transpose } from "../graph/ops/move.ts";
import { sum } from "../graph/ops/reduce.ts";
import { softmax } from "../graph/ops/rowwise.ts";
import { HIDDEN } from "../model/attention.ts";
import { gatedMlp, linear, queryKeyValue, type Positions } from "../model/blocks.ts";
import type { ModelConfig } from "../model/config.ts";
import { ropeTables } from "../model/rope.ts";
import { viewArrays, viewsOf, weightInputs, type WeightNodes } from "../model/views.ts";
import { visible } from "../model/window.ts";
import { rungAbove } from "../tensor/ladder.ts";
import type { TensorData, Weights } from "../tensor/tensor.ts";
import type { TextGaps } from "./gap.ts";

/** What a head's attention does beyond the window, over the queries that write the measured tokens. */
export interface HeadAttention {
  /** mean share of its attention on keys beyond the window, 0 to 1 */
  readonly beyond: number;
  /**
   * the same over the tokens that look beyond the window, minus that over the others: much attention lies far back and
   * serves nothing, what is needed rises where something is looked up; null when no token looks beyond, or all do
   */
  readonly rise: number | null;
  /** of that share with the gap, over tokens; -1 to 1: it rises where the window costs most */
  readonly correlation: number;
}

export interface LayerAttention {
  readonly layer: number;
  readonly heads: readonly HeadAttention[];
  /** mean over heads */
  readonly beyond: number;
  /** of the head in which it is greatest */
  readonly rise: number | null;
  readonly correlation: number;
}

export interface AttentionProbe {
  add(ids: readonly number[], measured: TextGaps): Promise<void>;
  /** @returns one entry a layer; null before any token was looked at */
  layers(): readonly LayerAttention[] | null;
  dispose(): Promise<void>;
}

interface CompiledLength {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, TensorData>>;
}

/** @param config  its windows are not used: every layer sees everything */
export function createAttentionProbe(
  engine: Engine,
  config: ModelConfig,
  weights: Weights,
  window: number,
): AttentionProbe {
  const views = viewsOf(config);
  const weightArrays = viewArrays(views, weights);
  const compiled = new ProgramCache<CompiledLength>(engine);
  const { layerCount, queryHeadCount: heads } = config;
  const sums = Array.from({ length: layerCount }, () => Array.from({ length: heads }, () => new HeadSums()));

  const compile = (tokens: number): Promise<CompiledLength> =>
    compiled.get(String(tokens), () => {
      const outputs = probeOutputs(config, weightInputs(views).nodes, tokens);
      const inputs = probeInputs(config, tokens, window);
      return { graph: graphOf(outputs), made: (program) => ({ program, inputs }) };
    });

  return {
    add: async (ids, { positions, distances, gaps }) => {
      if (positions.length === 0) return;
      const tokens = rungAbove(Math.max(16, ids.length));
      const { program, inputs } = await compile(tokens);
      const padded = new Int32Array(tokens);
      padded.set(ids);
      const names = Array.from({ length: layerCount }, (_, layer) => `beyond.${layer}`);
      const outputs = Object.fromEntries(names.map((name) => [name, new Float32Array(heads * tokens)]));
      await program.run({ ...inputs, ids: padded, ...weightArrays }, outputs);
      for (const [layer, name] of names.entries()) {
        for (let head = 0; head < heads; head++) {
          const shares = outputs[name]!.subarray(head * tokens, (head + 1) * tokens);
          // The query at position - 1 writes the token at position.
          for (const [i, position] of positions.entries()) {
            sums[layer]![head]!.add(shares[position - 1]!, gaps[i]!, distances[i]! > window);
          }
        }
      }
    },
    layers: () => (sums[0]![0]!.count === 0 ? null : sums.map(layerAttention)),
    dispose: () => compiled.dispose(),
  };
}

function layerAttention(sums: readonly HeadSums[], layer: number): LayerAttention {
  const heads = sums.map((one) => one.figures());
  const beyond = heads.reduce((total, head) => total + head.beyond, 0) / heads.length;
  const rises = heads.flatMap(({ rise }) => (rise === null ? [] : [rise]));
  return {
    layer,
    heads,
    beyond,
    rise: rises.length === 0 ? null : Math.max(...rises),
    correlation: Math.max(...heads.map(({ correlation }) => correlation)),
  };
}

/** Running sums of a head's share and the token's gap, and of the share where the token looks beyond the window. */
class HeadSums {
  count = 0;
  readonly #sums = { x: 0, y: 0, xx: 0, yy: 0, xy: 0 };
  readonly #looking = { count: 0, x: 0 };

  add(share: number, gap: number, looksBeyond: boolean): void {
    this.count += 1;
    this.#sums.x += share;
    this.#sums.y += gap;
    this.#sums.xx += share * share;
    this.#sums.yy += gap * gap;
    this.#sums.xy += share * gap;
    if (!looksBeyond) return;
    this.#looking.count += 1;
    this.#looking.x += share;
  }

  figures(): HeadAttention {
    const { x } = this.#sums;
    const { count, x: looking } = this.#looking;
    const others = this.count - count;
    const rise = count === 0 || others === 0 ? null : looking / count - (x - looking) / others;
    return { beyond: x / this.count, rise, correlation: this.#correlation() };
  }

  /** 0 where one of the two is the same throughout. */
  #correlation(): number {
    const { x, y, xx, yy, xy } = this.#sums;
    const n = this.count;
    const spread = Math.sqrt(Math.max(0, xx / n - (x / n) ** 2) * Math.max(0, yy / n - (y / n) ** 2));
    return spread < LEAST_SPREAD ? 0 : Math.min(1, Math.max(-1, (xy / n - (x / n) * (y / n)) / spread));
  }
}

/** Below it a spread is rounding: shares come in float32. */
const LEAST_SPREAD = 1e-9;

/** Per layer `beyond.i` [H, T]: the share of each query's attention beyond the window; one row of T tokens. */
export function probeOutputs(config: ModelConfig, weights: WeightNodes, tokens: number): Record<string, GraphNode> {
  const half = config.headWidth / 2;
  const place: Positions = {
    rows: 1,
    tokens,
    positions: input("positions", [1, tokens], "int32"),
    cos: input("cos", [tokens, half]),
    sin: input("sin", [tokens, half]),
  };
  const masks = {
    causal: input("causal", [1, tokens, tokens]),
    beyond: input("beyond", [1, tokens, tokens]),
  };
  const outputs: Record<string, GraphNode> = {};
  let x = gatherRows(weights("embedding"), input("ids", [tokens], "int32"));
  for (let layer = 0; layer < config.layerCount; layer++) {
    const at = `layers.${layer}`;
    const normed = rmsNorm(x, weights(`${at}.attentionNorm`), config.normEpsilon);
    const { query, key, value } = queryKeyValue(normed, weights, at, config, place);
    const scores = scoresOf(query, key, config, tokens);
    const full = softmax(add(scores, masks.causal));
    const mixed = mix(full, value, config, tokens);
    x = add(x, linear(mixed, weights, `${at}.attentionOut`, config.attentionOutputBias));
    outputs[`beyond.${layer}`] = reshape(sum(mul(full, masks.beyond), [2]), [config.queryHeadCount, tokens]);
    const normedAgain = rmsNorm(x, weights(`${at}.mlpNorm`), config.normEpsilon);
    x = add(x, gatedMlp(normedAgain, weights, at, config));
  }
  return outputs;
}

/** Q·Kᵀ/√K of every query head: [T, H·K], [T, G·K] → [H, T, T]. */
function scoresOf(query: GraphNode, key: GraphNode, config: ModelConfig, tokens: number): GraphNode {
  const { queryHeadCount: H, keyValueHeadCount: G, headWidth: K } = config;
  const query_GRK = reshape(heads(query, H, K, tokens), [G, (H / G) * tokens, K]);
  const scores = matmul(query_GRK, heads(key, G, K, tokens), { transB: true, scale: K ** -0.5 });
  return reshape(scores, [H, tokens, tokens]);
}

/** The values mixed by the weights: [H, T, T], [T, G·K] → [T, H·K]. */
function mix(weights: GraphNode, value: GraphNode, config: ModelConfig, tokens: number): GraphNode {
  const { queryHeadCount: H, keyValueHeadCount: G, headWidth: K } = config;
  const mixed = matmul(reshape(weights, [G, (H / G) * tokens, tokens]), heads(value, G, K, tokens));
  return reshape(transpose(reshape(mixed, [H, tokens, K]), [1, 0, 2]), [tokens, H * K]);
}

/** [T, N·K] → [N, T, K] */
function heads(x: GraphNode, count: number, width: number, tokens: number): GraphNode {
  return transpose(reshape(x, [tokens, count, width]), [1, 0, 2]);
}

/** Everything but ids and weights. */
export function probeInputs(config: ModelConfig, tokens: number, window: number): Record<string, TensorData> {
  const causal = new Float32Array(tokens * tokens).fill(HIDDEN);
  const beyond = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key <= query; key++) {
      const at = query * tokens + key;
      causal[at] = 0;
      beyond[at] = visible(query, key, window, config.sinkTokens) ? 0 : 1;
    }
  }
  const positions = Int32Array.from({ length: tokens }, (_, i) => i);
  return { causal, beyond, positions, ...ropeTables(config, tokens) };
}
