// What an update moves: the weights themselves, or an adapter beside weights that stay as they are.

import type { ModelConfig } from "../model/config.ts";
import { loraGradients, loraParameters, mergeLora, type LoraConfig } from "../model/lora.ts";
import { parametersOf, type TrainedParameter } from "../model/parameters.ts";
import type { Weights } from "../tensor/tensor.ts";
import { copyWeights, openNumbers, sharedNumbers } from "./shared-state.ts";

/** How one member's engine, which runs on whole weights and gives their gradients, goes with what is trained. */
export interface Trained {
  readonly parameters: readonly TrainedParameter[];
  /** From the gradients of the member's weights; linear in them, so that each member may take its own share back. */
  gradientsOf(sums: Weights, trained: Weights): Weights;
  /** Makes the member's weights anew, in place. */
  renewWeights(trained: Weights): void;
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

export function theWeights(config: ModelConfig, weights: Weights): Trained {
  return {
    parameters: trainedParameters(config, null),
    gradientsOf: (sums) => sums,
    renewWeights: (trained) => copyWeights(weights, trained),
  };
}

/** The engine runs on base plus adapter; those weights are made from the base at every step, so that no rounding adds up. */
export function anAdapter(config: ModelConfig, weights: Weights, base: FrozenBase): Trained {
  const { lora } = base;
  const frozen = openNumbers(parametersOf(config), base.numbers);
  copyWeights(weights, frozen);
  return {
    parameters: trainedParameters(config, base),
    gradientsOf: (sums, trained) => loraGradients(config, lora, trained, sums),
    renewWeights: (trained) => void mergeLora(config, frozen, lora, trained, weights),
  };
}
