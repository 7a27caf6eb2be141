// What the server says to the page, as types: both sides import them, so that neither can drift.

import type { Mismatch } from "../report/mismatch.ts";
import type { ArmName, Evaluation, Notice, StageName } from "../run/events.ts";
import type { RolloutRecord, RolloutVerdict } from "../run/rollouts.ts";
import type { RunResults } from "../run/results.ts";

/** `stalled`: no end and nothing written for a long while. */
export type RunState = "waiting" | "running" | "stalled" | "finished" | "interrupted" | "failed";

export interface StageProgress {
  readonly arm: ArmName | null;
  readonly stage: StageName;
  readonly steps: number;
  readonly done: number;
  readonly ended: boolean;
  readonly seconds: number | null;
  /** seconds to the stage's end at its present pace; null when it has ended or too little is known */
  readonly etaSeconds: number | null;
}

export interface Alert {
  readonly level: "warning" | "critical";
  readonly title: string;
  /** one sentence: what was seen, and what to do */
  readonly detail: string;
  readonly arm: ArmName | null;
  readonly stage: StageName | null;
  readonly step: number | null;
}

export interface RunSummary {
  /** relative to the folder the dashboard was given; "." is that folder itself */
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  readonly startTime: string | null;
  readonly lastTime: string | null;
  readonly window: number | null;
  readonly seed: number | null;
  readonly stages: readonly StageProgress[];
  /** the last RL figures of the windowed arm, else of any arm */
  readonly last: { readonly reward: number | null; readonly accuracy: number | null; readonly loss: number | null };
  readonly results: RunResults | null;
  readonly alerts: readonly Alert[];
}

export interface RolloutFileInfo {
  readonly arm: ArmName;
  readonly name: string;
  readonly step: number | null;
  readonly finalStage: StageName | null;
}

export interface RunDetail {
  readonly summary: RunSummary;
  readonly recipeText: string | null;
  /** flattened, in the file's order */
  readonly manifest: readonly (readonly [name: string, value: string])[];
  readonly evaluations: readonly Evaluation[];
  readonly notices: readonly Notice[];
  readonly rolloutFiles: readonly RolloutFileInfo[];
  readonly mismatch: Mismatch;
}

/** The steps of one stage as columns; `replace` says that rows the page kept no longer hold. */
export interface StageColumns {
  readonly arm: ArmName | null;
  readonly stage: StageName;
  readonly revision: number;
  readonly replace: boolean;
  readonly step: readonly number[];
  /** seconds since the stage's start */
  readonly seconds: readonly number[];
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface RolloutRow {
  readonly arm: ArmName;
  readonly file: string;
  readonly step: number | null;
  /** from 0 */
  readonly line: number;
  readonly group: number;
  readonly sample: number;
  readonly reward: number;
  readonly verdict: RolloutVerdict;
  readonly length: number;
  readonly distance: number | null;
  readonly beyondWindow: boolean;
  readonly finishReason: "stop" | "length";
  readonly promptHead: string;
  readonly answer: string | null;
  readonly gold: string;
}

export interface RolloutPage {
  readonly total: number;
  readonly rows: readonly RolloutRow[];
  /** rollouts known so far, of all that the filter's files hold; false while the index is still being built */
  readonly indexed: number;
  readonly complete: boolean;
  /** lines that could not be read */
  readonly broken: number;
}

export interface RolloutGroup {
  readonly records: readonly (RolloutRecord & { readonly line: number })[];
  readonly window: number | null;
}

export interface RecipeDiff {
  readonly rows: readonly { readonly key: string; readonly a: string | null; readonly b: string | null }[];
  readonly same: number;
}
