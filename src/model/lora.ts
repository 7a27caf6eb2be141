// Low-rank adapters: a small product added to chosen matrices, in plain arithmetic beside the fused weights.

import { randomStream } from "../base/seeds.ts";
import { invariant } from "../base/invariant.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { ModelConfig } from "./config.ts";
import type { TrainedParameter } from "./parameters.ts";

/** The matrices an adapter may be put beside, by the names every program uses for them. */
export const LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const;
export type LoraTarget = (typeof LORA_TARGETS)[number];

export interface LoraConfig {
  /** r, the inner size of the product. */
  readonly rank: number;
  /** The product is added times alpha / rank. */
  readonly alpha: number;
  readonly targets: readonly LoraTarget[];
  /** Divide alpha by the square root of the rank instead. */
  readonly rankStabilised?: boolean;
}

/** An adapter with what makes it one: A and B of every site, by name. */
export interface LoraAdapter {
  readonly lora: LoraConfig;
  readonly adapter: Weights;
}

/** One place of the adapter: W' = W + scale * B A, with A `[rank, inner]`, B `[out, rank]`, W some rows of a fused parameter. */
export interface LoraSite {
  readonly layer: number;
  readonly target: LoraTarget;
  readonly parameter: string;
  readonly firstRow: number;
  readonly out: number;
  readonly inner: number;
  /** Names of A and B among the adapter's weights. */
  readonly a: string;
  readonly b: string;
}

/** Every place the adapter adds to, in the order of the forward pass. */
export function loraSites(config: ModelConfig, lora: LoraConfig): readonly LoraSite[] {
  const { width: D, headWidth: K, queryHeadCount: H, keyValueHeadCount: G, feedForwardWidth: F } = config;
  const places: {
    readonly [target in LoraTarget]: readonly [leaf: string, firstRow: number, out: number, inner: number];
  } = {
    q_proj: ["qkv", 0, H * K, D],
    k_proj: ["qkv", H * K, G * K, D],
    v_proj: ["qkv", (H + G) * K, G * K, D],
    o_proj: ["attentionOut", 0, D, H * K],
    gate_proj: ["gateUp", 0, F, D],
    up_proj: ["gateUp", F, F, D],
    down_proj: ["down", 0, D, F],
  };
  return Array.from({ length: config.layerCount }, (_, layer) =>
    LORA_TARGETS.filter((target) => lora.targets.includes(target)).map((target) => {
      const [leaf, firstRow, out, inner] = places[target];
      const at = `layers.${layer}`;
      return {
        layer,
        target,
        parameter: `${at}.${leaf}`,
        firstRow,
        out,
        inner,
        a: `${at}.${target}.loraA`,
        b: `${at}.${target}.loraB`,
      };
    }),
  ).flat();
}

/** A and B of every place, in that order, as the optimizer knows them: both are matrices, and both decay. */
export function loraParameters(config: ModelConfig, lora: LoraConfig): readonly TrainedParameter[] {
  return loraSites(config, lora).flatMap(({ a, b, out, inner }) => [
    { name: a, shape: [lora.rank, inner], decays: true },
    { name: b, shape: [out, lora.rank], decays: true },
  ]);
}

/** What the product is multiplied with. */
export function loraScale(lora: LoraConfig): number {
  return lora.alpha / (lora.rankStabilised === true ? Math.sqrt(lora.rank) : lora.rank);
}

/**
 * A fresh adapter, which changes nothing: A uniform in ±1/sqrt(inner), B zero.
 *
 * @param purpose  keeps adapters of one seed apart
 */
export function initialLora(config: ModelConfig, lora: LoraConfig, seed: number, purpose = "lora"): Weights {
  const adapter: Weights = new Map();
  for (const [item, site] of loraSites(config, lora).entries()) {
    const stream = randomStream({ root: seed, purpose, item });
    const bound = 1 / Math.sqrt(site.inner);
    adapter.set(
      site.a,
      Float32Array.from({ length: lora.rank * site.inner }, () => bound * (2 * stream.uniform() - 1)),
    );
    adapter.set(site.b, new Float32Array(site.out * lora.rank));
  }
  return adapter;
}

/**
 * The weights with the adapter added; those it does not touch are the same arrays.
 *
 * @param into  where to write the touched ones, to merge again after every step without new memory
 */
export function mergeLora(
  config: ModelConfig,
  weights: Weights,
  lora: LoraConfig,
  adapter: Weights,
  into: Weights = new Map(),
): Weights {
  const merged: Weights = new Map(weights);
  for (const site of loraSites(config, lora)) {
    const base = weights.get(site.parameter);
    invariant(base !== undefined, `the weights have ${site.parameter}`);
    if (merged.get(site.parameter) === base) {
      const target = into.get(site.parameter) ?? new Float32Array(base.length);
      target.set(base);
      into.set(site.parameter, target);
      merged.set(site.parameter, target);
    }
    const rows = rowsOf(merged, site);
    addProduct(rows, matrixOf(adapter, site.b), matrixOf(adapter, site.a), lora.rank, site, loraScale(lora));
  }
  return merged;
}

/**
 * Gradients of A and B from those of the full matrices.
 *
 * With W' = W + s B A: dA = s B' dW and dB = s dW A'.
 */
export function loraGradients(config: ModelConfig, lora: LoraConfig, adapter: Weights, gradients: Weights): Weights {
  const { rank } = lora;
  const scale = loraScale(lora);
  const result: Weights = new Map();
  for (const site of loraSites(config, lora)) {
    const [a, b] = [matrixOf(adapter, site.a), matrixOf(adapter, site.b)];
    const gradient = rowsOf(gradients, site);
    const aGradient = new Float64Array(rank * site.inner);
    const bGradient = new Float32Array(site.out * rank);
    for (let row = 0; row < site.out; row++) {
      for (let r = 0; r < rank; r++) {
        const factor = scale * b[row * rank + r]!;
        let dot = 0;
        for (let column = 0; column < site.inner; column++) {
          const upstream = gradient[row * site.inner + column]!;
          dot += upstream * a[r * site.inner + column]!;
          aGradient[r * site.inner + column]! += factor * upstream;
        }
        bGradient[row * rank + r] = scale * dot;
      }
    }
    result.set(site.a, Float32Array.from(aGradient));
    result.set(site.b, bGradient);
  }
  return result;
}

/** rows += scale * B A, each sum in double before it is rounded once. */
function addProduct(
  rows: Float32Array,
  b: Float32Array,
  a: Float32Array,
  rank: number,
  { out, inner }: LoraSite,
  scale: number,
): void {
  const sums = new Float64Array(inner);
  for (let row = 0; row < out; row++) {
    sums.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[row * rank + r]!;
      if (factor === 0) continue;
      for (let column = 0; column < inner; column++) sums[column]! += factor * a[r * inner + column]!;
    }
    for (let column = 0; column < inner; column++) rows[row * inner + column]! += sums[column]!;
  }
}

function rowsOf(weights: Weights, { parameter, firstRow, out, inner }: LoraSite): Float32Array {
  return matrixOf(weights, parameter).subarray(firstRow * inner, (firstRow + out) * inner);
}

function matrixOf(weights: Weights, name: string): Float32Array {
  const matrix = weights.get(name);
  invariant(matrix !== undefined, `the weights have ${name}`);
  return matrix;
}
