// Exact arithmetic: laws of a field, exact roots, and refusal before a number grows.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import {
  add,
  bitLength,
  divide,
  equals,
  floor,
  integer,
  integerSquareRoot,
  MAX_BITS,
  multiply,
  power,
  rational,
  Refused,
  root,
  subtract,
} from "./rational.ts";

const stream = randomStream({ root: 1, purpose: "rational-test" });
const draw = (): ReturnType<typeof rational> =>
  rational(BigInt(stream.integer(2_000_001) - 1_000_000), BigInt(1 + stream.integer(100_000)));

describe("rational", () => {
  it("is in lowest terms with a positive denominator", () => {
    expect(rational(6n, -4n)).toEqual({ n: -3n, d: 2n });
    expect(rational(0n, -7n)).toEqual({ n: 0n, d: 1n });
  });

  it("keeps the laws of a field", () => {
    for (let i = 0; i < 200; i++) {
      const [a, b, c] = [draw(), draw(), draw()];
      expect(equals(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)))).toBe(true);
      expect(equals(subtract(add(a, b), b), a)).toBe(true);
      if (b.n !== 0n) expect(divide(multiply(a, b), b)).toEqual(a);
    }
  });

  it("refuses a power before computing it", () => {
    expect(() => power(integer(10), 10n ** 10n)).toThrow(Refused);
    expect(power(integer(1), 10n ** 100n)).toEqual(integer(1));
    expect(power(integer(-1), 10n ** 100n + 1n)).toEqual(integer(-1));
    expect(power(integer(0), -1n)).toBeNull();
    expect(power(rational(2n, 3n), -2n)).toEqual(rational(9n, 4n));
  });

  it("refuses a product past the bound, however it came about", () => {
    const large = integer(1n << BigInt(MAX_BITS - 1));
    expect(() => multiply(large, large)).toThrow(Refused);
  });
});

describe("root", () => {
  it("is exact or null", () => {
    expect(root(rational(8n, 27n), 3n)).toEqual(rational(2n, 3n));
    expect(root(integer(-8), 3n)).toEqual(integer(-2));
    expect(root(integer(-4), 2n)).toBeNull();
    expect(root(integer(2), 2n)).toBeNull();
    expect(root(integer(10n ** 60n), 2n)).toEqual(integer(10n ** 30n));
    expect(root(integer(10n ** 60n + 1n), 2n)).toBeNull();
  });
});

describe("integerSquareRoot", () => {
  it("is the largest whose square does not pass", () => {
    for (const n of [0n, 1n, 2n, 3n, 4n, 99n, 100n, 10n ** 40n - 1n, 10n ** 40n]) {
      const s = integerSquareRoot(n);
      expect(s * s <= n && (s + 1n) * (s + 1n) > n).toBe(true);
    }
  });
});

describe("bitLength", () => {
  it("counts binary digits on both sides of a double's precision", () => {
    for (let bits = 1; bits < 200; bits++) {
      expect(bitLength(1n << BigInt(bits - 1))).toBe(bits);
      expect(bitLength(-((1n << BigInt(bits)) - 1n))).toBe(bits);
    }
  });
});

describe("floor", () => {
  it("rounds towards minus infinity", () => {
    expect(floor(rational(-1n, 2n))).toBe(-1n);
    expect(floor(rational(-2n, 1n))).toBe(-2n);
    expect(floor(rational(7n, 2n))).toBe(3n);
  });
});
