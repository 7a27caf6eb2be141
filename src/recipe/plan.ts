// The jobs of a run and which must wait for which.

import type { ArmName, StageName } from "../run/events.ts";
import type { Recipe } from "./recipe.ts";

export interface PlannedJob {
  readonly arm: ArmName;
  readonly stage: StageName;
  /** the jobs, as `arm.stage`, that must be done before; this one starts from the checkpoint of the first */
  readonly after: readonly string[];
  /** gets all threads; else an equal share for each arm. Fixed by the plan, because sums round differently with each count. */
  readonly alone: boolean;
}

export function jobName({ arm, stage }: Pick<PlannedJob, "arm" | "stage">): string {
  return `${arm}.${stage}`;
}

/**
 * The jobs of a recipe once the base checkpoints exist. The arms run side by side; where the more-SFT control matches the
 * cost of the windowed arm's RL stage, that stage goes first, on all threads, and the control then runs beside the other arm's RL.
 */
export function planJobs(recipe: Recipe): readonly PlannedJob[] {
  const { sft, rl, moreSft } = recipe;
  const both = recipe.arms.length > 1;
  const matched = rl !== null && moreSft?.steps === "match-rl";
  const jobs: PlannedJob[] = [];
  for (const arm of [...recipe.arms].sort().reverse()) {
    const base = `${arm}.base`;
    const source = sft === null ? base : `${arm}.sft`;
    jobs.push({ arm, stage: "base", after: [], alone: !both });
    if (sft !== null) jobs.push({ arm, stage: "sft", after: [base], alone: !both });
    if (rl !== null) {
      const first = matched && arm === "swa";
      const after = matched && both && !first ? [source, "swa.rl"] : [source];
      jobs.push({ arm, stage: "rl", after, alone: first || !both });
    }
    if (arm === "swa" && moreSft !== null) {
      jobs.push({
        arm,
        stage: "more-sft",
        after: ["swa.sft", ...(rl === null ? [] : ["swa.rl"])],
        alone: !(matched && both),
      });
    }
  }
  return jobs;
}

/** The checkpoint stage that a job starts from. */
export function sourceStage(recipe: Recipe, stage: StageName): "base" | "sft" {
  return stage === "more-sft" || (stage === "rl" && recipe.sft !== null) ? "sft" : "base";
}

/**
 * Steps of more SFT that cost what the RL stage cost, at the mean cost of an SFT step; at least one.
 *
 * @param sft  FLOPs and steps of the SFT stage of the same arm
 */
export function matchedSteps(rlFlops: number, sft: { readonly flops: number; readonly steps: number }): number {
  return Math.max(1, Math.round(rlFlops / (sft.flops / sft.steps)));
}
