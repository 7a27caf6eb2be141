// Real numbers to about 115 decimal digits, each with a bound on its error, so that "equal" is never a matter of taste.

import { bitLength, integerSquareRoot, Refused, type Rational } from "./rational.ts";

/** The value m * 2^e, off by at most 2^err (-Infinity when exact). */
export interface Precise {
  readonly m: bigint;
  readonly e: number;
  readonly err: number;
}

/** A place where the expression has no value: a division by zero, the logarithm of zero. */
export class Undefined extends Error {
  constructor() {
    super("The expression has no value here.");
    this.name = "Undefined";
  }
}

export const PRECISION_BITS = 384;
/** Larger magnitudes are refused: the exponent, not the mantissa, is what a tower of powers makes grow. */
const MAX_EXPONENT = 1 << 20;

export const PRECISE_ZERO: Precise = { m: 0n, e: 0, err: -Infinity };
export const PRECISE_ONE: Precise = { m: 1n, e: 0, err: -Infinity };

export function fromRational(value: Rational): Precise {
  if (value.d === 1n) return rounded(value.n, 0, -Infinity);
  return divideReal(rounded(value.n, 0, -Infinity), rounded(value.d, 0, -Infinity));
}

/** log2 of the size, rounded up; -Infinity for zero */
export function magnitude(a: Precise): number {
  return a.m === 0n ? -Infinity : bitLength(a.m) + a.e;
}

export function addReal(a: Precise, b: Precise): Precise {
  if (a.m === 0n) return { ...b, err: widen(a.err, b.err) };
  if (b.m === 0n) return { ...a, err: widen(a.err, b.err) };
  const [high, low] = a.e >= b.e ? [a, b] : [b, a];
  const err = widen(a.err, b.err);
  if (magnitude(high) - magnitude(low) > 2 * PRECISION_BITS) return { ...high, err: widen(err, magnitude(low)) };
  if (high.e - low.e > 8 * PRECISION_BITS) return { ...low, err: widen(err, magnitude(high)) };
  return rounded((high.m << BigInt(high.e - low.e)) + low.m, low.e, err);
}

export function negateReal(a: Precise): Precise {
  return { ...a, m: -a.m };
}

export function subtractReal(a: Precise, b: Precise): Precise {
  return addReal(a, negateReal(b));
}

export function multiplyReal(a: Precise, b: Precise): Precise {
  const err = widen(shift(a.err, magnitude(b)), widen(shift(b.err, magnitude(a)), a.err + b.err));
  return rounded(a.m * b.m, a.e + b.e, err);
}

/** @throws `Undefined` when b may be zero */
export function divideReal(a: Precise, b: Precise): Precise {
  if (mayBeZero(b)) throw new Undefined();
  const sizeB = magnitude(b);
  const err = widen(a.err - sizeB + 2, shift(b.err - 2 * sizeB + 3, magnitude(a)));
  if (a.m === 0n) return { m: 0n, e: 0, err };
  const extra = Math.max(0, PRECISION_BITS + 2 + bitLength(b.m) - bitLength(a.m));
  return rounded((a.m << BigInt(extra)) / b.m, a.e - b.e - extra, widen(err, a.e - b.e - extra));
}

/** Of a value known to be >= 0 (tiny negative rounding counts as zero). */
export function squareRootReal(a: Precise): Precise {
  if (a.m <= 0n) return { m: 0n, e: 0, err: a.err / 2 };
  const extra = Math.max(0, 2 * PRECISION_BITS + 2 - bitLength(a.m));
  const even = (a.e - extra) % 2 === 0 ? extra : extra + 1;
  const e = (a.e - even) / 2;
  const size = magnitude(a);
  const err = a.err === -Infinity ? -Infinity : Math.max(a.err - size / 2 + 1, a.err > size ? a.err / 2 : -Infinity);
  return rounded(integerSquareRoot(a.m << BigInt(even)), e, widen(err, e));
}

/** Zero lies within the error bound. */
export function mayBeZero(a: Precise): boolean {
  return a.m === 0n || magnitude(a) - 1 <= a.err;
}

/** floor(value * 2^bits), for series in fixed point */
export function toFixedPoint(a: Precise, bits: number): bigint {
  const move = a.e + bits;
  if (move > 8 * PRECISION_BITS) throw new Refused("an argument is too large");
  return move >= 0 ? a.m << BigInt(move) : a.m >> BigInt(Math.min(-move, 1 << 22));
}

export function fromFixedPoint(value: bigint, bits: number, err: number): Precise {
  return rounded(value, -bits, err);
}

/** Doubles the bound of the larger of two errors (both as log2): an upper bound of their sum. */
export function widen(a: number, b: number): number {
  if (a === -Infinity) return b;
  return b === -Infinity ? a : Math.max(a, b) + 1;
}

function shift(err: number, by: number): number {
  return err === -Infinity || by === -Infinity ? -Infinity : err + by;
}

function rounded(m: bigint, e: number, err: number): Precise {
  if (m === 0n) return { m, e: 0, err };
  const surplus = bitLength(m) - PRECISION_BITS;
  const result =
    surplus <= 0 ? { m, e, err } : { m: m >> BigInt(surplus), e: e + surplus, err: widen(err, e + surplus) };
  if (Math.abs(magnitude(result)) > MAX_EXPONENT) throw new Refused("a number is too large");
  return result;
}
