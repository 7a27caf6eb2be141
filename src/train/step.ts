// Forward and backward of one model over microbatches: per-token results out, gradients into sums.

import type { Engine, Program } from "../engine/engine.ts";
import { ProgramCache } from "../engine/program-cache.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { input, type GraphNode } from "../graph/node.ts";
import type { ModelConfig } from "../model/config.ts";
import { SequenceInputs, sequenceModel, type SequenceBatch, type SequenceShape } from "../model/sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "../model/views.ts";
import type { TensorData, Weights } from "../tensor/tensor.ts";
import { accumulated } from "./accumulate.ts";
import type { TokenLoss } from "./token-loss.ts";

/** One microbatch: rows·T tokens. */
export interface ShapedBatch extends SequenceBatch {
  readonly shape: SequenceShape;
}

/** A batch with what its loss reads: `weight` for cross-entropy, `advantage` and `behaviourLogProb` for the policy loss; [M] each. */
export interface TrainBatch extends ShapedBatch {
  readonly extras: Readonly<Record<string, Float32Array>>;
}

/** Per-token results of one microbatch, [rows·T]; overwritten by the next one. */
export interface TokenResults {
  /** ln p(target) before the step, nats */
  readonly logProb: Float32Array;
  /** of the distribution at each token, nats; null where the accumulator was made without it */
  readonly entropy: Float32Array | null;
}

/** Forward and backward over microbatches. */
export interface Accumulator {
  /** Runs forward and backward. */
  accumulate(batch: TrainBatch): Promise<TokenResults>;
  /** Runs forward only. */
  score(batch: ShapedBatch): Promise<TokenResults>;
  dispose(): Promise<void>;
}

export interface AccumulatorOptions {
  readonly engine: Engine;
  readonly config: ModelConfig;
  /** read at every run */
  readonly weights: Weights;
  /** gradients are added to it, by parameter; the caller empties it */
  readonly sums: Weights;
  readonly loss: TokenLoss;
  /** also gives every token's entropy, which costs two passes over the logits */
  readonly entropy: boolean;
}

/** What runs at one shape: a program, and the arrays it reads and writes. */
interface ShapeProgram {
  readonly program: Program;
  readonly inputs: SequenceInputs;
  readonly results: TokenResults;
}

/** For any mix of shapes; what a shape needs is compiled when it is first met, and again when it was long out of use. */
export function createAccumulator(options: AccumulatorOptions): Accumulator {
  const { engine, config, weights, sums, loss, entropy } = options;
  const views = viewsOf(config);
  const weightArrays = viewArrays(views, weights);
  const sumInputs = viewArrays(views, sums, "sum.");
  const sumOutputs = viewArrays(views, sums, "grad.");
  const programs = new ProgramCache<ShapeProgram>(engine);

  const programOf = (pass: "training" | "scoring", shape: SequenceShape): Promise<ShapeProgram> =>
    programs.get(`${pass} ${shape.rows}x${shape.tokens}`, () => {
      const outputs =
        pass === "training" ? trainOutputs(config, shape, loss, entropy) : scoreOutputs(config, shape, entropy);
      const count = shape.rows * shape.tokens;
      const results = { logProb: new Float32Array(count), entropy: entropy ? new Float32Array(count) : null };
      const inputs = new SequenceInputs(config, shape);
      return {
        graph: graphOf(outputs),
        options: { quickestProducts: true },
        made: (program) => ({ program, inputs, results }),
      };
    });

  return {
    accumulate: async ({ extras, shape, ...batch }) => {
      const { program, inputs, results } = await programOf("training", shape);
      inputs.fill(batch);
      const given: Record<string, TensorData> = { ...inputs.arrays, ...weightArrays, ...sumInputs, ...extras };
      await program.run(given, { ...outputArrays(results), ...sumOutputs });
      return results;
    },
    score: async ({ shape, ...batch }) => {
      const { program, inputs, results } = await programOf("scoring", shape);
      inputs.fill(batch);
      await program.run({ ...inputs.arrays, ...weightArrays }, outputArrays(results));
      return results;
    },
    dispose: () => programs.dispose(),
  };
}

/** The outputs of a train step: per-token results, and each gradient added to its sum (`sum.NAME` in, `grad.NAME` out). */
export function trainOutputs(
  config: ModelConfig,
  shape: SequenceShape,
  loss: TokenLoss,
  withEntropy = false,
): Record<string, GraphNode> {
  const { nodes, used } = weightInputs(viewsOf(config));
  const { logProb, entropy } = sequenceModel(config, nodes, shape);
  const sources = [...used];
  const grads = gradients(
    loss(logProb),
    sources.map(([, node]) => node),
  );
  const sums = sources.map(([name, node], i) => {
    const sum = input(`sum.${name}`, node.shape);
    return [`grad.${name}`, accumulated(grads[i]!, sum)] as const;
  });
  return { logProb, ...(withEntropy ? { entropy } : {}), ...Object.fromEntries(sums) };
}

function outputArrays({ logProb, entropy }: TokenResults): Record<string, Float32Array> {
  return entropy === null ? { logProb } : { logProb, entropy };
}

function scoreOutputs(config: ModelConfig, shape: SequenceShape, withEntropy: boolean): Record<string, GraphNode> {
  const { nodes } = weightInputs(viewsOf(config));
  const { logProb, entropy } = sequenceModel(config, nodes, shape);
  return withEntropy ? { logProb, entropy } : { logProb };
}
