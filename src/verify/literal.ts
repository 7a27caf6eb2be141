// A number as it was written: its exact value, and how many digits its writer vouched for.

import { absolute, floor, integer, rational, Refused, type Rational } from "./rational.ts";

/** A literal with a decimal point. */
export interface Decimal {
  readonly value: Rational;
  /** digits after the point, trailing zeros left out */
  readonly places: number;
  /** significant digits, trailing zeros left out: 0.0330 has 2 */
  readonly digits: number;
}

/** Longer literals are refused; a 1000-digit answer is no answer. */
const MAX_DIGITS = 1000;
/** A rounded decimal counts from this many correct significant digits... */
const LEAST_DIGITS = 4;
/** ...unless it is rounded to two places, as money is: then from this many. 15.33 is not 46/3, 16386.17 is 16386.169. */
const LEAST_DIGITS_OF_MONEY = 6;
const PLACES_OF_MONEY = 2;
/** Doubles print 15 to 17 digits, the last of which may be off by one. */
const DOUBLE_DIGITS = 15;

/** The exact value of `12`, `.5`, `3.`, `1.5e-3`. @throws `Refused` when it is too long */
export function numberValue(text: string): Rational {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const shift = Number(exponent) - fraction.length;
  if (whole.length + fraction.length > MAX_DIGITS || Math.abs(shift) > 2 * MAX_DIGITS) {
    throw new Refused("a number has too many digits");
  }
  const digits = BigInt(`${whole}${fraction}` === "" ? "0" : `${whole}${fraction}`);
  return shift >= 0 ? integer(digits * 10n ** BigInt(shift)) : rational(digits, 10n ** BigInt(-shift));
}

/** The literal as a decimal, or null when it has no decimal point. */
export function decimalOf(text: string): Decimal | null {
  if (!/^-?\d*\.\d+$/.test(text)) return null;
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const kept = fraction.replace(/0+$/, "");
  const value = numberValue(text.replace("-", ""));
  return {
    value: text.startsWith("-") ? { n: -value.n, d: value.d } : value,
    places: kept.length,
    digits:
      kept === "" ? whole.replace(/^0+/, "").replace(/0+$/, "").length : `${whole}${kept}`.replace(/^0+/, "").length,
  };
}

/**
 * Whether a decimal is what one writes for `exact`: rounded or cut off at its last place, with at least four significant
 * digits. A last digit off by one passes only in literals as long as a printed double, and only where `exact` does not end.
 *
 * @param exact  the true value; irrational ones come as a bracket `[low, high]` narrower than any digit written
 */
export function isRoundingOf(decimal: Decimal, exact: Rational | readonly [Rational, Rational]): boolean {
  if (decimal.digits < (decimal.places <= PLACES_OF_MONEY ? LEAST_DIGITS_OF_MONEY : LEAST_DIGITS)) return false;
  return isWrittenFor(decimal, exact);
}

/** The same for a decimal of any length: 0.67 is written for 2/3, though it is no answer of 2/3. */
export function isWrittenFor(decimal: Decimal, exact: Rational | readonly [Rational, Rational]): boolean {
  const [low, high] = isBracket(exact) ? exact : [exact, exact];
  const scale = 10n ** BigInt(decimal.places);
  const written = (decimal.value.n * scale) / decimal.value.d;
  const candidates = low === high ? [roundings(low, scale)] : [cutOrRounded(low, scale), cutOrRounded(high, scale)];
  // Both ends of the bracket must agree that this is a rounding.
  if (candidates.every((list) => list.includes(written))) return true;
  if (decimal.digits < DOUBLE_DIGITS || (low === high && terminates(low))) return false;
  return candidates.every((list) => list.some((candidate) => candidate - written <= 1n && written - candidate <= 1n));
}

/** The value rounded half away from zero and, where its decimals never end, cut off; in units of 1/scale. */
function roundings(value: Rational, scale: bigint): readonly bigint[] {
  const [cut, rounded] = cutOrRounded(value, scale);
  return terminates(value) ? [rounded] : [cut, rounded];
}

function cutOrRounded(value: Rational, scale: bigint): readonly [bigint, bigint] {
  const size = absolute(value);
  const sign = value.n < 0n ? -1n : 1n;
  const cut = floor({ n: size.n * scale, d: size.d });
  const rounded = floor({ n: 2n * size.n * scale + size.d, d: 2n * size.d });
  return [sign * cut, sign * rounded];
}

/** A decimal that ends is known exactly: its digits are rounded, never cut, and nothing else near it will do. */
function terminates(value: Rational): boolean {
  let rest = value.d;
  while (rest % 10n === 0n) rest /= 10n;
  while (rest % 5n === 0n) rest /= 5n;
  while (rest % 2n === 0n) rest /= 2n;
  return rest === 1n;
}

function isBracket(exact: Rational | readonly [Rational, Rational]): exact is readonly [Rational, Rational] {
  return Array.isArray(exact);
}
