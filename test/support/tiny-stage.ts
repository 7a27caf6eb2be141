// A stage on the miniature's task with a very small model: everything real, a second long.

import { initialWeights } from "../../src/model/parameters.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { LoraAdapter } from "../../src/model/lora.ts";
import { withWindow } from "../../src/model/window.ts";
import type { RunEvent } from "../../src/run/events.ts";
import type { UnstampedEvent } from "../../src/run/event-log.ts";
import { RUNNING_TOTAL_ALPHABET } from "../../src/tasks/running-total-alphabet.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { characterTokenizer } from "../../src/tokens/byte-tokenizer.ts";
import { openTokenizer } from "../../src/tokens/tokenizer.ts";
import type { StageContext, StageSnapshot } from "../../src/train/stage.ts";
import { tinyConfig } from "./tiny-model.ts";

export interface TinyStage {
  readonly context: StageContext;
  readonly events: UnstampedEvent[];
  readonly snapshots: StageSnapshot[];
}

export interface TinyStageOptions {
  readonly stage: StageContext["stage"];
  readonly window?: number | null;
  readonly weights?: Weights;
  readonly adapter?: LoraAdapter | null;
  readonly resume?: StageSnapshot | null;
  /** aborts once this many steps are logged */
  readonly stopAfter?: number;
  readonly threads?: number;
}

export function tinyStageConfig(window: number | null): ModelConfig {
  return withWindow(tinyConfig({ vocabularySize: RUNNING_TOTAL_ALPHABET.tokens.length }), window);
}

export function tinyStage({
  stage,
  window = 12,
  weights,
  adapter = null,
  resume = null,
  stopAfter = Infinity,
  threads = 1,
}: TinyStageOptions): TinyStage {
  const config = tinyStageConfig(window);
  const files = characterTokenizer(RUNNING_TOTAL_ALPHABET.tokens);
  const events: UnstampedEvent[] = [];
  const snapshots: StageSnapshot[] = [];
  const stopping = new AbortController();
  const steps = (event: UnstampedEvent): boolean => event.type === "sft-step" || event.type === "rl-step";
  const context: StageContext = {
    config,
    weights: weights ?? initialWeights(config, 9),
    adapter,
    tokenizer: openTokenizer({ ...files, where: "the miniature" }),
    endIds: [RUNNING_TOTAL_ALPHABET.endId],
    padId: RUNNING_TOTAL_ALPHABET.padId,
    threads,
    device: "cpu",
    precision: "float32",
    arm: "swa",
    stage,
    seed: 4,
    log: (event) => {
      events.push(event);
      if (events.filter(steps).length >= stopAfter) stopping.abort(new Error("stopped by the test"));
    },
    resume,
    // As a snapshot file does: what is saved is what was, not what the arrays become.
    save: ({ step, tensors, state }) =>
      snapshots.push({
        step,
        tensors: new Map([...tensors].map(([name, data]) => [name, data.slice()])),
        state: JSON.parse(JSON.stringify(state)) as StageSnapshot["state"],
      }),
    signal: stopping.signal,
  };
  return { context, events, snapshots };
}

export function eventsOf<Type extends RunEvent["type"]>(
  stage: TinyStage,
  type: Type,
): (UnstampedEvent & { readonly type: Type })[] {
  return stage.events.filter((event): event is UnstampedEvent & { readonly type: Type } => event.type === type);
}
