// A run's figures and rollouts for other people's viewers: TensorBoard event files and a Parquet table.

import path from "node:path";
import { writeFileAtomic } from "../base/files.ts";
import { createParquet } from "../formats/parquet-write.ts";
import { tensorboardFile, type ScalarEvent } from "../formats/tensorboard.ts";
import type { ArmName } from "../run/events.ts";
import { readRollouts, rolloutFiles, type RolloutFile, type RolloutRecord } from "../run/rollouts.ts";
import type { Timeline } from "../run/timeline.ts";
import { metricValue, metricsOf } from "./metrics.ts";

/** An arm's curves, stages told apart by tag (`rl/rewardMean`), evaluations as `evaluation/greedy` over stages. */
export interface ArmScalars {
  readonly arm: ArmName;
  readonly scalars: readonly ScalarEvent[];
}

const EVALUATED = ["base", "sft", "more-sft", "rl"];

export function runScalars(timeline: Timeline): readonly ArmScalars[] {
  return (["sa", "swa"] as const).flatMap((arm) => {
    const steps = timeline.stages
      .filter((stage) => stage.arm === arm)
      .flatMap((stage) =>
        stage.rows.flatMap((row) =>
          metricsOf(row.type).flatMap(({ key }): readonly ScalarEvent[] => {
            const value = metricValue(row, key);
            if (value === null || row.step === null) return [];
            return [
              { tag: `${stage.stage}/${key}`, step: row.step, value, wallTimeSeconds: Date.parse(row.time) / 1000 },
            ];
          }),
        ),
      );
    const evaluations = timeline.evaluations
      .filter((one) => one.arm === arm)
      .map(({ mode, stage, accuracy, time }) => ({
        tag: `evaluation/${mode}`,
        step: EVALUATED.indexOf(stage ?? "base"),
        value: accuracy,
        wallTimeSeconds: Date.parse(time) / 1000,
      }));
    const scalars = [...steps, ...evaluations];
    return scalars.length === 0 ? [] : [{ arm, scalars }];
  });
}

/**
 * Writes one TensorBoard run an arm: `OUT/sa/…`, `OUT/swa/…`.
 *
 * @returns the files
 */
export function writeTensorboard(timeline: Timeline, out: string): readonly string[] {
  return runScalars(timeline).map(({ arm, scalars }) => {
    const start = Math.floor(Math.min(...scalars.slice(0, 1).map((one) => one.wallTimeSeconds)));
    const file = path.join(out, arm, `events.out.tfevents.${String(start).padStart(10, "0")}.swarr`);
    writeFileAtomic(file, tensorboardFile(scalars, start));
    return file;
  });
}

const COLUMNS = {
  arm: "text",
  file: "text",
  step: "integer",
  stage: "text",
  group: "integer",
  sample: "integer",
  problem: "text",
  prompt: "text",
  response: "text",
  reward: "real",
  verdict: "text",
  answer: "text",
  gold: "text",
  finishReason: "text",
  length: "integer",
  distance: "real",
  beyondWindow: "boolean",
  tokens: "texts",
  logProbs: "reals",
} as const;

/**
 * Writes every rollout of a run as one Parquet table, a row a rollout and a row group a file.
 *
 * @returns rows written
 * @throws `BAD_JSON` naming file and line
 */
export async function writeRolloutsParquet(runFolder: string, file: string): Promise<number> {
  const table = await createParquet(file, COLUMNS);
  for (const source of rolloutFiles(runFolder)) {
    table.append(readRollouts(source.path).map((record) => rowOf(source, record)));
  }
  table.finish();
  return table.rowCount;
}

function rowOf(source: RolloutFile, record: RolloutRecord) {
  return {
    arm: source.arm,
    file: source.name,
    step: source.step,
    stage: source.finalStage ?? "rl",
    group: record.group,
    sample: record.sample,
    problem: record.problem,
    prompt: record.prompt,
    response: record.response,
    reward: record.reward,
    verdict: record.verdict,
    answer: record.answer,
    gold: record.gold,
    finishReason: record.finishReason,
    length: record.length,
    distance: record.dependency?.distance ?? null,
    beyondWindow: record.dependency?.beyondWindow ?? null,
    tokens: record.tokens,
    logProbs: record.logProbs,
  };
}
