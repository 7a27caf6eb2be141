// What a run says while it runs: one typed event a line of events.jsonl.

import { SwarrError } from "../base/errors.ts";

export type ArmName = "sa" | "swa";
export type StageName = "pretrain" | "base" | "sft" | "more-sft" | "rl";

interface Stamped {
  /** ISO 8601, UTC */
  readonly time: string;
  readonly arm: ArmName | null;
  readonly stage: StageName | null;
  readonly step: number | null;
}

/** A stage begins or goes on: `step` counts the steps already done. */
export interface StageStart extends Stamped {
  readonly type: "stage-start";
  readonly steps: number;
  readonly resumed: boolean;
}

export interface StageEnd extends Stamped {
  readonly type: "stage-end";
  readonly seconds: number;
  readonly tokensTrained: number;
  readonly tokensSampled: number;
  readonly flops: number;
  /** the most memory the whole process has held so far, both arms together */
  readonly peakRssBytes?: number;
}

/** One optimizer step of supervised training (pretrain, sft, more-sft). `step` counts from 1. */
export interface SftStep extends Stamped {
  readonly type: "sft-step";
  readonly lossNatsPerToken: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** response tokens the loss was taken over */
  readonly lossTokens: number;
  /** tokens that went through the model, prompts included */
  readonly tokensTrained: number;
  readonly tokensPerSecond: number;
}

/** One RL step: sample, score, update. `step` counts from 1. */
export interface RlStep extends Stamped {
  readonly type: "rl-step";
  readonly rewardMean: number;
  readonly rewardStd: number;
  /** logged reward terms by name, mean over rollouts */
  readonly rewardTerms: Readonly<Record<string, number>>;
  readonly accuracy: number;
  /** share of groups whose rewards are all equal (they are dropped) */
  readonly degenerateGroups: number;
  readonly meanLength: number;
  /** mean over responses that ended by themselves; null when none did */
  readonly meanTerminatedLength: number | null;
  readonly truncated: number;
  readonly entropyNats: number;
  readonly clippedLow: number;
  readonly clippedHigh: number;
  /** mean of (ratio - 1 - log ratio) against the behaviour policy, over trained tokens after the first update */
  readonly klToBehaviour: number;
  readonly samplerTrainerMaxDifference: number;
  readonly samplerTrainerMeanDifference: number;
  readonly gradientNorm: number;
  readonly lossNatsPerToken: number;
  readonly learningRate: number;
  /** share of rollouts with a dependency beyond the window; null when the task has no such measure */
  readonly beyondWindow: number | null;
  /** share of steps restated (miniature only) */
  readonly restating: number | null;
  readonly tokensSampled: number;
  readonly tokensTrained: number;
  readonly samplingTokensPerSecond: number;
  readonly trainingTokensPerSecond: number;
}

/** One evaluation of a checkpoint. */
export interface Evaluation extends Stamped {
  readonly type: "evaluation";
  readonly mode: "greedy" | "sampled";
  readonly n: number;
  readonly samples: number;
  readonly accuracy: number;
  readonly ci95: readonly [number, number];
  readonly meanTokens: number;
  readonly truncated: number;
  /** null when the task has no such measure */
  readonly dependency?: {
    /** share of responses with a dependency beyond the window */
    readonly beyondWindow: number;
    /** mean over the look-ups that steps make; null when there is none */
    readonly meanDistance: number | null;
    /** share of steps restated; null where the task knows no steps */
    readonly restating: number | null;
  } | null;
}

export interface CheckpointSaved extends Stamped {
  readonly type: "checkpoint";
  /** relative to the run folder */
  readonly path: string;
}

export interface SnapshotSaved extends Stamped {
  readonly type: "snapshot";
  readonly path: string;
}

/** Something a person should know: a dropped row, an odd figure. */
export interface Notice extends Stamped {
  readonly type: "notice";
  readonly level: "info" | "warning";
  readonly message: string;
}

export interface RunEnd extends Stamped {
  readonly type: "run-end";
  readonly outcome: "finished" | "interrupted" | "failed";
  readonly message: string | null;
  readonly seconds: number;
}

export type RunEvent =
  StageStart | StageEnd | SftStep | RlStep | Evaluation | CheckpointSaved | SnapshotSaved | Notice | RunEnd;

/** One line of events.jsonl, newline included. @throws `NOT_FINITE` naming the field, so that no chart has a silent gap */
export function encodeEvent(event: RunEvent): string {
  requireFinite(event, `${event.stage ?? "run"} step ${event.step ?? "-"}`, event.type);
  return `${JSON.stringify(event)}\n`;
}

function requireFinite(value: unknown, where: string, path: string): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new SwarrError("NOT_FINITE", {
      what: `${path} is ${value} at ${where}.`,
      expected: "a finite number.",
      fix: "Lower the learning rate, or resume from the last snapshot and look at the step's data.",
    });
  }
  if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) requireFinite(item, where, `${path}.${key}`);
  }
}
