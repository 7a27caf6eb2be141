// A pretended run: the files of a run folder in the order a run would write them, with curves of the miniature's shape.

import fs from "node:fs";
import path from "node:path";
import { randomStream, type RandomStream } from "../../src/base/seeds.ts";
import {
  encodeEvent,
  type ArmName,
  type RlStep,
  type RunEvent,
  type SftStep,
  type StageName,
} from "../../src/run/events.ts";
import { encodeRollout, rolloutFinalFile, rolloutStepFile, type RolloutRecord } from "../../src/run/rollouts.ts";
import { LEVEL, WINDOW, analysis, manifestText, recipeText, results, scoreOf } from "./run-fixture-figures.ts";
import { madeUpRollout, madeUpTrace } from "./traces.ts";

export interface FixtureOptions {
  readonly seed?: number;
  readonly sftSteps?: number;
  readonly rlSteps?: number;
  /** rollouts are stored every this many steps */
  readonly rolloutEvery?: number;
  readonly groups?: number;
  readonly groupSize?: number;
  readonly evaluated?: number;
  /** ISO time of the first event */
  readonly start?: string;
  readonly learningRate?: number;
}

/** One append to one file of the run folder. */
export interface FixtureWrite {
  readonly file: string;
  readonly text: string;
}

/** Writes a whole run. */
export function writeRunFixture(folder: string, options: FixtureOptions = {}): void {
  for (const write of runFixtureWrites(options)) applyWrite(folder, write);
}

export function applyWrite(folder: string, write: FixtureWrite): void {
  const file = path.join(folder, write.file);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.appendFileSync(file, write.text);
}

/** The writes of a run, one by one, so that a test can stop anywhere or go slowly. */
export function* runFixtureWrites(given: FixtureOptions = {}): Generator<FixtureWrite> {
  const options = {
    seed: 1,
    sftSteps: 30,
    rlSteps: 20,
    rolloutEvery: 5,
    groups: 4,
    groupSize: 4,
    evaluated: 32,
    start: "2026-01-05T09:00:00.000Z",
    learningRate: 3e-4,
    ...given,
  };
  const clock = { ms: Date.parse(options.start) };
  const stream = randomStream({ root: options.seed, purpose: "fixture" });
  const context: Context = { options, clock, stream };
  yield { file: "recipe.yaml", text: recipeText(options) };
  yield { file: "manifest.json", text: manifestText(options.seed) };
  yield* supervised(context, "sa", "pretrain", options.sftSteps * 2);
  yield* evaluation(context, "sa", "base");
  yield* evaluation(context, "swa", "base");
  for (const arm of ["sa", "swa"] as const) {
    yield* supervised(context, arm, "sft", options.sftSteps);
    yield* evaluation(context, arm, "sft");
    yield* reinforced(context, arm);
    yield* evaluation(context, arm, "rl");
  }
  yield* supervised(context, "swa", "more-sft", options.sftSteps * 2);
  yield* evaluation(context, "swa", "more-sft");
  yield { file: "results.json", text: `${JSON.stringify(results(options.seed), null, 2)}\n` };
  yield { file: "analysis.json", text: `${JSON.stringify(analysis(), null, 2)}\n` };
  yield event(context, {
    type: "run-end",
    arm: null,
    stage: null,
    step: null,
    outcome: "finished",
    message: null,
    seconds: (clock.ms - Date.parse(options.start)) / 1000,
  });
}

interface Context {
  readonly options: Required<FixtureOptions>;
  readonly clock: { ms: number };
  readonly stream: RandomStream;
}

type Unstamped<Event> = Event extends RunEvent ? Omit<Event, "time"> : never;

function event(context: Context, body: Unstamped<RunEvent>, afterMs = 250): FixtureWrite {
  context.clock.ms += afterMs;
  const time = new Date(context.clock.ms).toISOString();
  return { file: "events.jsonl", text: encodeEvent({ time, ...body }) };
}

function* supervised(context: Context, arm: ArmName, stage: StageName, steps: number): Generator<FixtureWrite> {
  yield event(context, { type: "stage-start", arm, stage, step: 0, steps, resumed: false });
  for (let step = 1; step <= steps; step++) {
    const floor = arm === "sa" ? 0.12 : stage === "sft" ? 0.34 : 0.3;
    const row: Omit<SftStep, "time"> = {
      type: "sft-step",
      arm,
      stage,
      step,
      lossNatsPerToken: floor + 1.8 * Math.exp((-6 * step) / steps) + 0.03 * context.stream.uniform(),
      gradientNorm: 0.4 + Math.exp((-4 * step) / steps) + 0.1 * context.stream.uniform(),
      learningRate: 1e-3 * (0.5 + 0.5 * Math.cos((Math.PI * step) / steps)),
      lossTokens: 1090 + context.stream.integer(80),
      tokensTrained: 1450 + context.stream.integer(100),
      tokensPerSecond: 19000 + 900 * context.stream.uniform(),
    };
    yield event(context, row);
  }
  yield stageEnd(context, arm, stage, steps, 0);
  yield event(context, {
    type: "checkpoint",
    arm,
    stage,
    step: steps,
    path: `checkpoints/${arm}/${stage === "pretrain" ? "base" : stage}`,
  });
}

function* reinforced(context: Context, arm: ArmName): Generator<FixtureWrite> {
  const { rlSteps, rolloutEvery, groups, groupSize } = context.options;
  yield event(context, { type: "stage-start", arm, stage: "rl", step: 0, steps: rlSteps, resumed: false });
  for (let step = 1; step <= rlSteps; step++) {
    const progress = 1 - Math.exp((-4 * step) / rlSteps);
    yield event(context, rlRow(context, arm, step, progress), 1600);
    if (step % rolloutEvery !== 0) continue;
    const records = rolloutsOf(context, arm, { groups, groupSize, progress });
    yield { file: rolloutStepFile(arm, step), text: records.map(encodeRollout).join("") };
    yield event(context, { type: "snapshot", arm, stage: "rl", step, path: `snapshots/${arm}-rl-${step}` }, 20);
  }
  yield stageEnd(context, arm, "rl", rlSteps, 24000);
  yield event(context, { type: "checkpoint", arm, stage: "rl", step: rlSteps, path: `checkpoints/${arm}/rl` });
}

function rlRow(context: Context, arm: ArmName, step: number, progress: number): Omit<RlStep, "time"> {
  const { stream, options } = context;
  const noise = (size: number): number => size * (stream.uniform() - 0.5);
  const skill = skillOf(arm, progress) + noise(0.05);
  const reward = Math.min(1, Math.max(0, skill));
  return {
    type: "rl-step",
    arm,
    stage: "rl",
    step,
    rewardMean: reward,
    rewardStd: Math.sqrt(reward * (1 - reward)),
    rewardTerms: { correct: reward },
    accuracy: reward,
    degenerateGroups: Math.min(1, Math.max(0, Math.abs(reward - 0.5) * 1.4 + noise(0.1))),
    meanLength: arm === "sa" ? 69 - 11 * progress + noise(3) : 68 + 27 * progress + noise(4),
    meanTerminatedLength: arm === "sa" ? 69 - 11 * progress : 67 + 26 * progress,
    truncated: Math.max(0, 0.02 * (1 - progress) + noise(0.01)),
    entropyNats: 0.32 - 0.2 * progress + noise(0.02),
    clippedLow: Math.max(0, 0.004 + noise(0.004)),
    clippedHigh: Math.max(0, 0.006 + noise(0.006)),
    klToBehaviour: Math.max(0, 0.0012 + noise(0.0008)),
    samplerTrainerMaxDifference: 4e-6 + 2e-6 * stream.uniform(),
    samplerTrainerMeanDifference: 2e-7 + 1e-7 * stream.uniform(),
    gradientNorm: 0.3 + 0.2 * (1 - progress) + 0.1 * stream.uniform(),
    lossNatsPerToken: noise(0.01),
    learningRate: options.learningRate,
    beyondWindow:
      arm === "sa" ? 0.62 + 0.14 * progress + noise(0.04) : Math.max(0, 0.62 - 0.61 * progress + noise(0.04)),
    restating: restatingOf(arm, progress),
    tokensSampled: 22000 + stream.integer(2000),
    tokensTrained: 15000 + stream.integer(2000),
    samplingTokensPerSecond: 26000 + 1500 * stream.uniform(),
    trainingTokensPerSecond: 18000 + 900 * stream.uniform(),
  };
}

const skillOf = (arm: ArmName, progress: number): number => (arm === "sa" ? 0.985 : 0.42 + 0.53 * progress);
const restatingOf = (arm: ArmName, progress: number): number =>
  arm === "sa" ? 0.2 - 0.17 * progress : 0.2 + 0.45 * progress;

function rolloutsOf(
  context: Context,
  arm: ArmName,
  shape: { readonly groups: number; readonly groupSize: number; readonly progress: number },
): readonly RolloutRecord[] {
  const { stream } = context;
  const records: RolloutRecord[] = [];
  for (let group = 0; group < shape.groups; group++) {
    const promptSeed = stream.integer(1 << 30);
    const terms = 4 + stream.integer(5);
    for (let sample = 0; sample < shape.groupSize; sample++) {
      // The same seed draws the same problem first; the restating probability differs by sample only through later draws.
      const own = randomStream({ root: promptSeed, purpose: "trace" });
      const trace = madeUpTrace(own, restatingOf(arm, shape.progress) + 0.1 * (sample % 3), terms);
      const place = { group, sample, problem: `train-${promptSeed}` };
      records.push(
        madeUpRollout(trace, place, { stream, skill: skillOf(arm, shape.progress), window: WINDOW, cap: 180 }),
      );
    }
  }
  return records;
}

function* evaluation(context: Context, arm: ArmName, stage: StageName): Generator<FixtureWrite> {
  const n = context.options.evaluated;
  const level = LEVEL[arm][stage] ?? [0, 0];
  for (const [i, mode] of (["greedy", "sampled"] as const).entries()) {
    const score = scoreOf(level[i] ?? 0);
    yield event(context, {
      type: "evaluation",
      arm,
      stage,
      step: null,
      mode,
      n: score.n,
      samples: 1,
      accuracy: score.accuracy,
      ci95: score.ci95,
      meanTokens: 70,
      truncated: 0.004,
    });
  }
  const progress = stage === "rl" ? 1 : 0;
  const records = Array.from({ length: n }, (_, group) => {
    const own = randomStream({ root: 99, purpose: "held-out", item: group });
    const trace = madeUpTrace(own, restatingOf(arm, progress));
    const place = { group, sample: 0, problem: `held-out-${group}` };
    return madeUpRollout(trace, place, { stream: context.stream, skill: level[1], window: WINDOW, cap: 180 });
  });
  yield { file: rolloutFinalFile(arm, stage), text: records.map(encodeRollout).join("") };
}

function stageEnd(
  context: Context,
  arm: ArmName,
  stage: StageName,
  steps: number,
  sampledPerStep: number,
): FixtureWrite {
  return event(context, {
    type: "stage-end",
    arm,
    stage,
    step: steps,
    seconds: steps * (sampledPerStep > 0 ? 1.6 : 0.25),
    tokensTrained: steps * 1500,
    tokensSampled: steps * sampledPerStep,
    flops: steps * 2.7e9,
  });
}
