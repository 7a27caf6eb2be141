// Rewards of a step → advantages, group by group; groups that teach nothing are named, not hidden.

import { invariant } from "../base/invariant.ts";

export const ADVANTAGE_SCALES = ["group", "batch", "none"] as const;
export const ADVANTAGE_BASELINES = ["mean", "leave-one-out"] as const;

export interface AdvantageSettings {
  /** what a reward is measured against: its group's mean, or the mean of the others in its group (RLOO) */
  readonly baseline: (typeof ADVANTAGE_BASELINES)[number];
  /** whose deviation the difference is divided by; "none" is Dr. GRPO's choice and RLOO's */
  readonly scale: (typeof ADVANTAGE_SCALES)[number];
  /** 0: population deviation, 1: sample deviation (as TRL and verl divide) */
  readonly ddof: 0 | 1;
  /** added to the deviation */
  readonly epsilon: number;
}

/** (R - mean) / (population deviation + 1e-4) */
export const DEFAULT_ADVANTAGES: AdvantageSettings = { baseline: "mean", scale: "group", ddof: 0, epsilon: 1e-4 };

/** The advantages of one group, in the order of its rollouts. */
export interface GroupAdvantages {
  readonly advantages: Float64Array;
  /** false when all the group's rewards are equal: its advantages are 0 and it is to be dropped */
  readonly informative: boolean;
  readonly mean: number;
  /** of the group's rewards, with the chosen ddof */
  readonly deviation: number;
}

/**
 * Advantages of every group of a step.
 *
 * @param rewards one array a group, at least two finite rewards each
 * @source Shao et al., "DeepSeekMath", section 4.1 (group scale); Liu et al., "Understanding R1-Zero-Like Training" (no
 *   scale); Ahmadian et al., "Back to Basics" (leave-one-out). TRL adds 1e-4 to a sample deviation, verl 1e-6.
 */
export function groupAdvantages(
  rewards: readonly (readonly number[])[],
  settings: AdvantageSettings = DEFAULT_ADVANTAGES,
): readonly GroupAdvantages[] {
  const batchDeviation = settings.scale === "batch" ? moments(rewards.flat(), settings.ddof).deviation : 0;
  return rewards.map((group, index) => {
    invariant(group.length >= 2, `group ${index} has ${group.length} rewards, at least two are compared`);
    const { mean, deviation } = moments(group, settings.ddof);
    // Compared as they are: the deviation of equal rewards such as 0.1 is not exactly 0.
    const informative = group.some((reward) => reward !== group[0]);
    const others = settings.baseline === "leave-one-out" ? group.length / (group.length - 1) : 1;
    const divisor = divisorOf(settings, deviation, batchDeviation);
    const advantages = Float64Array.from(group, (reward) => (informative ? (others * (reward - mean)) / divisor : 0));
    return { advantages, informative, mean, deviation };
  });
}

function divisorOf(settings: AdvantageSettings, groupDeviation: number, batchDeviation: number): number {
  const { scale, epsilon } = settings;
  switch (scale) {
    case "group":
      return groupDeviation + epsilon;
    case "batch":
      return batchDeviation + epsilon;
    case "none":
      return 1;
    default:
      return scale satisfies never;
  }
}

/** Mean and deviation in double arithmetic; the deviation of a single number is 0. */
export function moments(values: readonly number[], ddof: 0 | 1): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > ddof ? Math.sqrt(squares / (values.length - ddof)) : 0 };
}
