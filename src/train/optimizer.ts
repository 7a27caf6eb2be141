// AdamW over host memory: double arithmetic, float32 storage, in place.

import { invariant } from "../base/invariant.ts";
import type { TrainedParameter } from "../model/parameters.ts";
import { sizeOf, type Weights } from "../tensor/tensor.ts";

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
 * @source Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2, with the schedule inside lr as in PyTorch
 */
export function adamwStep(weights: Weights, state: AdamwState, update: AdamwUpdate): void {
  const { settings, learningRate } = update;
  state.step += 1;
  for (const parameter of update.parameters) {
    const p = numbersOf(weights, parameter, "weights");
    updateTensor(p, {
      g: numbersOf(update.gradients, parameter, "gradients"),
      m: numbersOf(state.mean, parameter, "means"),
      v: numbersOf(state.meanSquare, parameter, "mean squares"),
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

interface TensorUpdate {
  readonly g: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly gradientScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** lr / (1 - β1^t) */
  readonly meanScale: number;
  /** 1 / √(1 - β2^t) */
  readonly rootScale: number;
  /** 1 - lr·weightDecay */
  readonly keep: number;
}

function updateTensor(p: Float32Array, update: TensorUpdate): void {
  const { g, m, v, gradientScale, beta1, beta2, epsilon, meanScale, rootScale, keep } = update;
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]! * gradientScale;
    const mean = beta1 * m[i]! + (1 - beta1) * gradient;
    const meanSquare = beta2 * v[i]! + (1 - beta2) * gradient * gradient;
    m[i] = mean;
    v[i] = meanSquare;
    p[i] = keep * p[i]! - (meanScale * mean) / (Math.sqrt(meanSquare) * rootScale + epsilon);
  }
}

function numbersOf(tensors: Weights, parameter: TrainedParameter, which: string): Float32Array {
  const data = tensors.get(parameter.name);
  const size = sizeOf(parameter.shape);
  invariant(data?.length === size, `the ${which} of "${parameter.name}" are ${size} numbers, not ${data?.length ?? 0}`);
  return data;
}
