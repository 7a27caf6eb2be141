// Complex numbers over precise reals; a real result keeps an imaginary part of exactly zero.

import { angleOf, cosineAndSine, exponential, logarithm, pi } from "./elementary.ts";
import {
  addReal,
  divideReal,
  fromRational,
  magnitude,
  mayBeZero,
  multiplyReal,
  negateReal,
  PRECISE_ONE,
  PRECISE_ZERO,
  squareRootReal,
  subtractReal,
  Undefined,
  widen,
  type Precise,
} from "./precise.ts";
import { Refused, type Rational } from "./rational.ts";

export interface Complex {
  readonly re: Precise;
  readonly im: Precise;
}

export const COMPLEX_ZERO: Complex = { re: PRECISE_ZERO, im: PRECISE_ZERO };
export const COMPLEX_ONE: Complex = { re: PRECISE_ONE, im: PRECISE_ZERO };
export const IMAGINARY_UNIT: Complex = { re: PRECISE_ZERO, im: PRECISE_ONE };

/** Bits two values must share, relative to the larger one, before they count as known well enough to compare. */
const KNOWN_BITS = 160;

export function real(re: Precise): Complex {
  return { re, im: PRECISE_ZERO };
}

export function isReal(a: Complex): boolean {
  return a.im.m === 0n;
}

export function addComplex(a: Complex, b: Complex): Complex {
  return { re: addReal(a.re, b.re), im: addReal(a.im, b.im) };
}

export function negateComplex(a: Complex): Complex {
  return { re: negateReal(a.re), im: negateReal(a.im) };
}

export function multiplyComplex(a: Complex, b: Complex): Complex {
  if (isExactReal(a) && isExactReal(b)) return real(multiplyReal(a.re, b.re));
  return {
    re: subtractReal(multiplyReal(a.re, b.re), multiplyReal(a.im, b.im)),
    im: addReal(multiplyReal(a.re, b.im), multiplyReal(a.im, b.re)),
  };
}

/** @throws `Undefined` when b may be zero */
export function divideComplex(a: Complex, b: Complex): Complex {
  if (isExactReal(b)) {
    return { re: divideReal(a.re, b.re), im: isExactReal(a) ? PRECISE_ZERO : divideReal(a.im, b.re) };
  }
  const size = addReal(multiplyReal(b.re, b.re), multiplyReal(b.im, b.im));
  const product = multiplyComplex(a, { re: b.re, im: negateReal(b.im) });
  return { re: divideReal(product.re, size), im: divideReal(product.im, size) };
}

export function modulus(a: Complex): Precise {
  if (isExactReal(a)) return a.re.m < 0n ? negateReal(a.re) : a.re;
  return squareRootReal(addReal(multiplyReal(a.re, a.re), multiplyReal(a.im, a.im)));
}

/** exp(re) (cos im + i sin im) */
export function exponentialComplex(a: Complex): Complex {
  const size = exponential(a.re);
  if (isExactReal(a)) return real(size);
  const [cosine, sine] = cosineAndSine(a.im);
  return { re: multiplyReal(size, cosine), im: multiplyReal(size, sine) };
}

/** Principal branch. @throws `Undefined` at zero */
export function logarithmComplex(a: Complex): Complex {
  if (isExactReal(a) && a.re.m > 0n) return real(logarithm(a.re));
  return { re: logarithm(modulus(a)), im: angleOf(a.im, a.re) };
}

/** @throws `Undefined` for zero to a negative power; `Refused` past the range of exponents */
export function integerPower(base: Complex, exponent: bigint): Complex {
  if (exponent < 0n) return divideComplex(COMPLEX_ONE, integerPower(base, -exponent));
  if (exponent > 1n << 20n) throw new Refused("a power is too large");
  let result = COMPLEX_ONE;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiplyComplex(result, square);
    if (rest > 1n) square = multiplyComplex(square, square);
  }
  return result;
}

/** A rational power: the real root of a negative real base where the denominator is odd, else the principal value. */
export function rationalPower(base: Complex, exponent: Rational): Complex {
  if (exponent.d === 1n) return integerPower(base, exponent.n);
  if (exponent.d === 2n && exponent.n === 1n) return squareRoot(base);
  if (isExactReal(base)) {
    if (base.re.m === 0n) return zeroPower(base, exponent);
    const negative = base.re.m < 0n;
    if (!negative || exponent.d % 2n === 1n) {
      const size = exponential(multiplyReal(logarithm(modulus(base)), fromRational(exponent)));
      return real(negative && exponent.n % 2n !== 0n ? negateReal(size) : size);
    }
  }
  return exponentialComplex(multiplyComplex(logarithmComplex(base), real(fromRational(exponent))));
}

export function generalPower(base: Complex, exponent: Complex): Complex {
  return exponentialComplex(multiplyComplex(logarithmComplex(base), exponent));
}

/** @source sqrt z = sqrt((|z| + re)/2) + i sign(im) sqrt((|z| - re)/2) */
export function squareRoot(a: Complex): Complex {
  if (isExactReal(a)) {
    if (a.re.m >= 0n) return real(squareRootReal(a.re));
    return { re: PRECISE_ZERO, im: squareRootReal(negateReal(a.re)) };
  }
  const size = modulus(a);
  const im = squareRootReal(halved(subtractReal(size, a.re)));
  return { re: squareRootReal(halved(addReal(size, a.re))), im: a.im.m < 0n ? negateReal(im) : im };
}

export function radians(degrees: Complex): Complex {
  return multiplyComplex(degrees, real(divideReal(pi(), fromRational({ n: 180n, d: 1n }))));
}

/**
 * Whether two values are the same number: true or false when their error bounds decide it, null when they are not known
 * well enough.
 */
export function sameComplex(a: Complex, b: Complex): boolean | null {
  const scale = Math.max(magnitude(a.re), magnitude(a.im), magnitude(b.re), magnitude(b.im));
  const err = widen(widen(a.re.err, a.im.err), widen(b.re.err, b.im.err));
  const apart = !withinError(a.re, b.re) || !withinError(a.im, b.im);
  if (apart) return false;
  // Both are zero as far as anyone can tell: believe it when the error itself is negligible.
  return err < Math.max(scale, 0) - KNOWN_BITS ? true : null;
}

function withinError(a: Precise, b: Precise): boolean {
  const difference = subtractReal(a, b);
  if (difference.m === 0n) return true;
  return magnitude(difference) <= difference.err + 8;
}

/** Exact zero imaginary part, not one that came out as zero by rounding. */
function isExactReal(a: Complex): boolean {
  return a.im.m === 0n && a.im.err === -Infinity;
}

function zeroPower(base: Complex, exponent: Rational): Complex {
  if (exponent.n < 0n || !mayBeZero(base.re)) throw new Undefined();
  return COMPLEX_ZERO;
}

function halved(a: Precise): Precise {
  return { m: a.m, e: a.e - 1, err: a.err - 1 };
}
