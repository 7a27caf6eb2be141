// Two sets of figures on the same problems: the paired difference, its interval, and an exact sign test.

import { invariant } from "../base/invariant.ts";
import { bootstrapInterval, clopperPearsonInterval, type Interval } from "./intervals.ts";
import { meanOf } from "./score.ts";

export interface Comparison {
  /** problems */
  readonly n: number;
  /** accuracy of A and of B: the mean over problems of the mean over samples */
  readonly a: number;
  readonly b: number;
  /** a - b */
  readonly difference: number;
  readonly ci95: Interval;
  /** problems on which A's mean is above B's, below it, equal to it */
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** two-sided exact binomial on wins against losses; 1 when there are neither */
  readonly pValue: number;
}

/**
 * Compares per-problem means pairwise.
 *
 * @param meansA, meansB  one mean a problem, in the same order, each 0 .. 1
 * @param seed  of the bootstrap
 */
export function comparePaired(meansA: readonly number[], meansB: readonly number[], seed: number): Comparison {
  const n = meansA.length;
  invariant(n > 0 && meansB.length === n, `comparePaired of ${n} and ${meansB.length} problems`);
  const differences = meansA.map((mean, index) => mean - (meansB[index] ?? NaN));
  const wins = differences.filter((difference) => difference > 0).length;
  const losses = differences.filter((difference) => difference < 0).length;
  const a = meanOf(meansA);
  const b = meanOf(meansB);
  return {
    n,
    a,
    b,
    difference: a - b,
    ci95: differenceInterval(differences, seed),
    wins,
    losses,
    ties: n - wins - losses,
    pValue: signTest(wins, losses),
  };
}

/**
 * Two-sided exact sign test: twice the chance of a split at least as uneven as this one under a fair coin, at most 1.
 *
 * @source Dixon and Mood (1946), "The statistical sign test"; ties are left out
 */
export function signTest(wins: number, losses: number): number {
  const n = wins + losses;
  if (wins === losses) return 1;
  // Integers, so that no rounding enters before the one division at the end.
  let choose = 1n;
  let tail = 0n;
  for (let k = 0; k <= Math.min(wins, losses); k++) {
    tail += choose;
    choose = (choose * BigInt(n - k)) / BigInt(k + 1);
  }
  const spareBits = Math.max(0, tail.toString(2).length - 64);
  return Math.min(1, Number(tail >> BigInt(spareBits)) * 2 ** (spareBits + 1 - n));
}

/**
 * The bootstrap over problems; where every problem has the same difference d it would be a single point, so instead: with
 * 97.5 % confidence at most a share u of problems differs from d (Clopper-Pearson of 0 in n), and those may lie anywhere
 * in -1 .. 1.
 */
export function differenceInterval(differences: readonly number[], seed: number): Interval {
  const first = differences[0] ?? 0;
  if (differences.some((difference) => difference !== first)) return bootstrapInterval(differences, seed);
  const [, most] = clopperPearsonInterval(0, differences.length);
  return [first - most * (first + 1), first + most * (1 - first)];
}
