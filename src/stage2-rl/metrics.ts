// What one RL step says of its rollouts: reward, accuracy, lengths, dependencies.

import { moments, type GroupAdvantages } from "./advantages.ts";
import type { Rollout } from "./rollout.ts";

export interface RolloutFigures {
  readonly rewardMean: number;
  readonly rewardStd: number;
  readonly rewardTerms: Readonly<Record<string, number>>;
  readonly accuracy: number;
  readonly degenerateGroups: number;
  readonly meanLength: number;
  readonly meanTerminatedLength: number | null;
  readonly truncated: number;
  readonly beyondWindow: number | null;
  readonly restating: number | null;
}

export function rolloutFigures(rollouts: readonly Rollout[], groups: readonly GroupAdvantages[]): RolloutFigures {
  const rewards = moments(
    rollouts.map(({ graded }) => graded.reward),
    0,
  );
  const lengths = rollouts.map(({ response }) => response.ids.length);
  const ended = rollouts.filter(({ response }) => response.finishReason === "stop");
  const measured = rollouts.flatMap(({ dependency }) => (dependency === null ? [] : [dependency]));
  const steps = sum(measured.map(({ stepCount }) => stepCount));
  return {
    rewardMean: rewards.mean,
    rewardStd: rewards.deviation,
    rewardTerms: meanTerms(rollouts),
    accuracy: share(rollouts, ({ graded }) => graded.verdict === "right"),
    degenerateGroups: share(groups, ({ informative }) => !informative),
    meanLength: sum(lengths) / lengths.length,
    meanTerminatedLength:
      ended.length === 0 ? null : sum(ended.map(({ response }) => response.ids.length)) / ended.length,
    truncated: 1 - ended.length / rollouts.length,
    beyondWindow: measured.length === 0 ? null : share(measured, ({ beyondWindow }) => beyondWindow),
    restating: steps === 0 ? null : sum(measured.map(({ restatingSteps }) => restatingSteps)) / steps,
  };
}

function meanTerms(rollouts: readonly Rollout[]): Record<string, number> {
  const names = new Set(rollouts.flatMap(({ graded }) => Object.keys(graded.terms)));
  const meanOf = (name: string): number => sum(rollouts.map(({ graded }) => graded.terms[name] ?? 0)) / rollouts.length;
  return Object.fromEntries([...names].map((name) => [name, meanOf(name)]));
}

function share<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  return items.filter(holds).length / items.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
