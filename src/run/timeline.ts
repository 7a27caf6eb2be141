// The events of a run folded into its state: stages, step rows by arm and stage, evaluations, notices.

import type { ArmName, Evaluation, Notice, RlStep, RunEnd, RunEvent, SftStep, StageName } from "./events.ts";

export type StepEvent = SftStep | RlStep;

/** One stage of one arm, as far as it has come. */
export interface StageState {
  readonly arm: ArmName | null;
  readonly stage: StageName;
  /** steps planned */
  readonly steps: number;
  /** steps done */
  readonly done: number;
  readonly ended: boolean;
  readonly startTime: string;
  readonly lastTime: string;
  /** of the whole stage; null until it has ended */
  readonly seconds: number | null;
  readonly tokensTrained: number;
  readonly tokensSampled: number;
  readonly flops: number | null;
  /** in step order, each step once: a resumed stage replaces what it repeats */
  readonly rows: readonly StepEvent[];
  /** grows when rows were dropped, so that a reader who kept some knows to start over */
  readonly revision: number;
}

/** What a run has said so far. */
export interface Timeline {
  readonly stages: readonly StageState[];
  readonly evaluations: readonly Evaluation[];
  readonly notices: readonly Notice[];
  readonly end: RunEnd | null;
  readonly firstTime: string | null;
  readonly lastTime: string | null;
}

type MutableStage = { -readonly [key in keyof StageState]: StageState[key] } & { rows: StepEvent[] };

/** Folds events in the order they were written; `add` may be called as a file grows. */
export interface TimelineBuilder {
  add(events: readonly RunEvent[]): void;
  /** a view of the present state; its arrays grow with later calls of `add` */
  current(): Timeline;
}

/** @param firstRevision  of its stages; a builder that takes another's place starts higher */
export function timelineBuilder(firstRevision = 0): TimelineBuilder {
  const stages: MutableStage[] = [];
  const evaluations: Evaluation[] = [];
  const notices: Notice[] = [];
  let end: RunEnd | null = null;
  let firstTime: string | null = null;
  let lastTime: string | null = null;

  const stageOf = (event: RunEvent): MutableStage | null => {
    if (event.stage === null) return null;
    const known = stages.find((state) => state.arm === event.arm && state.stage === event.stage);
    if (known !== undefined) return known;
    // An evaluation or a checkpoint of the base is no stage of training.
    if (event.type !== "stage-start" && event.type !== "sft-step" && event.type !== "rl-step") return null;
    const opened = { ...newStage(event.arm, event.stage, event.time), revision: firstRevision };
    stages.push(opened);
    return opened;
  };
  const addOne = (event: RunEvent): void => {
    firstTime ??= event.time;
    lastTime = event.time;
    if (event.type === "run-end") {
      end = event;
      return;
    }
    // Anything said after an end means that the run was resumed.
    end = null;
    if (event.type === "evaluation") replaceOrPush(evaluations, event);
    else if (event.type === "notice") notices.push(event);
    const stage = stageOf(event);
    if (stage !== null) applyToStage(stage, event);
  };
  return {
    add: (events) => events.forEach(addOne),
    current: () => ({ stages, evaluations, notices, end, firstTime, lastTime }),
  };
}

/** The state that a whole list of events leads to. */
export function timelineOf(events: readonly RunEvent[]): Timeline {
  const builder = timelineBuilder();
  builder.add(events);
  return builder.current();
}

function newStage(arm: ArmName | null, stage: StageName, time: string): MutableStage {
  return {
    arm,
    stage,
    steps: 0,
    done: 0,
    ended: false,
    startTime: time,
    lastTime: time,
    seconds: null,
    tokensTrained: 0,
    tokensSampled: 0,
    flops: null,
    rows: [],
    revision: 0,
  };
}

function applyToStage(stage: MutableStage, event: RunEvent): void {
  switch (event.type) {
    case "stage-start":
      dropRowsAfter(stage, event.step ?? 0);
      stage.steps = event.steps;
      stage.done = event.step ?? 0;
      stage.ended = false;
      stage.seconds = null;
      break;
    case "sft-step":
    case "rl-step":
      dropRowsAfter(stage, (event.step ?? 0) - 1);
      stage.rows.push(event);
      stage.done = event.step ?? stage.done;
      break;
    case "stage-end":
      stage.ended = true;
      stage.seconds = event.seconds;
      stage.tokensTrained = event.tokensTrained;
      stage.tokensSampled = event.tokensSampled;
      stage.flops = event.flops;
      break;
    default:
      return;
  }
  stage.lastTime = event.time;
}

/** Rows are in step order, so what a resumed stage repeats is at the end. */
function dropRowsAfter(stage: MutableStage, step: number): void {
  const { rows } = stage;
  const before = rows.length;
  while (rows.length > 0 && (rows[rows.length - 1]?.step ?? 0) > step) rows.pop();
  if (rows.length < before) stage.revision += 1;
}

function replaceOrPush(evaluations: Evaluation[], event: Evaluation): void {
  const same = evaluations.findIndex(
    (other) =>
      other.arm === event.arm && other.stage === event.stage && other.mode === event.mode && other.step === event.step,
  );
  if (same === -1) evaluations.push(event);
  else evaluations[same] = event;
}
