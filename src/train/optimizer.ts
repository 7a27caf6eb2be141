// AdamW over host memory, in place (see adamw-kernel.ts for the arithmetic).

import { invariant } from "../base/invariant.ts";
import type { TrainedParameter } from "../model/parameters.ts";
import { sizeOf, type Weights } from "../tensor/tensor.ts";
import type { AdamwKernel } from "./adamw-kernel.ts";

export interface AdamwSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** decoupled; applies to parameters that decay only */
  readonly weightDecay: number;
}

/** Running means of the gradient and of its square, by parameter name, and the number of updates made. */
export interface AdamwState {
  step: number;
  readonly mean: Weights;
  readonly meanSquare: Weights;
}

/** The state before the first update: all zeros. */
export function newAdamwState(parameters: readonly TrainedParameter[]): AdamwState {
  const zeros = (): Weights => new Map(parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  return { step: 0, mean: zeros(), meanSquare: zeros() };
}

/** What one update needs beyond the weights and the state. */
export interface AdamwUpdate {
  readonly parameters: readonly TrainedParameter[];
  readonly gradients: Weights;
  /** multiplies every gradient: one over the step's tokens, times the clip (see clip.ts) */
  readonly gradientScale: number;
  readonly learningRate: number;
  readonly settings: AdamwSettings;
}

/**
 * One update of every parameter; changes `weights` and `state`.
 *
 *     m = β1·m + (1-β1)·g          v = β2·v + (1-β2)·g²
 *     p = p - lr·( (m/(1-β1^t)) / (√(v/(1-β2^t)) + ε) + weightDecay·p )
 *
 * @param kernel  does the arithmetic of a tensor
 * @source Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2, with the schedule inside lr as in PyTorch
 */
export function adamwStep(weights: Weights, state: AdamwState, update: AdamwUpdate, kernel: AdamwKernel): void {
  const { settings, learningRate } = update;
  state.step += 1;
  for (const parameter of update.parameters) {
    const arrays = {
      p: numbersOf(weights, parameter, "weights"),
      g: numbersOf(update.gradients, parameter, "gradients"),
      m: numbersOf(state.mean, parameter, "means"),
      v: numbersOf(state.meanSquare, parameter, "mean squares"),
    };
    kernel(arrays, {
      gradientScale: update.gradientScale,
      beta1: settings.beta1,
      beta2: settings.beta2,
      epsilon: settings.epsilon,
      meanScale: learningRate / (1 - settings.beta1 ** state.step),
      rootScale: 1 / Math.sqrt(1 - settings.beta2 ** state.step),
      keep: parameter.decays ? 1 - learningRate * settings.weightDecay : 1,
    });
  }
}

function numbersOf(tensors: Weights, parameter: TrainedParameter, which: string): Float32Array {
  const data = tensors.get(parameter.name);
  const size = sizeOf(parameter.shape);
  invariant(data?.length === size, `the ${which} of "${parameter.name}" are ${size} numbers, not ${data?.length ?? 0}`);
  return data;
}
