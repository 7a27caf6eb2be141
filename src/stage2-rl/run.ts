// STAGE 2, top to bottom: sample groups under the window, reward final answers, turn rewards into advantages, update.

import { randomStream } from "../base/seeds.ts";
import { forwardFlops } from "../model/flops.ts";
import type { ModelConfig } from "../model/config.ts";
import { replicate } from "../replicas/model.ts";
import type { Task } from "../tasks/task.ts";
import { endIdOf } from "../tokens/end-id.ts";
import { learningRateAt } from "../train/schedule.ts";
import { scheduleOf } from "../train/settings.ts";
import { runSteps, type StageContext, type StageTotals } from "../train/stage.ts";
import { groupAdvantages } from "./advantages.ts";
import { rolloutFigures } from "./metrics.ts";
import { sampleRollouts, type Rollout } from "./rollout.ts";
import type { RlSettings } from "./settings.ts";
import { updatePolicy, type UpdateFigures, type WeighedRollout } from "./update.ts";

export interface RlRun {
  readonly settings: RlSettings;
  readonly task: Task;
  /** the recipe's window */
  readonly window: number;
  readonly snapshotEvery: number;
  /** sees the rollouts of every step */
  readonly onRollouts: (step: number, rollouts: readonly Rollout[]) => void;
}

/** Trains `context.weights` (or its adapter) in place. @returns what it cost */
export async function runRl(context: StageContext, run: RlRun): Promise<StageTotals> {
  const { config, weights, adapter, threads, device, precision } = context;
  const { settings, task, window, snapshotEvery } = run;
  // Without one every response is cut off, and the model learns no end.
  endIdOf(context, "The model");
  const clip = { low: settings.clipLow, high: settings.clipHigh };
  const loss = { kind: "clipped-policy", ...clip } as const;
  const engines = { threads, device, precision, decodeBatch: settings.decodeBatch };
  const model = await replicate({ config, weights, adapter, loss, ...engines });
  const schedule = scheduleOf(settings, settings.steps);

  const runStep = async (step: number, totals: StageTotals): Promise<void> => {
    const started = performance.now();
    const rollouts = await sampleRollouts(context, step, { task, settings, model, window });
    const sampled = performance.now();
    const groups = groupAdvantages(rewardsByGroup(rollouts, settings.groupSize), settings.advantage);
    const weighed = rollouts.map((rollout): WeighedRollout => {
      const { advantages, informative } = groups[rollout.group]!;
      return { rollout, advantage: advantages[rollout.sample]!, informative };
    });
    const learningRate = learningRateAt(schedule, step);
    const update = await updatePolicy(model, weighed, {
      config,
      padId: context.padId,
      microbatchTokens: settings.microbatchTokens,
      minibatches: settings.minibatches,
      clip,
      stream: randomStream({ root: context.seed, purpose: `minibatches ${context.arm}`, step }),
      update: { learningRate, maxGradientNorm: settings.clipNorm, adamw: settings.optimizer },
    });
    const tokensSampled = rollouts.reduce((total, { response }) => total + response.ids.length, 0);
    totals.tokensSampled += tokensSampled;
    totals.tokensTrained += update.tokensTrained;
    totals.flops += update.flops + samplingFlops(rollouts, config);
    run.onRollouts(step, rollouts);
    context.log({
      type: "rl-step",
      arm: context.arm,
      stage: context.stage,
      step,
      ...rolloutFigures(rollouts, groups),
      ...updateEvent(update),
      learningRate,
      tokensSampled,
      tokensTrained: update.tokensTrained,
      samplingTokensPerSecond: (1000 * tokensSampled) / (sampled - started),
      trainingTokensPerSecond: (1000 * update.tokensTrained) / (performance.now() - sampled),
    });
  };

  try {
    return await runSteps(context, model, { steps: settings.steps, snapshotEvery, runStep, state: () => ({}) });
  } finally {
    await model.dispose();
  }
}

function updateEvent(update: UpdateFigures): {
  entropyNats: number;
  clippedLow: number;
  clippedHigh: number;
  klToBehaviour: number;
  samplerTrainerMaxDifference: number;
  samplerTrainerMeanDifference: number;
  gradientNorm: number;
  lossNatsPerToken: number;
} {
  return {
    entropyNats: update.entropy,
    clippedLow: update.clippedLow,
    clippedHigh: update.clippedHigh,
    klToBehaviour: update.kl,
    samplerTrainerMaxDifference: update.mismatchMax,
    samplerTrainerMeanDifference: update.mismatchMean,
    gradientNorm: update.gradientNorm,
    lossNatsPerToken: update.loss,
  };
}

function rewardsByGroup(rollouts: readonly Rollout[], groupSize: number): number[][] {
  const groups: number[][] = [];
  for (let first = 0; first < rollouts.length; first += groupSize) {
    groups.push(rollouts.slice(first, first + groupSize).map(({ graded }) => graded.reward));
  }
  return groups;
}

/** A group's prompt is run once, its responses token by token. */
function samplingFlops(rollouts: readonly Rollout[], config: ModelConfig): number {
  return rollouts.reduce((total, { promptIds, response, sample }) => {
    const prompt = forwardFlops(config, promptIds.length);
    const whole = forwardFlops(config, promptIds.length + response.ids.length);
    return total + whole - prompt + (sample === 0 ? prompt : 0);
  }, 0);
}
