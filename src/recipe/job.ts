// One unit of a run that a process does: a stage of an arm, or only its evaluation; and what the two sides say to each other.

import type { ErrorCode, ErrorParts } from "../base/errors.ts";
import type { ArmName, StageName } from "../run/events.ts";
import type { UnstampedEvent } from "../run/event-log.ts";
import type { SettledRecipe } from "./recipe.ts";

export interface Job {
  readonly recipe: SettledRecipe;
  /** names the recipe in snapshots */
  readonly recipeHash: string;
  readonly folder: string;
  readonly arm: ArmName;
  /** `base` trains nothing: it evaluates the checkpoint that is there */
  readonly stage: StageName;
  /** this job's share of the recipe's */
  readonly threads: number;
  /** steps of the more-SFT control, once they are known */
  readonly steps: number | null;
}

export type ToJob = { readonly kind: "start"; readonly job: Job } | { readonly kind: "stop" };

export type FromJob =
  | { readonly kind: "event"; readonly event: UnstampedEvent }
  | { readonly kind: "sampled"; readonly tokens: number }
  | { readonly kind: "done" }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode | null;
      readonly parts: ErrorParts | null;
      readonly text: string;
    };

/** `swa.rl`, as results and progress name it; dashes become camel case as in results.json. */
export function cellOf(job: Pick<Job, "arm" | "stage">): string {
  return `${job.arm}.${job.stage === "more-sft" ? "moreSft" : job.stage}`;
}
