// A model in memory as a library user holds it: opened once, used by every function here, saved and released.

import { availableParallelism } from "node:os";
import { SwarrError } from "../base/errors.ts";
import { loadCheckpoint, type Checkpoint } from "../checkpoint/load.ts";
import { openModel } from "../checkpoint/open-model.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { Engine } from "../engine/engine.ts";
import { createSampler } from "../generate/decode.ts";
import { createScorer, type Scorer } from "../generate/log-probs.ts";
import type { SampledResponse, SampleOptions, Sampler, SampleRequest } from "../generate/sampler.ts";
import type { ModelConfig } from "../model/config.ts";
import { withWindow } from "../model/window.ts";
import type { WeightType } from "../tensor/dtype.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";

/** Keys a query sees, itself counted; or full causal attention. */
export type Window = number | "full";

export interface LoadOptions {
  /** replaces the window of every layer, also of those the checkpoint leaves full; absent: as the checkpoint says */
  readonly window?: Window;
  /** layers, from 0, that keep full attention all the same; needs `window` */
  readonly fullAttentionLayers?: readonly number[];
  /** of the engine; absent: what the machine has */
  readonly threads?: number;
}

export interface SaveModelOptions {
  /** put it in the place of a folder that exists; otherwise that is refused */
  readonly replace?: boolean;
  /** what the weights are rounded to; F32 rounds nothing */
  readonly weightType?: WeightType;
}

/** An open model. Training changes `weights` in place. */
export interface Model {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** float32 by parameter name, row-major; what is written into them counts from the next call on */
  readonly weights: Weights;
  /** tokens that end a response */
  readonly endIds: readonly number[];
  /**
   * Writes a Hugging Face folder that states the window, with the tokenizer the model came with.
   *
   * @throws `FILE_EXISTS`, `NOT_FINITE` with tensor and index, `UNSUPPORTED` when the family cannot state the windows
   */
  save(folder: string, options?: SaveModelOptions): Promise<void>;
  /** Releases the engine's memory; the model cannot be used afterwards, its weights stay. */
  dispose(): Promise<void>;
}

/** What stands behind a model. Sampling and scoring wait for each other, as they share arrays. */
export interface Workings {
  readonly threads: number;
  readonly hasTokenizer: boolean;
  sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<readonly SampledResponse[]>;
  logProbs(ids: readonly number[]): Promise<Float32Array>;
}

const WORKINGS = new WeakMap<Model, Workings>();

/** @throws `BAD_ARGUMENT` when the model was disposed of */
export function workingsOf(model: Model): Workings {
  const workings = WORKINGS.get(model);
  if (workings !== undefined) return workings;
  throw new SwarrError("BAD_ARGUMENT", {
    what: "The model was disposed of, or was not made by loadModel.",
    expected: "an open model.",
    fix: "Open it with loadModel, and dispose of it after its last use.",
  });
}

/**
 * Opens a Hugging Face folder.
 *
 * @throws `FILE_MISSING`, `BAD_CONFIG`, `BAD_SAFETENSORS`, `TENSOR_MISSING`, `TENSOR_UNKNOWN`, `NOT_FINITE`,
 *   `BAD_TOKENIZER`, `UNSUPPORTED` naming file and fault; `BAD_WINDOW` for an impossible window
 */
export async function loadModel(folder: string, options: LoadOptions = {}): Promise<Model> {
  const { window, fullAttentionLayers, threads = availableParallelism() } = options;
  if (fullAttentionLayers !== undefined && window === undefined) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: "fullAttentionLayers is given without window.",
      expected: "the window of the other layers.",
      fix: "Give window too.",
    });
  }
  const checkpoint = await loadCheckpoint(await openModel(folder, () => {}));
  const config =
    window === undefined
      ? checkpoint.config
      : withWindow(checkpoint.config, window === "full" ? null : window, fullAttentionLayers);
  return modelOf({ ...checkpoint, config }, createEngine({ threads }));
}

function modelOf(checkpoint: Checkpoint, engine: Engine): Model {
  const { config, weights, tokenizer, endIds, rawConfig, folder: source } = checkpoint;
  const inTurn = turns();
  let sampler: Sampler | null = null;
  let scorer: Scorer | null = null;
  const model: Model = {
    config,
    tokenizer,
    weights,
    endIds,
    save: (folder, options = {}) => saveCheckpoint({ folder, config, weights, source, rawConfig, ...options }),
    dispose: async () => {
      WORKINGS.delete(model);
      await inTurn(async () => {
        await sampler?.dispose();
        await scorer?.dispose();
        [sampler, scorer] = [null, null];
      });
    },
  };
  WORKINGS.set(model, {
    threads: engine.threads,
    hasTokenizer: checkpoint.hasTokenizer,
    sample: (requests, options) =>
      inTurn(() => (sampler ??= createSampler({ engine, config, weights })).sample(requests, options)),
    logProbs: (ids) => inTurn(() => (scorer ??= createScorer(engine, config, weights)).logProbs(ids)),
  });
  return model;
}

/** Runs what it is given one after the other, in the order of the calls. */
function turns(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  };
}
