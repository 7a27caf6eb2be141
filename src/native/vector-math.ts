// Exponential, logarithm and sigmoid of a vector of float32 at a time.

import { literal, type Assembler, type Memory, type Vector } from "./assembler.ts";

const ALL = { broadcast: true } as const;
const NEAREST = { immediate: 8 } as const;
/** vrangeps: the operand of smaller magnitude, with the first one's sign */
const SMALLER_MAGNITUDE = 2;
/** vgetmantps: mantissas of [0.75, 1.5), NaN for numbers below 0, 1 for both zeros */
const MANTISSA = { immediate: 0b1111 } as const;

/** ln 2 in two parts, of which the first is a float32. */
const LN2 = Math.fround(Math.LN2);
const LN2_REST = Math.LN2 - LN2;

/** e^x in float32 is 0 from the one on down, infinite from the other on up. */
const [LEAST_POWER, MOST_POWER] = [-104.5, 89];

const MANTISSA_BITS = 23;
const EXPONENT_BIAS = 127;
const SMALLEST_NORMAL = 2 ** -126;
/** Makes any number above 0 normal. */
const MADE_NORMAL = 2 ** 23;
/** The bits of 0.75. */
const SMALLEST_MANTISSA = 0x3f400000;
/** How comparisons read; the last one holds where there is no number too. */
const [EQUAL, LESS, NOT_AT_LEAST] = [0, 0x11, 9];
/** What names a shift by a constant, where others name their destination. */
const [SHIFT_LEFT, SHIFT_RIGHT] = [6, 4];

/** (e^r - 1 - r)/r² for |r| <= ln(2)/2, by Remez exchange: e^r is within 3e-9 of its value. */
const EXP = [
  0.49999993432145023, 0.16666520399134407, 0.041668390780532534, 0.008368745100431787, 0.0013814540315145632,
];

/** (ln(1 + r) - r)/r² for -0.25 <= r < 0.5, by Remez exchange: ln(1 + r) is within 5e-9 of its value. */
const LOG = [
  -0.5000000082264237, 0.33333454443250976, -0.25000054584029624, 0.19990606754325027, -0.16647767054337162,
  0.1448206134428088, -0.13162232698764564, 0.10448333846817107, -0.04490963060633469,
];

/** Registers that are overwritten. */
export type Temps = readonly [Vector, Vector, Vector];

/** x := e^x in all lanes, within 1 ulp; also where the result is 0, infinite or below the normal numbers. */
export function emitExp(to: Assembler, x: Vector, temps: Temps): void {
  emitPower(to, x, temps, 1);
}

/** x := 1/(1 + e^-x) in all lanes, within 3 ulp; 0 for x below -88.7. */
export function emitSigmoid(to: Assembler, x: Vector, temps: Temps): void {
  emitPower(to, x, temps, -1);
  const [one] = temps;
  to.broadcast(one, literal(1));
  to.vector("vaddps", x, x, one);
  to.vector("vdivps", x, one, x);
}

/** x := e^(sign·x) = 2^n·e^(sign·r), with n whole and r = x - sign·n·ln 2 small. */
function emitPower(to: Assembler, x: Vector, [n, power]: Temps, sign: 1 | -1): void {
  const scales = to.set.name === "avx512";
  if (!scales) emitClamp(to, x, n, sign);
  to.vector("vmulps", n, x, literal(sign * Math.LOG2E), ALL);
  to.vector("vrndscaleps", n, 0, n, NEAREST);
  to.vector("vfnmadd231ps", x, n, literal(sign * LN2), ALL);
  to.vector("vfnmadd231ps", x, n, literal(sign * LN2_REST), ALL);
  // Without the clamp r may be anything where 2^n is 0, infinite or NaN; the result is right for any r that keeps the polynomial finite.
  if (scales) to.vector("vrangeps", x, x, literal(0.5), { ...ALL, immediate: SMALLER_MAGNITUDE });
  const factors = [1, 1, ...EXP].map((factor, degree) => factor * sign ** degree);
  emitHorner(to, power, x, factors);
  if (scales) to.vector("vscalefps", x, power, n);
  else emitScale(to, x, power, n);
}

/** x := x within the bounds beyond which e^(sign·x) is 0 or infinite in float32; what is not a number stays so. */
function emitClamp(to: Assembler, x: Vector, bound: Vector, sign: 1 | -1): void {
  // Of an operand that is not a number these take the second.
  to.broadcast(bound, literal(sign === 1 ? MOST_POWER : -LEAST_POWER));
  to.vector("vminps", x, bound, x);
  to.broadcast(bound, literal(sign === 1 ? LEAST_POWER : -MOST_POWER));
  to.vector("vmaxps", x, bound, x);
}

/** x := power·2^n in two steps, each by a normal number, so that only the last one rounds; overwrites n. */
function emitScale(to: Assembler, x: Vector, power: Vector, n: Vector): void {
  to.vector("vcvtps2dq", x, 0, n);
  shiftRight(to, n, x, 1);
  to.vector("vpsubd", x, x, n);
  for (const half of [n, x]) {
    to.vector("vpaddd", half, half, integer(EXPONENT_BIAS), ALL);
    shiftLeft(to, half, half, MANTISSA_BITS);
  }
  to.vector("vmulps", power, power, n);
  to.vector("vmulps", x, power, x);
}

/** x := the natural logarithm of x in all lanes, within 1 ulp: -Infinity of 0, NaN below. */
export function emitLog(to: Assembler, x: Vector, temps: Temps): void {
  const [exponent, series] = temps;
  // x = 2^exponent·(1 + r)
  if (to.set.name === "avx512") {
    to.vector("vgetexpps", exponent, 0, x);
    to.vector("vgetmantps", x, 0, x, MANTISSA);
    to.vector("vgetexpps", series, 0, x);
    to.vector("vsubps", exponent, exponent, series);
  } else emitSplit(to, x, temps);
  to.vector("vsubps", x, x, literal(1), ALL);
  // ln x = exponent·ln 2 + (r + r·(r·series))
  emitHorner(to, series, x, LOG);
  to.vector("vmulps", series, series, x);
  to.vector("vfmadd213ps", x, series, x);
  to.vector("vfmadd231ps", x, exponent, literal(Math.LN2), ALL);
}

/** x := its mantissa in [0.75, 1.5), and `exponent` what is left: infinite for 0 and infinity, NaN for what has no logarithm. */
function emitSplit(to: Assembler, x: Vector, [exponent, chosen, other]: Temps): void {
  const compare = (how: number, value: number): void =>
    to.vector("vcmpps", chosen, x, literal(value), { ...ALL, immediate: how });
  const choose = (dst: Vector, otherwise: Vector | Memory): void =>
    to.vector("vblendvps", dst, dst, otherwise, { immediate: chosen << 4 });
  // Numbers below the normal ones are made normal.
  compare(LESS, SMALLEST_NORMAL);
  to.vector("vmulps", other, x, literal(MADE_NORMAL), ALL);
  choose(x, other);
  to.vector("vpandd", exponent, chosen, literal(-Math.log2(MADE_NORMAL)), ALL);
  for (const [how, value, result] of [
    [EQUAL, 0, -Infinity],
    [EQUAL, Infinity, Infinity],
    [NOT_AT_LEAST, 0, NaN],
  ] as const) {
    compare(how, value);
    to.broadcast(other, literal(result));
    choose(exponent, other);
  }
  to.vector("vpsubd", chosen, x, integer(SMALLEST_MANTISSA), ALL);
  shiftRight(to, chosen, chosen, MANTISSA_BITS);
  to.vector("vcvtdq2ps", other, 0, chosen);
  to.vector("vaddps", exponent, exponent, other);
  shiftLeft(to, chosen, chosen, MANTISSA_BITS);
  to.vector("vpsubd", x, x, chosen);
}

function shiftLeft(to: Assembler, dst: Vector, x: Vector, bits: number): void {
  to.vector("vpslld", SHIFT_LEFT, dst, x, { immediate: bits });
}

/** With the sign kept. */
function shiftRight(to: Assembler, dst: Vector, x: Vector, bits: number): void {
  to.vector("vpsrad", SHIFT_RIGHT, dst, x, { immediate: bits });
}

/** A whole number of 32 bits behind the code. */
function integer(value: number): Memory {
  return { base: 0, literal: [value] };
}

/** sum := the polynomial in x of these factors, lowest degree first. */
function emitHorner(to: Assembler, sum: Vector, x: Vector, factors: readonly number[]): void {
  to.broadcast(sum, literal(factors.at(-1)!));
  for (const factor of factors.slice(0, -1).reverse()) to.vector("vfmadd213ps", sum, x, literal(factor), ALL);
}
