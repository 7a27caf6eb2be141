// Every weight of the decoder: its name, shape and how a new model draws it.

import { SwarrError } from "../base/errors.ts";
import { randomStream } from "../base/seeds.ts";
import { sizeOf, type Shape, type Weights } from "../tensor/tensor.ts";
import type { ModelConfig } from "./config.ts";

/**
 * One weight. Linear weights are [out, in]; query, key and value are one matrix with the rows of q, then k, then v,
 * gate and up one matrix with the rows of gate first: one product instead of three (or two).
 */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  readonly init:
    { readonly kind: "normal"; readonly deviation: number } | { readonly kind: "constant"; readonly value: number };
  /** Weight decay applies to matrices only. */
  readonly decays: boolean;
}

/** As far as the optimizer knows it, which trains adapters too. */
export type TrainedParameter = Omit<Parameter, "init">;

/** Every parameter of the model, in the order of the forward pass. The head is absent when it is tied. */
export function parametersOf(config: ModelConfig): readonly Parameter[] {
  const { width: D, headWidth: K, queryHeadCount: H, keyValueHeadCount: G, feedForwardWidth: F } = config;
  const vector = (name: string, size: number, value: number): Parameter => ({
    name,
    shape: [size],
    init: { kind: "constant", value },
    decays: false,
  });
  const matrix = (name: string, out: number, inner: number, deviation: number): Parameter => ({
    name,
    shape: [out, inner],
    init: { kind: "normal", deviation },
    decays: true,
  });
  const residualScale = 1 / Math.sqrt(2 * config.layerCount);
  const all: Parameter[] = [matrix("embedding", config.vocabularySize, D, 0.05)];
  for (let layer = 0; layer < config.layerCount; layer++) {
    const at = `layers.${layer}`;
    all.push(vector(`${at}.attentionNorm`, D, 1));
    all.push(matrix(`${at}.qkv`, (H + 2 * G) * K, D, D ** -0.5));
    if (config.queryKeyValueBias) all.push(vector(`${at}.qkvBias`, (H + 2 * G) * K, 0));
    if (config.queryKeyNorm) all.push(vector(`${at}.queryNorm`, K, 1), vector(`${at}.keyNorm`, K, 1));
    all.push(matrix(`${at}.attentionOut`, D, H * K, (H * K) ** -0.5 * residualScale));
    if (config.attentionOutputBias) all.push(vector(`${at}.attentionOutBias`, D, 0));
    all.push(vector(`${at}.mlpNorm`, D, 1));
    all.push(matrix(`${at}.gateUp`, 2 * F, D, D ** -0.5));
    if (config.mlpBias) all.push(vector(`${at}.gateUpBias`, 2 * F, 0));
    all.push(matrix(`${at}.down`, D, F, F ** -0.5 * residualScale));
    if (config.mlpBias) all.push(vector(`${at}.downBias`, D, 0));
  }
  all.push(vector("finalNorm", D, 1));
  if (!config.tiedHead) all.push(matrix("head", config.vocabularySize, D, D ** -0.5));
  return all;
}

/** 8 GB in float32: what is larger is downloaded, not drawn. */
const MOST_DRAWN = 2 ** 31;

/**
 * Draws a new model's weights; the same seed gives the same bytes.
 *
 * @throws `BAD_CONFIG` for more numbers than a new model may have
 */
export function initialWeights(config: ModelConfig, seed: number): Weights {
  const count = parameterCount(config);
  if (count > MOST_DRAWN) {
    throw new SwarrError("BAD_CONFIG", {
      what: `A new model of these sizes would have ${count} parameters.`,
      expected: `at most ${MOST_DRAWN}.`,
      fix: "Choose a smaller width, fewer layers or a smaller vocabulary.",
    });
  }
  const weights: Weights = new Map();
  for (const [item, parameter] of parametersOf(config).entries()) {
    const data = new Float32Array(sizeOf(parameter.shape));
    if (parameter.init.kind === "constant") data.fill(parameter.init.value);
    else {
      const stream = randomStream({ root: seed, purpose: "init", item });
      for (let i = 0; i < data.length; i++) data[i] = parameter.init.deviation * stream.normal();
    }
    weights.set(parameter.name, data);
  }
  return weights;
}

/** Number of trainable numbers. */
export function parameterCount(config: ModelConfig): number {
  return parametersOf(config).reduce((total, parameter) => total + sizeOf(parameter.shape), 0);
}
