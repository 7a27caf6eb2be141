// A model on as many threads as asked for: the same calls for one and for several.

import { Worker } from "node:worker_threads";
import { builtNeighbour } from "../base/built-file.ts";
import { SwarrError } from "../base/errors.ts";
import { kernelsOn } from "../engine/cpu-kernels.ts";
import type { Device } from "../engine/device.ts";
import type { Precision } from "../engine/precision.ts";
import type { SampledResponse, SampleOptions, SampleRequest } from "../generate/sampler.ts";
import type { ModelConfig } from "../model/config.ts";
import type { LoraAdapter } from "../model/lora.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { AdamwState } from "../train/optimizer.ts";
import type { ShapedBatch, TokenResults, TrainBatch } from "../train/step.ts";
import type { LossName } from "../train/token-loss.ts";
import { Member, type MemberOptions, type UpdateSettings } from "./member.ts";
import type { Order, Reply } from "./messages.ts";
import { copyWeights, newSharedMemory } from "./shared-state.ts";
import { freezeBase, trainedParameters } from "./trained.ts";

export interface ReplicatedModel {
  /** how many microbatches run side by side */
  readonly threads: number;
  /** current after every update */
  readonly weights: Weights;
  /** what an update moves: those weights, or the adapter */
  readonly trained: Weights;
  /** shared by all threads; written by `update` and by whoever restores a snapshot */
  readonly optimizer: AdamwState;
  /** Runs forward and backward over the microbatches, spread over the threads; gradients add up until `update`. */
  accumulate(batches: readonly TrainBatch[]): Promise<readonly TokenResults[]>;
  /** Runs forward only. */
  score(batches: readonly ShapedBatch[]): Promise<readonly TokenResults[]>;
  /** Clips, takes one AdamW step, forgets the gradients. @returns the gradient norm before clipping */
  update(settings: UpdateSettings): Promise<number>;
  /** Samples, spread over the threads; `onFinished` and `onStep` hear of this thread's share while it runs. */
  sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<readonly SampledResponse[]>;
  /** Tells every thread that `trained` was changed from outside. */
  push(): Promise<void>;
  /** Leaves what was trained where the numbers to begin with were given. */
  dispose(): Promise<void>;
}

export interface ReplicaOptions {
  readonly config: ModelConfig;
  /** the numbers to begin with; `dispose` leaves the trained ones there */
  readonly weights: Weights;
  /**
   * Trained instead of the weights, and left there in the same way. `weights` are the base when given, and the base with
   * the adapter merged in the end.
   */
  readonly adapter?: LoraAdapter | null;
  /** null where nothing is trained */
  readonly loss: LossName | null;
  /** threads, this one included; >= 1 */
  readonly threads: number;
  /** sequences decoded side by side, all threads together */
  readonly decodeBatch: number;
  /** cpu when left out; any other runs the whole model by itself, so that one thread feeds it */
  readonly device?: Device;
  /** of the products; float32 when left out */
  readonly precision?: Precision;
}

/**
 * Data parallelism over threads: each has an engine, takes every n-th microbatch, and owns a part of the update. Weights and
 * gradients lie in memory that all threads share; an engine that cannot read it works on copies. The engine's own thread pool scales by 1.5 to 1.9 on two cores and suffers when they are busy; two
 * engines side by side scale by 1.9 (docs/log.md).
 */
export async function replicate(options: ReplicaOptions): Promise<ReplicatedModel> {
  const { config, weights, loss, device = "cpu", precision = "float32" } = options;
  const threads = device === "cpu" ? options.threads : 1;
  const adapter = options.adapter ?? null;
  const given = adapter?.adapter ?? weights;
  const base = adapter === null ? null : freezeBase(config, adapter.lora, weights);
  const memory = newSharedMemory(trainedParameters(config, base), threads);
  const decodeBatch = Math.max(1, Math.ceil(options.decodeBatch / threads));
  const kernels = await kernelsOn(device);
  const alike = { config, memory, adapter: base, loss, decodeBatch, device, precision, kernels };
  const memberOptions = (index: number): MemberOptions => ({ index, ...alike });
  const own = await Member.open(memberOptions(0), weights);
  const { trained, mean, meanSquare } = own.shared;
  copyWeights(trained, given);
  own.pull();
  const others = Array.from({ length: threads - 1 }, (_, i) => new Thread(memberOptions(i + 1)));
  const optimizer: AdamwState = { step: 0, mean, meanSquare };
  const team: Team = { own, others };

  return {
    threads,
    weights: own.weights,
    trained,
    optimizer,
    accumulate: (batches) =>
      spread(
        team,
        batches,
        (mine) => own.accumulate(mine),
        (theirs) => ({ kind: "accumulate", batches: theirs }),
      ),
    score: (batches) =>
      spread(
        team,
        batches,
        (mine) => own.score(mine),
        (theirs) => ({ kind: "score", batches: theirs }),
      ),
    update: async (settings) => {
      const norm = await updateTogether(team, optimizer.step, settings);
      optimizer.step += 1;
      return norm;
    },
    sample: (requests, sampleOptions) => sampleTogether(team, requests, sampleOptions),
    push: async () => {
      own.pull();
      await allOf(others.map((thread) => thread.order({ kind: "pull" })));
    },
    dispose: async () => {
      await own.dispose();
      await allOf(others.map((thread) => thread.end()));
      if (own.weights !== weights) copyWeights(weights, own.weights);
      if (adapter !== null) copyWeights(adapter.adapter, trained);
    },
  };
}

interface Team {
  /** the first member, on this thread */
  readonly own: Member;
  readonly others: readonly Thread[];
}

/** Every n-th item to each member; the results in the order of the items. */
async function spread<Item, Result>(
  { others }: Team,
  items: readonly Item[],
  here: (items: readonly Item[]) => Promise<readonly Result[]>,
  there: (items: readonly Item[]) => Order,
): Promise<Result[]> {
  const threads = others.length + 1;
  const shares = Array.from({ length: threads }, (_, member) => items.filter((__, i) => i % threads === member));
  const away = others.map((thread, i) =>
    shares[i + 1]!.length === 0 ? [] : (thread.order(there(shares[i + 1]!)) as Promise<Result[]>),
  );
  const results = await allOf([here(shares[0]!), ...away]);
  return items.map((_, i) => results[i % threads]![Math.floor(i / threads)]!);
}

/** @param step  updates made before this one. @returns the gradient norm before clipping */
async function updateTogether({ own, others }: Team, step: number, settings: UpdateSettings): Promise<number> {
  const away = others.map((thread) => thread.order({ kind: "update", step, settings }));
  let norm = NaN;
  let failure: unknown = null;
  try {
    norm = own.update(step, settings);
  } catch (thrown) {
    failure = thrown;
  }
  await allOf(away);
  if (failure !== null) throw failure as Error;
  return norm;
}

/** A run of neighbours to each member, so that the samples of a prompt stay together. */
async function sampleTogether(
  { own, others }: Team,
  requests: readonly SampleRequest[],
  options: SampleOptions,
): Promise<readonly SampledResponse[]> {
  const size = Math.ceil(requests.length / (others.length + 1));
  const share = (member: number): readonly SampleRequest[] => requests.slice(member * size, (member + 1) * size);
  const away = others.map((thread, i) => {
    const theirs = share(i + 1);
    if (theirs.length === 0) return [];
    return thread.order({ kind: "sample", requests: theirs, endIds: options.endIds }) as Promise<SampledResponse[]>;
  });
  const responses = (await allOf([own.sample(share(0), options), ...away])).flat();
  for (let i = Math.min(size, requests.length); i < requests.length; i++) options.onFinished?.(i, responses[i]!);
  return responses;
}

/** Waits for all, so that nobody is still at work when the first failure is thrown. */
async function allOf<Result>(work: readonly (Promise<Result> | Result)[]): Promise<Result[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason as Error;
    return each.value;
  });
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (reason: Error) => void }>();
  #next = 0;

  constructor(options: MemberOptions) {
    this.#worker = new Worker(builtNeighbour(import.meta.url, "member-worker"), { workerData: options });
    this.#worker.on("message", (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.kind === "done") waiting?.resolve(reply.value);
      else waiting?.reject(reply.code === null ? new Error(reply.text) : new SwarrError(reply.code, reply.parts!));
    });
    const died = (thrown: Error): void => {
      for (const { reject } of this.#waiting.values()) reject(thrown);
      this.#waiting.clear();
    };
    this.#worker.on("error", died);
    this.#worker.on("exit", (code) => died(new Error(`A replica's thread ended (${code}).`)));
  }

  order(order: Order): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...order, id });
    });
  }

  async end(): Promise<void> {
    await this.order({ kind: "end" });
    await this.#worker.terminate();
  }
}
