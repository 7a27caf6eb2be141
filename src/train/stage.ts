// What a stage is given, what it counts, and the loop around its steps: report, save, stop.

import { peakMemoryBytes } from "../base/peak-memory.ts";
import type { Device } from "../engine/device.ts";
import type { Precision } from "../engine/precision.ts";
import type { ModelConfig } from "../model/config.ts";
import type { LoraAdapter } from "../model/lora.ts";
import type { ArmName, StageName } from "../run/events.ts";
import type { UnstampedEvent } from "../run/event-log.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import { invariant } from "../base/invariant.ts";
import type { AdamwState } from "./optimizer.ts";

/** Resumable state after a whole step. */
export interface StageSnapshot {
  /** steps done */
  readonly step: number;
  readonly tensors: Weights;
  readonly state: { readonly [key: string]: unknown };
}

export interface StageContext {
  readonly config: ModelConfig;
  /** changed in place */
  readonly weights: Weights;
  /** trained instead of the weights, which are then base plus adapter after every step; changed in place. null trains the weights */
  readonly adapter: LoraAdapter | null;
  readonly tokenizer: Tokenizer;
  /** ends a response; the first of the checkpoint's */
  readonly endIds: readonly number[];
  readonly padId: number;
  /** engines side by side */
  readonly threads: number;
  readonly device: Device;
  readonly precision: Precision;
  readonly arm: ArmName;
  readonly stage: StageName;
  /** the recipe's */
  readonly seed: number;
  readonly log: (event: UnstampedEvent) => void;
  /** where to go on; null starts anew */
  readonly resume: StageSnapshot | null;
  readonly save: (snapshot: StageSnapshot) => void;
  readonly signal: AbortSignal;
}

/** The model that a stage trains, as far as snapshots go. */
export interface TrainedModel {
  /** what an update moves: the weights, or an adapter */
  readonly trained: Weights;
  readonly optimizer: AdamwState;
  /** tells every thread that `trained` was changed from outside */
  push(): Promise<void>;
}

/** What a stage has cost so far. Sampling counts the tokens drawn, training every token that went through the model. */
export interface StageTotals {
  tokensTrained: number;
  tokensSampled: number;
  flops: number;
  seconds: number;
  /** examples left out because they are longer than maxTokens */
  tooLong: number;
}

const OPTIMIZER_MEAN = "optimizer.mean.";
const OPTIMIZER_SQUARE = "optimizer.meanSquare.";

/** Takes what is trained and the optimizer over from a snapshot, in place. */
export function restore(snapshot: StageSnapshot, trained: Weights, optimizer: AdamwState): void {
  const copy = (to: Weights, prefix: string): void => {
    for (const [name, data] of to) {
      const saved = snapshot.tensors.get(prefix + name);
      invariant(saved?.length === data.length, `the snapshot has ${prefix}${name} with ${data.length} numbers`);
      data.set(saved);
    }
  };
  copy(trained, "");
  copy(optimizer.mean, OPTIMIZER_MEAN);
  copy(optimizer.meanSquare, OPTIMIZER_SQUARE);
  optimizer.step = snapshot.state["optimizerStep"] as number;
}

function snapshotOf(step: number, model: TrainedModel, totals: StageTotals, more: object): StageSnapshot {
  const tensors: Weights = new Map(model.trained);
  for (const [name, data] of model.optimizer.mean) tensors.set(OPTIMIZER_MEAN + name, data);
  for (const [name, data] of model.optimizer.meanSquare) tensors.set(OPTIMIZER_SQUARE + name, data);
  return { step, tensors, state: { ...more, optimizerStep: model.optimizer.step, totals: { ...totals } } };
}

export interface StageLoop {
  readonly steps: number;
  readonly snapshotEvery: number;
  /** runs step `step` (from 1) and adds what it cost, seconds left out */
  readonly runStep: (step: number, totals: StageTotals) => Promise<void>;
  /** more to put into a snapshot, such as a data cursor */
  readonly state: () => object;
}

/**
 * Runs the steps that are left. An interrupt takes effect after a whole step, with a snapshot of it.
 *
 * @throws `INTERRUPTED` once the snapshot is written
 */
export async function runSteps(context: StageContext, model: TrainedModel, loop: StageLoop): Promise<StageTotals> {
  const { arm, stage, resume, log, signal } = context;
  const totals: StageTotals = resume
    ? { ...(resume.state["totals"] as StageTotals) }
    : { tokensTrained: 0, tokensSampled: 0, flops: 0, seconds: 0, tooLong: 0 };
  if (resume !== null) {
    restore(resume, model.trained, model.optimizer);
    await model.push();
  }
  const first = (resume?.step ?? 0) + 1;
  log({ type: "stage-start", arm, stage, step: first - 1, steps: loop.steps, resumed: resume !== null });
  for (let step = first; step <= loop.steps; step++) {
    const started = performance.now();
    await loop.runStep(step, totals);
    totals.seconds += (performance.now() - started) / 1000;
    const stopping = signal.aborted;
    if (stopping || (step % loop.snapshotEvery === 0 && step < loop.steps)) {
      context.save(snapshotOf(step, model, totals, loop.state()));
    }
    if (stopping) signal.throwIfAborted();
  }
  const { tokensTrained, tokensSampled, flops, seconds, tooLong } = totals;
  if (tooLong > 0) {
    const message = `${tooLong} examples were left out: they are longer than maxTokens.`;
    log({ type: "notice", arm, stage, step: loop.steps, level: "warning", message });
  }
  const peakRssBytes = peakMemoryBytes();
  log({ type: "stage-end", arm, stage, step: loop.steps, seconds, tokensTrained, tokensSampled, flops, peakRssBytes });
  return totals;
}
