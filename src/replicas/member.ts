// One replica: a thread's own copy of the weights, its share of the microbatches and rollouts, its part of the update.

import type { Device } from "../engine/device.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { Precision } from "../engine/precision.ts";
import { createSampler } from "../generate/decode.ts";
import type { SampledResponse, SampleOptions, Sampler, SampleRequest } from "../generate/sampler.ts";
import type { ModelConfig } from "../model/config.ts";
import type { TrainedParameter } from "../model/parameters.ts";
import type { Weights } from "../tensor/tensor.ts";
import { clippedNorm, squaredNorm } from "../train/clip.ts";
import { lossNamed } from "../train/loss-named.ts";
import { adamwStep, type AdamwSettings } from "../train/optimizer.ts";
import {
  createAccumulator,
  type Accumulator,
  type ShapedBatch,
  type TokenResults,
  type TrainBatch,
} from "../train/step.ts";
import type { LossName } from "../train/token-loss.ts";
import { copyWeights, openSharedState, shareOut, type SharedMemory, type SharedState } from "./shared-state.ts";
import { anAdapter, theWeights, type FrozenBase, type Trained } from "./trained.ts";

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

  /** @param weights  this thread's copy, which the engine may read */
  constructor(options: MemberOptions, weights: Weights) {
    const { index, config, memory, adapter, loss, decodeBatch, device, precision } = options;
    const engine = createEngine({ threads: 1, device, precision });
    this.weights = weights;
    this.#trained = adapter === null ? theWeights(config, weights) : anAdapter(config, weights, adapter);
    this.shared = openSharedState(this.#trained.parameters, memory);
    this.#index = index;
    this.#accumulator =
      loss === null
        ? null
        : createAccumulator({ engine, config, weights, loss: lossNamed(loss), entropy: loss.kind !== "cross-entropy" });
    this.#sampler = createSampler({ engine, config, weights, batch: decodeBatch, fixedWeights: loss === null });
    this.#owned = shareOut(this.#trained.parameters, memory.members)[index]!;
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
    this.#trained.renewWeights(this.shared.trained);
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
    const own = shared.gradients[this.#index]!;
    const { sums } = this.#accumulates();
    copyWeights(own, this.#trained.gradientsOf(sums, shared.trained));
    for (const sum of sums.values()) sum.fill(0);
    shared.arrive();
    const total = this.#totals();
    let failure: unknown = null;
    try {
      shared.norms[this.#index] = squaredNorm(total);
    } catch (thrown) {
      failure = thrown;
      shared.norms[this.#index] = NaN;
    }
    shared.arrive();
    const squares = shared.norms.reduce((sum, part) => sum + part, 0);
    if (Number.isNaN(squares)) {
      if (failure !== null) throw failure as Error;
      return NaN;
    }
    const clip = { scale: settings.gradientScale, maxNorm: settings.maxGradientNorm };
    const { norm, scale } = clippedNorm(squares, clip);
    const state = { step, mean: shared.mean, meanSquare: shared.meanSquare };
    const update = {
      parameters: this.#owned,
      gradients: total,
      gradientScale: scale,
      learningRate: settings.learningRate,
      settings: settings.adamw,
    };
    adamwStep(shared.trained, state, update, shared.adamw);
    shared.arrive();
    this.pull();
    return norm;
  }

  /** The sums over all members of the parameters this one owns, added up in the first member's place. */
  #totals(): Weights {
    const [first, ...others] = this.shared.gradients;
    const totals: Weights = new Map();
    for (const { name } of this.#owned) {
      const total = first!.get(name)!;
      for (const other of others) {
        const data = other.get(name)!;
        for (let i = 0; i < total.length; i++) total[i]! += data[i]!;
      }
      totals.set(name, total);
    }
    return totals;
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

function copied({ logProb, entropy }: TokenResults): TokenResults {
  return { logProb: logProb.slice(), entropy: entropy?.slice() ?? null };
}
