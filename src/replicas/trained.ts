// What an update moves: the weights themselves, or an adapter beside weights that stay as they are.

import type { ModelConfig } from "../model/config.ts";
import { loraGradients, loraParameters, mergeLora, type LoraConfig } from "../model/lora.ts";
import { parametersOf, type TrainedParameter } from "../model/parameters.ts";
import type { Weights } from "../tensor/tensor.ts";
import { copyWeights, newNumbers, openNumbers, sharedNumbers, type SharedState } from "./shared-state.ts";

/** How one member's engine, which runs on whole weights and gives their gradients, goes with what is trained. */
export interface Trained {
  /** what the engine reads */
  readonly weights: Weights;
  /** where the engine adds gradients up */
  readonly sums: Weights;
  /** Puts the gradients of what is trained, linear in the sums, where the other members find them. */
  publish(): void;
  /** Once nobody reads gradients any more: the sums begin anew. */
  forget(): void;
  /** Makes the weights anew from what is trained, in place. */
  renew(): void;
}

/** An adapter's layout and the weights it is put beside, which all threads read and nobody writes. */
export interface FrozenBase {
  readonly lora: LoraConfig;
  /** float32, in the order of the model's parameters */
  readonly numbers: SharedArrayBuffer;
}

/** Keeps the weights as they are now for all threads. */
export function freezeBase(config: ModelConfig, lora: LoraConfig, weights: Weights): FrozenBase {
  const parameters = parametersOf(config);
  const numbers = sharedNumbers(parameters);
  copyWeights(openNumbers(parameters, numbers), weights);
  return { lora, numbers };
}

export function trainedParameters(config: ModelConfig, base: FrozenBase | null): readonly TrainedParameter[] {
  return base === null ? parametersOf(config) : loraParameters(config, base.lora);
}

/** The weights are trained by an engine that computes on the shared memory itself: nothing is ever copied. */
export function sharedWeights(shared: SharedState, index: number): Trained {
  const sums = shared.gradients[index]!;
  return {
    weights: shared.trained,
    sums,
    publish: () => undefined,
    forget: forgetting(shared, sums),
    renew: () => undefined,
  };
}

/** The weights are trained by an engine that needs memory of its own, which is `weights`. */
export function copiedWeights(config: ModelConfig, shared: SharedState, index: number, weights: Weights): Trained {
  const sums = newNumbers(parametersOf(config));
  return {
    weights,
    sums,
    publish: () => copyWeights(shared.gradients[index]!, sums),
    forget: forgetting(shared, sums),
    renew: () => copyWeights(weights, shared.trained),
  };
}

/**
 * The engine runs on base plus adapter, which is `weights`; they are made from the base at every step, so that no rounding
 * adds up.
 */
export function anAdapter(
  base: FrozenBase,
  config: ModelConfig,
  shared: SharedState,
  index: number,
  weights: Weights,
): Trained {
  const { lora } = base;
  const frozen = openNumbers(parametersOf(config), base.numbers);
  const sums = newNumbers(parametersOf(config));
  copyWeights(weights, frozen);
  return {
    weights,
    sums,
    publish: () => copyWeights(shared.gradients[index]!, loraGradients(config, lora, shared.trained, sums)),
    forget: forgetting(shared, sums),
    renew: () => void mergeLora(config, frozen, lora, shared.trained, weights),
  };
}

function forgetting(shared: SharedState, sums: Weights): () => void {
  return () => shared.kernel.clear(sums);
}
