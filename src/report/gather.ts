// Everything a report is made from, read off a run folder once.

import { readRun, type RunFolder } from "../run/read-run.ts";
import { timelineOf, type StepEvent, type Timeline } from "../run/timeline.ts";
import type { ArmName, RlStep, StageName } from "../run/events.ts";
import { readRollouts, rolloutFiles, type RolloutRecord } from "../run/rollouts.ts";
import type { ResultStage, RunResults, Score } from "../run/results.ts";
import { readMismatch, type Mismatch } from "./mismatch.ts";
import { isObject, type JsonObject } from "../base/json.ts";
import { parse } from "yaml";

export interface ReportData {
  readonly run: RunFolder;
  readonly timeline: Timeline;
  /** the parsed recipe.yaml; empty when there is none */
  readonly recipe: JsonObject;
  /** from results.json, or from the evaluations so far when the run has not ended; null when there is neither */
  readonly results: RunResults | null;
  /** the responses of the evaluation after a stage */
  readonly finals: readonly FinalResponses[];
  readonly mismatch: Mismatch;
}

export interface FinalResponses {
  readonly arm: ArmName;
  readonly stage: StageName;
  readonly records: readonly RolloutRecord[];
}

/** @throws `FILE_MISSING`, `BAD_JSON` */
export function gatherReport(folder: string): ReportData {
  const run = readRun(folder);
  const timeline = timelineOf(run.events);
  const recipe = parseRecipe(run.recipeText);
  return {
    run,
    timeline,
    recipe,
    results: run.results ?? resultsSoFar(timeline, recipe),
    finals: rolloutFiles(folder).flatMap((file) =>
      file.finalStage === null ? [] : [{ arm: file.arm, stage: file.finalStage, records: readRollouts(file.path) }],
    ),
    mismatch: readMismatch(run.analysis),
  };
}

/** The steps of one stage of an arm; none when it has not run. */
export function stageRows(timeline: Timeline, arm: ArmName, stage: StageName): readonly StepEvent[] {
  return timeline.stages.find((one) => one.arm === arm && one.stage === stage)?.rows ?? [];
}

/** The RL steps of an arm; none when it has not run. */
export function rlRows(timeline: Timeline, arm: ArmName): readonly RlStep[] {
  return stageRows(timeline, arm, "rl").filter((row): row is RlStep => row.type === "rl-step");
}

const RESULT_STAGE: Readonly<Partial<Record<StageName, ResultStage>>> = {
  base: "base",
  sft: "sft",
  "more-sft": "moreSft",
  rl: "rl",
};

/** The recipe as plain values; one that does not parse counts as empty, its text is shown all the same. */
export function parseRecipe(text: string | null): JsonObject {
  if (text === null) return {};
  try {
    const value: unknown = parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The table of a run that has no results.json yet, from its evaluation events. */
export function resultsSoFar(timeline: Timeline, recipe: JsonObject): RunResults | null {
  if (timeline.evaluations.length === 0) return null;
  const arms: Record<ArmName, Record<string, Record<string, Score>>> = { sa: {}, swa: {} };
  for (const one of timeline.evaluations) {
    const stage = one.stage === null ? undefined : RESULT_STAGE[one.stage];
    if (one.arm === null || stage === undefined) continue;
    (arms[one.arm][stage] ??= {})[one.mode] = { accuracy: one.accuracy, ci95: one.ci95, n: one.n };
  }
  const figure = (name: string): number => (typeof recipe[name] === "number" ? recipe[name] : 0);
  return {
    seed: figure("seed"),
    window: figure("window"),
    arms: { sa: arms.sa, swa: arms.swa },
  };
}
