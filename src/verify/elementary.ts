// exp, ln, sine, cosine, arctangent and pi for precise reals, by series in fixed point after range reduction.

import {
  addReal,
  divideReal,
  fromFixedPoint,
  magnitude,
  mayBeZero,
  multiplyReal,
  negateReal,
  PRECISE_ONE,
  PRECISE_ZERO,
  PRECISION_BITS,
  squareRootReal,
  subtractReal,
  toFixedPoint,
  Undefined,
  widen,
  type Precise,
} from "./precise.ts";
import { Refused } from "./rational.ts";

/** Fixed-point bits: 64 guard bits outlast the roundings of every series here. */
const BITS = PRECISION_BITS + 64;
const UNIT = 1n << BigInt(BITS);
/** A series in fixed point is off by less than this, as log2. */
const SERIES_ERR = -(PRECISION_BITS + 8);

const kept = new Map<string, bigint>();

function constant(name: string, compute: () => bigint): bigint {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const value = compute();
  kept.set(name, value);
  return value;
}

/** @source Machin: pi/4 = 4 arctan(1/5) - arctan(1/239) */
function piFixed(): bigint {
  return constant("pi", () => 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n)));
}

/** @source ln 2 = 2 artanh(1/3) */
function ln2Fixed(): bigint {
  return constant("ln2", () => 2n * artanhSeries(UNIT / 3n));
}

export function pi(): Precise {
  return fromFixedPoint(piFixed(), BITS, SERIES_ERR);
}

export function exponential(x: Precise): Precise {
  if (magnitude(x) > 20) throw new Refused("an exponent is too large");
  const fixed = toFixedPoint(x, BITS);
  const doublings = fixed / ln2Fixed();
  // |r| < ln 2, then / 2^16 so that a dozen terms suffice; the squarings cost 16 of the 64 guard bits.
  const r = (fixed - doublings * ln2Fixed()) >> 16n;
  let term = UNIT;
  let sum = UNIT;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = ((term * r) >> BigInt(BITS)) / k;
    sum += term;
  }
  for (let i = 0; i < 16; i++) sum = (sum * sum) >> BigInt(BITS);
  const scaled = fromFixedPoint(sum, BITS, SERIES_ERR);
  const e = Number(doublings);
  return { m: scaled.m, e: scaled.e + e, err: widen(scaled.err, x.err + 2) + e };
}

/** Natural logarithm of a positive value. @throws `Undefined` when it may be zero or negative */
export function logarithm(x: Precise): Precise {
  if (mayBeZero(x) || x.m < 0n) throw new Undefined();
  const size = magnitude(x);
  // x = y * 2^size with y in [1/2, 1): ln y = -2 artanh((1 - y)/(1 + y))
  const y = toFixedPoint({ m: x.m, e: x.e - size, err: x.err }, BITS);
  const z = ((UNIT - y) << BigInt(BITS)) / (UNIT + y);
  const value = -2n * artanhSeries(z) + BigInt(size) * ln2Fixed();
  return fromFixedPoint(value, BITS, widen(SERIES_ERR, x.err - size + 2));
}

/** [cos x, sin x] */
export function cosineAndSine(x: Precise): readonly [Precise, Precise] {
  if (magnitude(x) > 64) throw new Refused("an angle is too large");
  const turn = 2n * piFixed();
  let r = toFixedPoint(x, BITS) % turn;
  if (r < 0n) r += turn;
  // Halve the angle eight times, sum the series of 1 - cos, and double back by 1 - cos 2a = 2(1 - cos a)(1 + cos a).
  const a = r >> 8n;
  const square = (a * a) >> BigInt(BITS);
  let term = UNIT;
  let versed = 0n;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = -((term * square) >> BigInt(BITS)) / ((2n * k - 1n) * (2n * k));
    versed -= term;
  }
  for (let i = 0; i < 8; i++) versed = (2n * versed * (2n * UNIT - versed)) >> BigInt(BITS);
  const err = widen(SERIES_ERR, x.err);
  const cosine = fromFixedPoint(UNIT - versed, BITS, err);
  const sineSquared = (versed * (2n * UNIT - versed)) >> BigInt(BITS);
  const size = squareRootReal(fromFixedPoint(sineSquared, BITS, SERIES_ERR));
  const sine = { ...size, err: Math.max(size.err, err) };
  return [cosine, r > piFixed() ? negateReal(sine) : sine];
}

/** In (-pi/2, pi/2). */
export function arctangent(x: Precise): Precise {
  let t = x;
  for (let i = 0; i < 4; i++) {
    const hypotenuse = squareRootReal(addReal(PRECISE_ONE, multiplyReal(t, t)));
    t = divideReal(t, addReal(PRECISE_ONE, hypotenuse));
  }
  const fixed = toFixedPoint(t, BITS);
  const square = (fixed * fixed) >> BigInt(BITS);
  let power = fixed;
  let sum = fixed;
  for (let k = 3n; power !== 0n && power !== -1n; k += 2n) {
    power = -((power * square) >> BigInt(BITS));
    sum += power / k;
  }
  return fromFixedPoint(sum * 16n, BITS, widen(SERIES_ERR + 4, widen(t.err, x.err) + 5));
}

/** The angle of the point (x, y) in (-pi, pi]. @throws `Undefined` at the origin */
export function angleOf(y: Precise, x: Precise): Precise {
  if (mayBeZero(x) && mayBeZero(y)) throw new Undefined();
  const quarter = pi();
  const half = { ...quarter, e: quarter.e - 1 };
  if (mayBeZero(x)) return y.m > 0n ? half : negateReal(half);
  if (y.m === 0n) return x.m > 0n ? PRECISE_ZERO : pi();
  const base = arctangent(divideReal(y, x));
  if (x.m > 0n) return base;
  return y.m >= 0n ? addReal(base, pi()) : subtractReal(base, pi());
}

function arctanOfInverse(n: bigint): bigint {
  let power = UNIT / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

function artanhSeries(z: bigint): bigint {
  const square = (z * z) >> BigInt(BITS);
  let power = z;
  let sum = z;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = (power * square) >> BigInt(BITS);
    sum += power / k;
  }
  return sum;
}
