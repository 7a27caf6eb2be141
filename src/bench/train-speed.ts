// Training speed at one shape: whole steps, optimizer included, as the stages take them.

import type { Precision } from "../engine/precision.ts";
import { forwardFlops } from "../model/flops.ts";
import { initialWeights } from "../model/parameters.ts";
import { replicate, type ReplicatedModel } from "../replicas/model.ts";
import type { Weights } from "../tensor/tensor.ts";
import { MICROBATCH_TOKENS, microbatchShape } from "../train/microbatch.ts";
import type { TrainBatch } from "../train/step.ts";
import type { BenchShape } from "./configs.ts";

export interface TrainBench {
  readonly tokensPerStep: number;
  /** counted as docs/recipe.md says */
  readonly flopsPerStep: number;
  /** what a peer needs to do the same work */
  readonly weights: Weights;
  readonly batches: readonly TrainBatch[];
  step(): Promise<void>;
  /** mean nats a token of the step's tokens, under the weights as they are */
  meanLoss(): Promise<number>;
  dispose(): Promise<void>;
}

/** Of every step measured, here and in a peer. */
export const UPDATE = {
  learningRate: 1e-4,
  maxGradientNorm: 1,
  adamw: { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.01 },
} as const;

export interface TrainBenchOptions {
  /** about; a row of `shape.tokens` at least */
  readonly microbatchTokens?: number;
  readonly precision?: Precision;
}

export async function openTrainBench(
  shape: BenchShape,
  threads: number,
  { microbatchTokens = MICROBATCH_TOKENS, precision = "float32" }: TrainBenchOptions = {},
): Promise<TrainBench> {
  const { config, tokens, batch } = shape;
  const loss = { kind: "cross-entropy" } as const;
  const weights = initialWeights(config, 1);
  const model: ReplicatedModel = await replicate({ config, weights, loss, threads, precision, decodeBatch: 1 });
  const lengths = Array.from({ length: batch }, () => tokens);
  const { rows } = microbatchShape(config, lengths, { microbatchTokens, threads });
  const batches = Array.from({ length: batch / rows }, (_, i) => microbatchOf(shape, rows, i));
  const tokensPerStep = batch * tokens;
  return {
    tokensPerStep,
    flopsPerStep: 3 * batch * forwardFlops(config, tokens),
    weights: model.weights,
    batches,
    step: async () => {
      await model.accumulate(batches);
      await model.update({ ...UPDATE, gradientScale: 1 / tokensPerStep });
    },
    meanLoss: async () => {
      const scored = await model.score(batches);
      const total = scored.reduce((sum, { logProb }) => logProb.reduce((part, each) => part + each, sum), 0);
      return -total / tokensPerStep;
    },
    dispose: () => model.dispose(),
  };
}

/** Rows of one segment each, every token trained on. */
function microbatchOf({ config, tokens }: BenchShape, rows: number, index: number): TrainBatch {
  const count = rows * tokens;
  const id = (i: number): number => ((i + 1) * 7919 + index * 104729) % config.vocabularySize;
  return {
    shape: { rows, tokens },
    ids: Int32Array.from({ length: count }, (_, i) => id(i)),
    positions: Int32Array.from({ length: count }, (_, i) => i % tokens),
    segmentStart: new Int32Array(count),
    targets: Int32Array.from({ length: count }, (_, i) => id(i + 1)),
    extras: { weight: new Float32Array(count).fill(1) },
  };
}
