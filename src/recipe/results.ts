// The figures of a run, worked out from its events alone: the same for a run that went through and one that was resumed.

import type { Evaluation, RunEvent, StageEnd } from "../run/events.ts";
import type { ArmResults, Cost, DependencyFigures, Gaps, RunResults, Score, Scores } from "../run/results.ts";
import { cellOf } from "./job.ts";
import type { Recipe } from "./recipe.ts";

/** Gaps of at most this much are too small to ask how much of them was recovered. */
const LEAST_GAP = 0.05;

export function resultsOf(recipe: Recipe, events: readonly RunEvent[], totalSeconds: number): RunResults {
  const evaluations = events.filter((event) => event.type === "evaluation");
  const ends = lastOfEachCell(events.filter((event) => event.type === "stage-end"));
  const arms = Object.fromEntries(recipe.arms.map((arm) => [arm, armResults(evaluations, arm)])) as RunResults["arms"];
  const greedy = gapsOf(arms, "greedy");
  const sampled = gapsOf(arms, "sampled");
  const dependency = dependencies(evaluations);
  const spent = ends.map((end) => [cellOf(named(end)), secondsOf(end)] as const);
  return {
    seed: recipe.seed,
    window: recipe.window,
    arms,
    ...(greedy ?? sampled ?? {}),
    gaps: { ...(greedy === null ? {} : { greedy }), ...(sampled === null ? {} : { sampled }) },
    ...(Object.keys(dependency).length === 0 ? {} : { dependency }),
    cost: Object.fromEntries(ends.map((end) => [cellOf(named(end)), costOf(end)])),
    seconds: {
      total: totalSeconds,
      ...Object.fromEntries(spent.map(([cell, seconds]) => [cell === "sa.pretrain" ? "pretrain" : cell, seconds])),
    },
  };
}

function armResults(evaluations: readonly Evaluation[], arm: string): ArmResults {
  const stages: Record<string, Record<string, Score>> = {};
  for (const evaluation of evaluations) {
    if (evaluation.arm !== arm) continue;
    const { accuracy, ci95, n, mode } = evaluation;
    const stage = evaluation.stage === "more-sft" ? "moreSft" : evaluation.stage!;
    stages[stage] = { ...stages[stage], [mode]: { accuracy, ci95, n } };
  }
  return stages;
}

function gapsOf({ sa, swa }: RunResults["arms"], mode: keyof Scores): Gaps | null {
  const gapAt = (stage: "sft" | "rl"): number | null => {
    const [full, windowed] = [sa?.[stage]?.[mode], swa?.[stage]?.[mode]];
    return full === undefined || windowed === undefined ? null : full.accuracy - windowed.accuracy;
  };
  const [gapAfterSft, gapAfterRl] = [gapAt("sft"), gapAt("rl")];
  if (gapAfterSft === null && gapAfterRl === null) return null;
  const known = gapAfterSft !== null && gapAfterRl !== null && gapAfterSft > LEAST_GAP;
  return { gapAfterSft, gapAfterRl, gapRecovered: known ? 1 - gapAfterRl / gapAfterSft : null };
}

/** From the sampled evaluation where there is one. */
function dependencies(evaluations: readonly Evaluation[]): Record<string, DependencyFigures> {
  const cells: Record<string, DependencyFigures> = {};
  for (const wanted of ["greedy", "sampled"]) {
    for (const { arm, stage, mode, dependency } of evaluations) {
      if (mode !== wanted || dependency === undefined || dependency === null) continue;
      if (stage !== "sft" && stage !== "rl") continue;
      const { beyondWindow, meanDistance, restating } = dependency;
      if (meanDistance === null) continue;
      cells[`${arm!}${stage === "sft" ? "Sft" : "Rl"}`] = { beyondWindow, meanDistance, restating };
    }
  }
  return cells;
}

/** A stage that was resumed after its end was logged ends once more; the last word counts. */
function lastOfEachCell(ends: readonly StageEnd[]): readonly StageEnd[] {
  return [...new Map(ends.map((end) => [cellOf(named(end)), end])).values()];
}

function named(end: StageEnd): { arm: NonNullable<StageEnd["arm"]>; stage: NonNullable<StageEnd["stage"]> } {
  return { arm: end.arm!, stage: end.stage! };
}

function costOf({ tokensTrained, tokensSampled, flops, seconds, peakRssBytes }: StageEnd): Cost {
  const cost = { tokensTrained, tokensSampled, flops, seconds };
  return peakRssBytes === undefined ? cost : { ...cost, peakRssBytes };
}

function secondsOf({ seconds }: StageEnd): number {
  return seconds;
}
