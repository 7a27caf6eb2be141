// 95 % intervals: Wilson, Clopper-Pearson, and the bootstrap over problems.

import { invariant } from "../base/invariant.ts";
import { randomStream } from "../base/seeds.ts";
import { inverseBeta } from "./beta.ts";

export type Interval = readonly [low: number, high: number];

/** The 97.5 % point of the standard normal. */
export const NORMAL_975 = 1.959963984540054;
export const BOOTSTRAP_DRAWS = 10_000;

/**
 * Wilson's score interval of a share, without continuity correction.
 *
 * @param right  successes, 0 .. n
 * @source E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", equation for the limits
 */
export function wilsonInterval(right: number, n: number): Interval {
  invariant(n >= 1 && right >= 0 && right <= n, `wilsonInterval of ${right} in ${n}`);
  const z2 = NORMAL_975 * NORMAL_975;
  const share = right / n;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (NORMAL_975 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  // At 0 and n the limit is 0 or 1 by algebra; rounding must not leave it a hair inside.
  return [right === 0 ? 0 : Math.max(0, centre - half), right === n ? 1 : Math.min(1, centre + half)];
}

/**
 * The exact (Clopper-Pearson) interval of a share.
 *
 * @param right  successes, 0 .. n; a fraction is allowed (the beta quantiles need no integer)
 * @source Clopper and Pearson (1934), in its beta form: quantiles of Beta(x, n - x + 1) and Beta(x + 1, n - x)
 */
export function clopperPearsonInterval(right: number, n: number): Interval {
  invariant(n >= 1 && right >= 0 && right <= n, `clopperPearsonInterval of ${right} in ${n}`);
  return [
    right === 0 ? 0 : inverseBeta(0.025, right, n - right + 1),
    right === n ? 1 : inverseBeta(0.975, right + 1, n - right),
  ];
}

/**
 * The percentile bootstrap interval of a mean: 10,000 times, as many values as there are are drawn with replacement.
 *
 * @param values  one value a problem
 * @param seed    the same seed gives the same interval
 */
export function bootstrapInterval(values: readonly number[], seed: number, draws = BOOTSTRAP_DRAWS): Interval {
  const n = values.length;
  invariant(n >= 1, "bootstrapInterval of no values");
  const stream = randomStream({ root: seed, purpose: "bootstrap" });
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[stream.integer(n)]!;
    means[draw] = sum / n;
  }
  means.sort();
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

/**
 * The interval of an accuracy, by the rule of the contract: Wilson for one sample a problem; for several, the bootstrap
 * over problems, or Clopper-Pearson where every problem has the same mean and the bootstrap would be a single point.
 *
 * @param means  the mean verdict of each problem, 0 .. 1
 * @param samples  K, samples a problem
 */
export function accuracyInterval(means: readonly number[], samples: number, seed: number): Interval {
  const n = means.length;
  if (samples === 1) return wilsonInterval(means.filter((mean) => mean === 1).length, n);
  const first = means[0] ?? 0;
  if (means.every((mean) => mean === first)) return clopperPearsonInterval(first * n, n);
  return bootstrapInterval(means, seed);
}

/**
 * The value below which a share `p` of the sorted values lies, interpolated linearly between neighbours.
 *
 * @source Hyndman and Fan (1996), definition 7: the default of NumPy and R
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low + (high - low) * (position - below);
}
