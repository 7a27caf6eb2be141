// The evaluation after a stage: every test problem under the checkpoint, greedy and sampled, with its traces stored.

import { accuracyInterval } from "../evaluate/intervals.ts";
import { EVAL_MODES } from "../evaluate/settings.ts";
import { randomStream } from "../base/seeds.ts";
import type { Task } from "../tasks/task.ts";
import { replicate } from "../replicas/model.ts";
import type { StageContext } from "../train/stage.ts";
import type { Evaluation } from "../run/events.ts";
import type { Recipe } from "./recipe.ts";
import { gradedRollout, type Rollout } from "../stage2-rl/rollout.ts";

type EvalMode = (typeof EVAL_MODES)[number];

export interface EvaluatedMode {
  readonly mode: EvalMode;
  readonly rollouts: readonly Rollout[];
}

/** Evaluates in every mode of the recipe and logs the figures; returns the traces. */
export async function evaluateStage(
  context: StageContext,
  recipe: Recipe,
  task: Task,
  onStep: (tokens: number) => void,
): Promise<readonly EvaluatedMode[]> {
  const settings = recipe.eval;
  const { config, weights, threads, device, precision } = context;
  const engines = { threads, device, precision, decodeBatch: settings.decodeBatch };
  const model = await replicate({ config, weights, loss: null, ...engines });
  const all = task.testProblems();
  const problems = settings.limit === null ? all : all.slice(0, settings.limit);
  const evaluated: EvaluatedMode[] = [];
  try {
    for (const mode of EVAL_MODES.filter((each) => settings.modes.includes(each))) {
      const samples = mode === "greedy" ? 1 : settings.samples;
      const requests = problems.flatMap((problem, item) => {
        const promptIds = context.tokenizer.encode(problem.prompt);
        return Array.from({ length: samples }, (_, sample) => ({
          promptIds,
          maxNewTokens: settings.maxNewTokens,
          temperature: mode === "greedy" ? 0 : settings.temperature,
          topP: mode === "greedy" ? 1 : settings.topP,
          // The same for every checkpoint and arm, so that two evaluations differ by their models alone.
          seed: randomStream({ root: recipe.seed, purpose: "evaluation", step: sample, item }).integer(2 ** 32),
        }));
      });
      const { endIds, signal } = context;
      const responses = await model.sample(requests, { endIds, signal, onStep });
      const rollouts = await Promise.all(
        responses.map((response, i) => {
          const group = Math.floor(i / samples);
          const promptIds = requests[i]!.promptIds;
          const place = { group, sample: i % samples, problem: problems[group]!, promptIds };
          return gradedRollout(context, task, recipe.window, { ...place, response });
        }),
      );
      logEvaluation(context, { mode, samples, rollouts, seed: recipe.seed });
      evaluated.push({ mode, rollouts });
    }
  } finally {
    await model.dispose();
  }
  return evaluated;
}

interface ModeResult {
  readonly mode: EvalMode;
  readonly samples: number;
  readonly rollouts: readonly Rollout[];
  readonly seed: number;
}

function logEvaluation(context: StageContext, { mode, samples, rollouts, seed }: ModeResult): void {
  const n = rollouts.length / samples;
  const means = Array.from({ length: n }, (_, problem) => {
    const own = rollouts.slice(problem * samples, (problem + 1) * samples);
    return own.filter(({ graded }) => graded.verdict === "right").length / samples;
  });
  context.log({
    type: "evaluation",
    arm: context.arm,
    stage: context.stage === "pretrain" ? "base" : context.stage,
    step: null,
    mode,
    n,
    samples,
    accuracy: sum(means) / n,
    ci95: accuracyInterval(means, samples, seed),
    meanTokens: sum(rollouts.map(({ response }) => response.ids.length)) / rollouts.length,
    truncated: rollouts.filter(({ response }) => response.finishReason === "length").length / rollouts.length,
    dependency: dependencyFigures(rollouts),
  });
}

function dependencyFigures(rollouts: readonly Rollout[]): NonNullable<Evaluation["dependency"]> | null {
  const measured = rollouts.flatMap(({ dependency }) => (dependency === null ? [] : [dependency]));
  if (measured.length === 0) return null;
  const means = measured.flatMap(({ meanLookupDistance }) => (meanLookupDistance === null ? [] : [meanLookupDistance]));
  const steps = sum(measured.map(({ stepCount }) => stepCount));
  return {
    beyondWindow: measured.filter(({ beyondWindow }) => beyondWindow).length / measured.length,
    meanDistance: means.length === 0 ? null : sum(means) / means.length,
    restating: steps === 0 ? null : sum(measured.map(({ restatingSteps }) => restatingSteps)) / steps,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
