// The value of an expression at a point: exactly where it is rational, to 115 digits elsewhere.

import { callExactly, callPrecisely } from "./functions.ts";
import {
  addComplex,
  COMPLEX_ONE,
  COMPLEX_ZERO,
  divideComplex,
  exponentialComplex,
  generalPower,
  IMAGINARY_UNIT,
  isReal,
  multiplyComplex,
  rationalPower,
  real,
  type Complex,
} from "./complex.ts";
import { pi } from "./elementary.ts";
import { canonical, type Expression } from "./expression.ts";
import { fromRational, Undefined } from "./precise.ts";
import { add, divide, multiply, ONE, power, Refused, root, ZERO, type Rational } from "./rational.ts";

/** Values of the unknowns, by name. */
export type Point = ReadonlyMap<string, Rational>;

/** Steps one judgement may take, about a second's worth; an answer of 500 characters takes a few thousand. */
const MAX_STEPS = 300_000;
/** An irrational operation costs about as much as this many exact ones. */
const PRECISE_STEPS = 40;

/** Counts the steps of one judgement, so that finite sums, long lists and nested calls cannot multiply without bound. */
export class Steps {
  #left = MAX_STEPS;
  #real = true;

  take(count = 1): void {
    this.#left -= count;
    if (this.#left < 0) throw new Refused("it takes too many steps");
  }

  /** Begins a point; `stayedReal` then tells whether a root or logarithm of a real left the reals. */
  enterReals(): void {
    this.#real = true;
  }

  leaveReals(): void {
    this.#real = false;
  }

  stayedReal(): boolean {
    return this.#real;
  }
}

/**
 * @returns null when the value is not rational, or not known to be
 * @throws `Undefined` at a division by zero; `Refused` when the value is too large
 */
export function exactValue(a: Expression, at: Point, steps: Steps): Rational | null {
  steps.take();
  switch (a.kind) {
    case "number":
      return a.value;
    case "symbol":
      return at.get(a.name) ?? null;
    case "opaque":
      return at.get(canonical(a)) ?? null;
    case "sum":
      return folded(a.terms, ZERO, add, at, steps);
    case "product":
      return folded(a.factors, ONE, multiply, at, steps);
    case "quotient": {
      const top = exactValue(a.top, at, steps);
      const bottom = exactValue(a.bottom, at, steps);
      if (bottom?.n === 0n) throw new Undefined();
      return top === null || bottom === null ? null : divide(top, bottom);
    }
    case "power":
      return exactPower(exactValue(a.base, at, steps), exactValue(a.exponent, at, steps));
    case "call":
      return callExactly(a, (part, point = at) => exactValue(part, point, steps), at);
    default:
      return a satisfies never;
  }
}

/** @throws `Undefined` where there is no value; `Refused` when it is too large or a function is unknown */
export function preciseValue(a: Expression, at: Point, steps: Steps): Complex {
  const exact = exactValue(a, at, steps);
  if (exact !== null) return real(fromRational(exact));
  steps.take(PRECISE_STEPS);
  const value = irrationalValue(a, at, steps);
  if ((a.kind === "power" || a.kind === "call") && !isReal(value)) steps.leaveReals();
  return value;
}

function irrationalValue(a: Expression, at: Point, steps: Steps): Complex {
  switch (a.kind) {
    case "symbol":
      return constantValue(a.name);
    case "sum":
      return a.terms.reduce((total, term) => addComplex(total, preciseValue(term, at, steps)), COMPLEX_ZERO);
    case "product":
      return a.factors.reduce((total, factor) => multiplyComplex(total, preciseValue(factor, at, steps)), COMPLEX_ONE);
    case "quotient":
      return divideComplex(preciseValue(a.top, at, steps), preciseValue(a.bottom, at, steps));
    case "power":
      return precisePower(a.base, a.exponent, at, steps);
    case "call":
      return callPrecisely(a, (part, point = at) => preciseValue(part, point, steps), at);
    case "number":
    case "opaque":
      throw new Refused("a part has no value");
    default:
      return a satisfies never;
  }
}

function precisePower(base: Expression, exponent: Expression, at: Point, steps: Steps): Complex {
  const known = exactValue(exponent, at, steps);
  if (base.kind === "symbol" && base.name === "e") return exponentialComplex(preciseValue(exponent, at, steps));
  const below = preciseValue(base, at, steps);
  return known === null ? generalPower(below, preciseValue(exponent, at, steps)) : rationalPower(below, known);
}

function constantValue(name: string): Complex {
  if (name === "pi") return real(pi());
  if (name === "e") return exponentialComplex(COMPLEX_ONE);
  if (name === "i") return IMAGINARY_UNIT;
  throw new Refused(`"${name}" has no value`);
}

function folded(
  parts: readonly Expression[],
  start: Rational,
  combine: (a: Rational, b: Rational) => Rational,
  at: Point,
  steps: Steps,
): Rational | null {
  let total = start;
  for (const part of parts) {
    const value = exactValue(part, at, steps);
    if (value === null) return null;
    total = combine(total, value);
  }
  return total;
}

function exactPower(base: Rational | null, exponent: Rational | null): Rational | null {
  if (base === null || exponent === null) return null;
  if (base.n === 0n && exponent.n <= 0n) throw new Undefined();
  if (exponent.d === 1n) return power(base, exponent.n);
  const rooted = root(base, exponent.d);
  return rooted === null ? null : power(rooted, exponent.n);
}
