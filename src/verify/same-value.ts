// Whether two expressions are the same: exactly where they are rational, to 115 digits elsewhere, at many points where they hold unknowns.

import { mapped } from "./points.ts";
import { isReal, sameComplex } from "./complex.ts";
import { exactValue, preciseValue, type Point, type Steps } from "./evaluate.ts";
import { canonical, unknownsOf, type Expression } from "./expression.ts";
import { isRoundingOf, type Decimal } from "./literal.ts";
import { Undefined, type Precise } from "./precise.ts";
import { equals, rational, Refused, type Rational } from "./rational.ts";

/** An expression with what its writer vouched for. */
export interface Value {
  readonly expression: Expression;
  /** set when it is one literal with a decimal point, which may be a rounding */
  readonly decimal: Decimal | null;
}

const NOWHERE: Point = new Map();
/** Points that must agree. Rational functions that differ agree at a random point with a chance below 1e-3 each. */
const LEAST_POINTS = 4;
const POINTS = 6;

/**
 * @returns null when it cannot be told: no common domain was found, or too few digits are known
 * @throws `Refused` when an evaluation would grow too large
 */
export function sameValue(a: Value, b: Value, steps: Steps): boolean | null {
  const unknowns = [...unknownsOf(b.expression, unknownsOf(a.expression))].sort();
  if (unknowns.length > 0) return sameFunction(a.expression, b.expression, unknowns, steps);
  try {
    return sameConstant(a, b, steps);
  } catch (thrown) {
    // 1/0 equals nothing, not even itself.
    if (thrown instanceof Undefined) return null;
    throw thrown;
  }
}

function sameConstant(a: Value, b: Value, steps: Steps): boolean | null {
  const exactA = exactValue(a.expression, NOWHERE, steps);
  const exactB = exactValue(b.expression, NOWHERE, steps);
  if (exactA !== null && exactB !== null) {
    if (equals(exactA, exactB)) return true;
    return (
      (b.decimal !== null && isRoundingOf(b.decimal, exactA)) || (a.decimal !== null && isRoundingOf(a.decimal, exactB))
    );
  }
  const preciseA = preciseValue(a.expression, NOWHERE, steps);
  const preciseB = preciseValue(b.expression, NOWHERE, steps);
  const same = sameComplex(preciseA, preciseB);
  if (same !== false) return same;
  if (b.decimal !== null && isReal(preciseA)) return isRoundingOf(b.decimal, bracket(preciseA.re));
  if (a.decimal !== null && isReal(preciseB)) return isRoundingOf(a.decimal, bracket(preciseB.re));
  return false;
}

/**
 * Compares at points of both signs. A point where a root or logarithm leaves the reals on either side is outside the
 * domain and does not count (sqrt(a/b) is sqrt(a)/sqrt(b)), while sqrt(x^2) and x differ at -3.
 */
function sameFunction(a: Expression, b: Expression, unknowns: readonly string[], steps: Steps): boolean | null {
  if (canonical(a) === canonical(b)) return true;
  for (const [domain, kind] of [
    ["real", "mixed"],
    ["real", "whole"],
    ["complex", "mixed"],
  ] as const) {
    let agreed = 0;
    for (let index = 0; index < POINTS; index++) {
      const same = sameAt(a, b, mapped(unknowns, index, kind), domain, steps);
      if (same === false) return false;
      if (same === true) agreed += 1;
    }
    if (agreed >= LEAST_POINTS) return true;
  }
  return null;
}

/** null where the point says nothing. */
function sameAt(a: Expression, b: Expression, at: Point, domain: "real" | "complex", steps: Steps): boolean | null {
  try {
    const exactA = exactValue(a, at, steps);
    const exactB = exactValue(b, at, steps);
    if (exactA !== null && exactB !== null) return equals(exactA, exactB);
    steps.enterReals();
    const [preciseA, preciseB] = [preciseValue(a, at, steps), preciseValue(b, at, steps)];
    if (domain === "real" && !steps.stayedReal()) return null;
    return sameComplex(preciseA, preciseB);
  } catch (thrown) {
    if (thrown instanceof Undefined) return null;
    // A single point may be out of reach (x! at 7/3, 2^x at a large x); the step budget is spent for good.
    if (thrown instanceof Refused && thrown.message !== "it takes too many steps") return null;
    throw thrown;
  }
}

/** The value as a rational interval. */
export function bracket(a: Precise): readonly [Rational, Rational] {
  const margin = 1n << BigInt(Math.max(64, Math.min(a.err === -Infinity ? 0 : Math.ceil(a.err - a.e) + 1, 4096)));
  const scaled = (m: bigint, e: number): Rational =>
    e >= 0 ? rational(m << BigInt(e), 1n) : rational(m, 1n << BigInt(-e));
  return [scaled(a.m - margin, a.e), scaled(a.m + margin, a.e)];
}
