// Exact rational numbers over BigInt, with a bound on their size so that no answer can make them large.

/** n/d in lowest terms, d > 0. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/**
 * A computation that was not begun because its result would be too large. It never leaves verify/: it becomes a verdict.
 */
export class Refused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Refused";
  }
}

/** Largest numerator or denominator, in bits: 100! has 525, 2^1009 has 1010, a 1000-digit literal 3322. */
export const MAX_BITS = 8192;

export const ZERO: Rational = { n: 0n, d: 1n };
export const ONE: Rational = { n: 1n, d: 1n };

export function integer(n: bigint | number): Rational {
  return { n: BigInt(n), d: 1n };
}

/** @throws `Refused` when the result would pass MAX_BITS; @throws RangeError on d = 0 (callers check) */
export function rational(n: bigint, d: bigint): Rational {
  if (d === 0n) throw new RangeError("A denominator is zero.");
  if (bitLength(n) > 4 * MAX_BITS || bitLength(d) > 4 * MAX_BITS) throw new Refused("a number is too large");
  const divisor = gcd(n < 0n ? -n : n, d < 0n ? -d : d);
  const sign = d < 0n ? -1n : 1n;
  const reduced = divisor === 1n && sign === 1n ? { n, d } : { n: (sign * n) / divisor, d: (sign * d) / divisor };
  if (bitLength(reduced.n) > MAX_BITS || bitLength(reduced.d) > MAX_BITS) throw new Refused("a number is too large");
  return reduced;
}

export function add(a: Rational, b: Rational): Rational {
  if (a.d === 1n && b.d === 1n) return rational(a.n + b.n, 1n);
  return rational(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function negate(a: Rational): Rational {
  return { n: -a.n, d: a.d };
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b));
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.n * b.n, a.d * b.d);
}

/** null when b is zero */
export function divide(a: Rational, b: Rational): Rational | null {
  return b.n === 0n ? null : rational(a.n * b.d, a.d * b.n);
}

/** a^exponent; null for 0 to a negative power. @throws `Refused` before computing a power past MAX_BITS */
export function power(a: Rational, exponent: bigint): Rational | null {
  if (exponent === 0n) return ONE;
  if (a.n === 0n) return exponent > 0n ? ZERO : null;
  const size = exponent < 0n ? -exponent : exponent;
  if (a.d === 1n && (a.n === 1n || a.n === -1n)) return size % 2n === 0n ? ONE : a;
  const bits = BigInt(Math.max(bitLength(a.n), bitLength(a.d)));
  if ((bits - 1n) * size > BigInt(MAX_BITS)) throw new Refused("a power is too large");
  const raised = rational(a.n ** size, a.d ** size);
  return exponent > 0n ? raised : rational(raised.d, raised.n);
}

/** The exact real root, or null when it is irrational (or the index is even and a negative). */
export function root(a: Rational, index: bigint): Rational | null {
  if (index < 1n || index > 64n) return null;
  const n = integerRoot(a.n, index);
  const d = integerRoot(a.d, index);
  return n === null || d === null ? null : { n, d };
}

export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.n * b.d - b.n * a.d;
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

export function equals(a: Rational, b: Rational): boolean {
  return a.n === b.n && a.d === b.d;
}

export function absolute(a: Rational): Rational {
  return a.n < 0n ? negate(a) : a;
}

export function floor(a: Rational): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && quotient * a.d !== a.n ? quotient - 1n : quotient;
}

/** Bits of |n|; time linear in its size. */
export function bitLength(n: bigint): number {
  if (n < 0x80000000n && n > -0x80000000n) return 32 - Math.clz32(Math.abs(Number(n)));
  const hex = (n < 0n ? -n : n).toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}

/** Largest s with s^2 <= n, for n >= 0. */
export function integerSquareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let guess = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (guess + n / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

function integerRoot(n: bigint, index: bigint): bigint | null {
  if (n < 0n) {
    if (index % 2n === 0n) return null;
    const positive = integerRoot(-n, index);
    return positive === null ? null : -positive;
  }
  if (n < 2n) return n;
  let guess = 1n << BigInt(Math.ceil(bitLength(n) / Number(index)) + 1);
  for (;;) {
    const next = ((index - 1n) * guess + n / guess ** (index - 1n)) / index;
    if (next >= guess) break;
    guess = next;
  }
  return guess ** index === n ? guess : null;
}

/** Of two integers >= 0. */
export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
