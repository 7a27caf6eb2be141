// The jobs of a run and which must wait for which.

import type { ArmName, StageName } from "../run/events.ts";
import type { Recipe } from "./recipe.ts";

export interface PlannedJob {
  readonly arm: ArmName;
  readonly stage: StageName;
  /** the jobs, as `arm.stage`, that must be done before; this one starts from the checkpoint of the first */
  readonly after: readonly string[];
}

export function jobName({ arm, stage }: Pick<PlannedJob, "arm" | "stage">): string {
  return `${arm}.${stage}`;
}

/**
 * The jobs of a recipe once the base checkpoints exist. Arms do not wait for each other, so that they run side by side;
 * the more-SFT control waits for the RL stage whose cost it matches.
 */
export function planJobs(recipe: Recipe): readonly PlannedJob[] {
  const jobs: PlannedJob[] = [];
  for (const arm of [...recipe.arms].sort().reverse()) {
    const base = `${arm}.base`;
    jobs.push({ arm, stage: "base", after: [] });
    const sft = recipe.sft === null ? base : `${arm}.sft`;
    if (recipe.sft !== null) jobs.push({ arm, stage: "sft", after: [base] });
    if (recipe.rl !== null) jobs.push({ arm, stage: "rl", after: [sft] });
    if (arm === "swa" && recipe.moreSft !== null) {
      const matched = recipe.moreSft.steps === "match-rl" ? ["swa.rl"] : [];
      jobs.push({ arm, stage: "more-sft", after: ["swa.sft", ...matched] });
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
