// One replica: a thread's own copy of the weights, its share of the microbatches and rollouts, its part of the update.

import type { CpuKernels } from "../engine/cpu-kernels.ts";
import type { Device } from "../engine/device.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { Precision } from "../engine/precision.ts";
import { createSampler } from "../generate/decode.ts";
import type { SampledResponse, SampleOptions, Sampler, SampleRequest } from "../generate/sampler.ts";
import type { ModelConfig } from "../model/config.ts";
import { parametersOf, type TrainedParameter } from "../model/parameters.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { AdamwKernel } from "../train/adamw-kernel.ts";
import { clippedNorm, requireFinite } from "../train/clip.ts";
import { lossNamed } from "../train/loss-named.ts";
import { nativeAdamw } from "../train/native-adamw.ts";
import { adamwStep, type AdamwSettings } from "../train/optimizer.ts";
import {
  createAccumulator,
  type Accumulator,
  type ShapedBatch,
  type TokenResults,
  type TrainBatch,
} from "../train/step.ts";
import type { LossName } from "../train/token-loss.ts";
import { newNumbers, openSharedState, shareOut, type SharedMemory, type SharedState } from "./shared-state.ts";
import {
  anAdapter,
  copiedWeights,
  sharedWeights,
  trainedParameters,
  type FrozenBase,
  type Trained,
} from "./trained.ts";

export interface MemberOptions {
  readonly index: number;
  readonly config: ModelConfig;
  readonly memory: SharedMemory;
  /** null where the weights themselves are trained */
  readonly adapter: FrozenBase | null;
  /** null where nothing is trained */
  readonly loss: LossName | null;
  readonly decodeBatch: number;
  readonly device: Device;
  readonly precision: Precision;
  /** what computes; native kernels do so on memory that threads share, ONNX Runtime on copies */
  readonly kernels: CpuKernels;
}

export interface UpdateSettings {
  readonly learningRate: number;
  /** multiplies the accumulated gradient: 1 / loss tokens of the whole step */
  readonly gradientScale: number;
  readonly maxGradientNorm: number | null;
  readonly adamw: AdamwSettings;
}

export class Member {
  readonly weights: Weights;
  readonly shared: SharedState;
  readonly #index: number;
  readonly #accumulator: Accumulator | null;
  readonly #sampler: Sampler;
  readonly #trained: Trained;
  readonly #owned: readonly TrainedParameter[];

  /** @param weights  memory for a copy, where the engine needs one and the caller has it */
  static async open(options: MemberOptions, weights?: Weights): Promise<Member> {
    return new Member(options, await nativeAdamw(options.kernels), weights);
  }

  private constructor(options: MemberOptions, adamw: AdamwKernel | null, weights: Weights | undefined) {
    const { index, config, memory, adapter, loss, decodeBatch, device, precision } = options;
    const engine = createEngine({ threads: 1, device, precision });
    const parameters = trainedParameters(config, adapter);
    this.shared = openSharedState(parameters, memory, adamw);
    this.#trained = trainedBy(options, this.shared, weights);
    this.weights = this.#trained.weights;
    this.#index = index;
    const alike = { engine, config, weights: this.weights };
    this.#accumulator =
      loss === null
        ? null
        : createAccumulator({
            ...alike,
            sums: this.#trained.sums,
            loss: lossNamed(loss),
            entropy: loss.kind !== "cross-entropy",
          });
    this.#sampler = createSampler({ ...alike, batch: decodeBatch, fixedWeights: loss === null });
    this.#owned = shareOut(parameters, memory.members)[index]!;
  }

  /** Forward and backward over this member's microbatches, in order. */
  async accumulate(batches: readonly TrainBatch[]): Promise<TokenResults[]> {
    const results: TokenResults[] = [];
    for (const batch of batches) results.push(copied(await this.#accumulates().accumulate(batch)));
    return results;
  }

  async score(batches: readonly ShapedBatch[]): Promise<TokenResults[]> {
    const results: TokenResults[] = [];
    for (const batch of batches) results.push(copied(await this.#accumulates().score(batch)));
    return results;
  }

  sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<readonly SampledResponse[]> {
    return this.#sampler.sample(requests, options);
  }

  /** Takes over what was agreed on. */
  pull(): void {
    this.#trained.renew();
  }

  /**
   * One optimizer step, taken by all members together: each adds up and updates its own parameters, then all take
   * over what the others updated. Sums are added in the order of the members, so that the result does not depend on who is faster.
   *
   * @param step  updates made before this one
   * @returns the gradient norm before clipping
   * @throws `NOT_FINITE` in the member that meets the number; nothing is updated then
   */
  update(step: number, settings: UpdateSettings): number {
    const { shared } = this;
    this.#trained.publish();
    shared.arrive();
    let failure: unknown = null;
    try {
      shared.norms[this.#index] = this.#addUp();
    } catch (thrown) {
      failure = thrown;
      shared.norms[this.#index] = NaN;
    }
    shared.arrive();
    const squares = shared.norms.reduce((sum, part) => sum + part, 0);
    if (Number.isNaN(squares)) {
      this.#trained.forget();
      if (failure !== null) throw failure as Error;
      return NaN;
    }
    const clip = { scale: settings.gradientScale, maxNorm: settings.maxGradientNorm };
    const { norm, scale } = clippedNorm(squares, clip);
    const state = { step, mean: shared.mean, meanSquare: shared.meanSquare };
    const update = {
      parameters: this.#owned,
      gradients: shared.gradients[0]!,
      gradientScale: scale,
      learningRate: settings.learningRate,
      settings: settings.adamw,
    };
    adamwStep(shared.trained, state, update, shared.adamw);
    shared.arrive();
    this.#trained.forget();
    this.#trained.renew();
    return norm;
  }

  /** Adds the gradients of all members up in the first one's place, for the parameters this one owns. @returns their squared norm */
  #addUp(): number {
    const { gradients, kernel } = this.shared;
    return this.#owned.reduce((squares, { name }) => {
      const [total, ...others] = gradients.map((each) => each.get(name)!);
      const own = kernel.addUp(total!, others);
      requireFinite(name, total!, own);
      return squares + own;
    }, 0);
  }

  #accumulates(): Accumulator {
    if (this.#accumulator === null) throw new Error("this model was opened without a loss, so nothing is trained");
    return this.#accumulator;
  }

  async dispose(): Promise<void> {
    await this.#accumulator?.dispose();
    await this.#sampler.dispose();
  }
}

function trainedBy(options: MemberOptions, shared: SharedState, given: Weights | undefined): Trained {
  const { config, adapter, index } = options;
  if (adapter === null && options.kernels !== "onnxruntime") return sharedWeights(shared, index);
  const weights = given ?? newNumbers(parametersOf(config));
  return adapter === null
    ? copiedWeights(config, shared, index, weights)
    : anAdapter(adapter, config, shared, index, weights);
}

function copied({ logProb, entropy }: TokenResults): TokenResults {
  return { logProb: logProb.slice(), entropy: entropy?.slice() ?? null };
}
