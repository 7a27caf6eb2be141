// Many-digit reals: against published digits, and against identities that tie the functions to each other.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { sameComplex, real } from "./complex.ts";
import { angleOf, arctangent, cosineAndSine, exponential, logarithm, pi } from "./elementary.ts";
import {
  addReal,
  divideReal,
  fromRational,
  multiplyReal,
  PRECISE_ONE,
  squareRootReal,
  toFixedPoint,
  type Precise,
} from "./precise.ts";
import { integer, rational, Refused } from "./rational.ts";

/** The first hundred decimals, cut off. */
function decimals(a: Precise, places: number): string {
  const digits = ((toFixedPoint(a, 360) * 10n ** BigInt(places)) >> 360n).toString().padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

const whole = (n: number): Precise => fromRational(integer(n));

describe("the constants", () => {
  it("have their published digits", () => {
    // OEIS A000796, A001113, A002162, A002193
    expect(decimals(pi(), 100)).toBe(
      "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679",
    );
    expect(decimals(exponential(PRECISE_ONE), 60)).toBe(
      "2.718281828459045235360287471352662497757247093699959574966967",
    );
    expect(decimals(logarithm(whole(2)), 60)).toBe("0.693147180559945309417232121458176568075500134360255254120680");
    expect(decimals(squareRootReal(whole(2)), 60)).toBe(
      "1.414213562373095048801688724209698078569671875376948073176679",
    );
  });
});

describe("the functions", () => {
  const stream = randomStream({ root: 2, purpose: "elementary-test" });
  const points = Array.from({ length: 40 }, () =>
    rational(BigInt(stream.integer(4000) - 2000), BigInt(1 + stream.integer(300))),
  );

  it("undo each other to at least 160 bits, or say that they cannot", () => {
    for (const point of points) {
      const x = fromRational(point);
      const size = exponential(x);
      expect(sameComplex(real(logarithm(size)), real(x))).toBe(true);
      expect(sameComplex(real(arctangent(tangent(arctangent(x)))), real(arctangent(x)))).toBe(true);
    }
  });

  it("put cosine and sine on the unit circle, at the angle given", () => {
    for (const point of points) {
      const [cosine, sine] = cosineAndSine(fromRational(point));
      const size = addReal(multiplyReal(cosine, cosine), multiplyReal(sine, sine));
      expect(sameComplex(real(size), real(PRECISE_ONE))).toBe(true);
      const turned = angleOf(sine, cosine);
      const [again] = cosineAndSine(turned);
      expect(sameComplex(real(again), real(cosine))).toBe(true);
    }
    // sin 1 = 0.8414709848 0789650665 2502321630 2989996225 6306079837 (OEIS A049469)
    expect(decimals(cosineAndSine(PRECISE_ONE)[1], 50)).toBe("0.84147098480789650665250232163029899962256306079837");
  });

  it("refuse an argument they could not reduce", () => {
    expect(() => exponential(fromRational(integer(10n ** 30n)))).toThrow(Refused);
    expect(() => cosineAndSine(fromRational(integer(10n ** 30n)))).toThrow(Refused);
  });
});

function tangent(x: Precise): Precise {
  const [cosine, sine] = cosineAndSine(x);
  return divideReal(sine, cosine);
}

describe("sameComplex", () => {
  it("tells numbers apart that agree in their first fifty digits", () => {
    const near = addReal(squareRootReal(whole(2)), fromRational(rational(1n, 10n ** 50n)));
    expect(sameComplex(real(near), real(squareRootReal(whole(2))))).toBe(false);
  });

  it("finds the root of 2 squared equal to 2, and 0 equal to what cancels", () => {
    const root = squareRootReal(whole(2));
    expect(sameComplex(real(multiplyReal(root, root)), real(whole(2)))).toBe(true);
    const nothing = addReal(root, { ...root, m: -root.m });
    expect(sameComplex(real(nothing), real(whole(0)))).toBe(true);
  });
});
