// The fixed points at which expressions with unknowns are compared.

import type { Point } from "./evaluate.ts";
import { rational } from "./rational.ts";

/** Primes, so that no two unknowns meet in a ratio that a plausible wrong answer shares. */
const TOPS = [7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n, 43n, 47n, 53n, 59n, 61n, 67n, 71n, 73n, 79n, 83n];
const BOTTOMS = [5n, 3n, 9n, 8n, 15n, 4n, 21n];

/**
 * A value for every unknown.
 *
 * @param index  which point; the same index always gives the same one
 * @param kind  `mixed`: fractions, the even points positive, the odd ones of either sign; `whole`: integers from 3 up
 */
export function mapped(unknowns: readonly string[], index: number, kind: "mixed" | "whole"): Point {
  const point = new Map<string, ReturnType<typeof rational>>();
  for (const [place, name] of unknowns.entries()) {
    const draw = index * 7 + place * 3;
    if (kind === "whole") {
      point.set(name, rational(BigInt(3 + ((index * 5 + place * 4) % 23)), 1n));
      continue;
    }
    const negative = index % 2 === 1 && (place + ((index - 1) >> 1)) % 2 === 0;
    const top = (TOPS[draw % TOPS.length] ?? 7n) + BigInt(Math.floor(draw / TOPS.length));
    const bottom = BOTTOMS[(draw + index) % BOTTOMS.length] ?? 5n;
    point.set(name, rational(negative ? -top : top, bottom));
  }
  return point;
}
