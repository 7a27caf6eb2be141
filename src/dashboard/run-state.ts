// One run folder followed over time: its timeline, whether it still moves, its summary for the page.

import fs from "node:fs";
import path from "node:path";
import type { JsonObject } from "../base/json.ts";
import { resultsSoFar } from "../report/gather.ts";
import { readMismatch } from "../report/mismatch.ts";
import { metricValue, metricsOf } from "../report/metrics.ts";
import { flattened } from "../report/recipe-section.ts";
import { eventTail, type BrokenLine } from "../run/read-run.ts";
import { rolloutFiles } from "../run/rollouts.ts";
import { timelineBuilder, type StageState, type Timeline, type TimelineBuilder } from "../run/timeline.ts";
import { alertsOf, type RunFolderState } from "./alerts.ts";
import { runFiles, type RunFiles } from "./run-files.ts";
import type { RunDetail, RunState, RunSummary, StageColumns, StageProgress } from "./api.ts";

export interface FollowedRun {
  readonly id: string;
  readonly folder: string;
  /** Reads what was added; true when anything the page shows may have changed. */
  refresh(): boolean;
  recipe(): JsonObject;
  summary(): RunSummary;
  detail(): RunDetail;
  /** Rows after a step, or all of them when the page's revision is not the present one. */
  columns(known: readonly KnownStage[]): readonly StageColumns[];
}

/** What the page already has of a stage. */
export interface KnownStage {
  readonly arm: string;
  readonly stage: string;
  readonly revision: number;
  readonly after: number;
}

const STALL_SECONDS = 60;

/** @param now  milliseconds, for the age of the last write */
export function followRun(id: string, folder: string, now: () => number = Date.now): FollowedRun {
  const files = runFiles(folder);
  const events = followEvents(path.join(folder, "events.jsonl"));
  let version = "";

  const state = (): RunFolderState => {
    const written = fs.statSync(events.file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const idleSeconds = written === 0 ? 0 : Math.max(0, (now() - written) / 1000);
    const present = stateOf(events.timeline(), idleSeconds, files.results() !== null);
    return { state: present, idleSeconds, broken: events.broken(), damaged: files.damaged() };
  };
  const summary = (): RunSummary => summaryOf({ id, folder, files, timeline: events.timeline(), state: state() });
  return {
    id,
    folder,
    refresh: () => {
      const news = events.refresh();
      const present = [files.version(), rolloutsVersion(folder), state().state].join("/");
      const changed = news || present !== version;
      version = present;
      return changed;
    },
    recipe: files.recipe,
    summary,
    detail: () => ({
      summary: summary(),
      recipeText: files.recipeText(),
      manifest: flattened(files.manifest()),
      evaluations: events.timeline().evaluations,
      notices: events.timeline().notices,
      rolloutFiles: rolloutFiles(folder).map(({ arm, name, step, finalStage }) => ({ arm, name, step, finalStage })),
      mismatch: readMismatch(files.analysis()),
    }),
    columns: (known) => events.timeline().stages.map((stage) => columnsOf(stage, known)),
  };
}

interface FollowedEvents {
  readonly file: string;
  /** true when there was something new */
  refresh(): boolean;
  timeline(): Timeline;
  broken(): readonly BrokenLine[];
}

function followEvents(file: string): FollowedEvents {
  const tail = eventTail(file);
  let builder: TimelineBuilder = timelineBuilder();
  let broken: readonly BrokenLine[] = [];
  let restarts = 0;
  return {
    file,
    refresh: () => {
      const batch = tail.next();
      if (batch.restarted) {
        restarts += 1;
        builder = timelineBuilder(restarts * 1_000_000);
        broken = [];
      }
      builder.add(batch.events);
      broken = [...broken, ...batch.broken];
      return batch.restarted || batch.events.length > 0 || batch.broken.length > 0;
    },
    timeline: () => builder.current(),
    broken: () => broken,
  };
}

function summaryOf(parts: {
  readonly id: string;
  readonly folder: string;
  readonly files: RunFiles;
  readonly timeline: Timeline;
  readonly state: RunFolderState;
}): RunSummary {
  const { id, folder, files, timeline, state } = parts;
  const recipe = files.recipe();
  const results = files.results() ?? resultsSoFar(timeline, recipe);
  const figure = (name: "window" | "seed"): number | null => {
    const value = recipe[name] ?? results?.[name];
    return typeof value === "number" ? value : null;
  };
  return {
    id,
    name: id === "." ? path.basename(path.resolve(folder)) : id,
    state: state.state,
    startTime: timeline.firstTime,
    lastTime: timeline.lastTime,
    window: figure("window"),
    seed: figure("seed"),
    stages: timeline.stages.map((stage) => progressOf(stage, state.state)),
    last: lastFigures(timeline),
    results,
    alerts: alertsOf(timeline, state),
  };
}

function stateOf({ end, stages }: Timeline, idleSeconds: number, hasResults: boolean): RunState {
  if (end !== null) return end.outcome;
  if (stages.length === 0) return hasResults ? "finished" : "waiting";
  const pace = Math.max(0, ...stages.map(secondsPerStep));
  return idleSeconds > Math.max(STALL_SECONDS, 20 * pace) ? "stalled" : "running";
}

/** Over the last 50 steps, by the events' own clock. */
function secondsPerStep({ rows }: StageState): number {
  const recent = rows.slice(-50);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || recent.length < 2) return 0;
  return (Date.parse(last.time) - Date.parse(first.time)) / 1000 / (recent.length - 1);
}

function progressOf(stage: StageState, state: RunState): StageProgress {
  const { arm, steps, done, ended, seconds } = stage;
  const pace = secondsPerStep(stage);
  const moving = state === "running" && !ended && pace > 0 && done < steps;
  return { arm, stage: stage.stage, steps, done, ended, seconds, etaSeconds: moving ? pace * (steps - done) : null };
}

function lastFigures({ stages }: Timeline): RunSummary["last"] {
  const rl = [...stages].reverse().filter((stage) => stage.rows.at(-1)?.type === "rl-step");
  const row = (rl.find((stage) => stage.arm === "swa") ?? rl[0])?.rows.at(-1);
  const any = [...stages]
    .reverse()
    .find((stage) => stage.rows.length > 0)
    ?.rows.at(-1);
  return {
    reward: row === undefined ? null : metricValue(row, "rewardMean"),
    accuracy: row === undefined ? null : metricValue(row, "accuracy"),
    loss: any === undefined ? null : metricValue(any, "lossNatsPerToken"),
  };
}

function columnsOf(stage: StageState, known: readonly KnownStage[]): StageColumns {
  const kept = known.find((one) => one.arm === (stage.arm ?? "") && one.stage === stage.stage);
  const replace = kept === undefined || kept.revision !== stage.revision;
  const rows = replace ? stage.rows : stage.rows.slice(firstAfter(stage, kept.after));
  const start = Date.parse(stage.startTime);
  const first = stage.rows[0];
  const metrics = first === undefined ? [] : metricsOf(first.type);
  return {
    arm: stage.arm,
    stage: stage.stage,
    revision: stage.revision,
    replace,
    step: rows.map((row) => row.step ?? 0),
    seconds: rows.map((row) => (Date.parse(row.time) - start) / 1000),
    metrics: Object.fromEntries(metrics.map(({ key }) => [key, rows.map((row) => metricValue(row, key))])),
  };
}

/** Rows are in step order: the index of the first one after `step`. */
function firstAfter({ rows }: StageState, step: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.step ?? 0) > step) high = middle;
    else low = middle + 1;
  }
  return low;
}

function rolloutsVersion(folder: string): string {
  return ["sa", "swa"]
    .map((arm) => fs.statSync(path.join(folder, "rollouts", arm), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .join(",");
}
