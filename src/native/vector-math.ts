// Exponential, logarithm and sigmoid of sixteen float32 at a time.

import { literal, type Assembler, type Zmm } from "./assembler.ts";

const ALL = { broadcast: true } as const;
const NEAREST = { immediate: 8 } as const;
/** vrangeps: the operand of smaller magnitude, with the first one's sign */
const SMALLER_MAGNITUDE = 2;
/** vgetmantps: mantissas of [0.75, 1.5), NaN for numbers below 0, 1 for both zeros */
const MANTISSA = { immediate: 0b1111 } as const;

/** ln 2 in two parts, of which the first is a float32. */
const LN2 = Math.fround(Math.LN2);
const LN2_REST = Math.LN2 - LN2;

/** (e^r - 1 - r)/r² for |r| <= ln(2)/2, by Remez exchange: e^r is within 3e-9 of its value. */
const EXP = [
  0.49999993432145023, 0.16666520399134407, 0.041668390780532534, 0.008368745100431787, 0.0013814540315145632,
];

/** (ln(1 + r) - r)/r² for -0.25 <= r < 0.5, by Remez exchange: ln(1 + r) is within 5e-9 of its value. */
const LOG = [
  -0.5000000082264237, 0.33333454443250976, -0.25000054584029624, 0.19990606754325027, -0.16647767054337162,
  0.1448206134428088, -0.13162232698764564, 0.10448333846817107, -0.04490963060633469,
];

/** x := e^x in all lanes, within 1 ulp; also where the result is 0, infinite or below the normal numbers. */
export function emitExp(to: Assembler, x: Zmm, temps: readonly [Zmm, Zmm]): void {
  emitPower(to, x, temps, 1);
}

/** x := 1/(1 + e^-x) in all lanes, within 3 ulp; 0 for x below -88.7. */
export function emitSigmoid(to: Assembler, x: Zmm, temps: readonly [Zmm, Zmm]): void {
  emitPower(to, x, temps, -1);
  const [one] = temps;
  to.broadcast(one, literal(1));
  to.vector("vaddps", x, x, one);
  to.vector("vdivps", x, one, x);
}

/** x := e^(sign·x) = 2^n·e^(sign·r), with n whole and r = x - sign·n·ln 2 small. */
function emitPower(to: Assembler, x: Zmm, [n, power]: readonly [Zmm, Zmm], sign: 1 | -1): void {
  to.vector("vmulps", n, x, literal(sign * Math.LOG2E), ALL);
  to.vector("vrndscaleps", n, 0, n, NEAREST);
  to.vector("vfnmadd231ps", x, n, literal(sign * LN2), ALL);
  to.vector("vfnmadd231ps", x, n, literal(sign * LN2_REST), ALL);
  // Where 2^n is 0, infinite or NaN, r may be anything; the result is right for any r that keeps the polynomial finite.
  to.vector("vrangeps", x, x, literal(0.5), { ...ALL, immediate: SMALLER_MAGNITUDE });
  const factors = [1, 1, ...EXP].map((factor, degree) => factor * sign ** degree);
  emitHorner(to, power, x, factors);
  to.vector("vscalefps", x, power, n);
}

/** x := the natural logarithm of x in all lanes, within 1 ulp: -Infinity of 0, NaN below. */
export function emitLog(to: Assembler, x: Zmm, [exponent, series]: readonly [Zmm, Zmm]): void {
  // x = 2^exponent·(1 + r)
  to.vector("vgetexpps", exponent, 0, x);
  to.vector("vgetmantps", x, 0, x, MANTISSA);
  to.vector("vgetexpps", series, 0, x);
  to.vector("vsubps", exponent, exponent, series);
  to.vector("vsubps", x, x, literal(1), ALL);
  // ln x = exponent·ln 2 + (r + r·(r·series))
  emitHorner(to, series, x, LOG);
  to.vector("vmulps", series, series, x);
  to.vector("vfmadd213ps", x, series, x);
  to.vector("vfmadd231ps", x, exponent, literal(Math.LN2), ALL);
}

/** sum := the polynomial in x of these factors, lowest degree first. */
function emitHorner(to: Assembler, sum: Zmm, x: Zmm, factors: readonly number[]): void {
  to.broadcast(sum, literal(factors.at(-1)!));
  for (const factor of factors.slice(0, -1).reverse()) to.vector("vfmadd213ps", sum, x, literal(factor), ALL);
}
