// When a decimal passes for an exact value: the rounding convention, case by case.

import { describe, expect, it } from "vitest";
import { decimalOf, isRoundingOf, numberValue, type Decimal } from "./literal.ts";
import { rational, Refused } from "./rational.ts";

const passes = (text: string, n: bigint, d: bigint): boolean =>
  isRoundingOf(decimalOf(text) as Decimal, rational(n, d));

describe("isRoundingOf", () => {
  it("takes four significant digits, rounded or cut off", () => {
    expect(passes("0.3333", 1n, 3n)).toBe(true);
    expect(passes("0.6667", 2n, 3n)).toBe(true);
    expect(passes("0.6666", 2n, 3n)).toBe(true);
    expect(passes("-0.1667", -1n, 6n)).toBe(true);
    expect(passes("0.08333", 1n, 12n)).toBe(true);
  });

  it("refuses three digits, trailing zeros that count for nothing, and a last digit that is off", () => {
    expect(passes("0.333", 1n, 3n)).toBe(false);
    expect(passes("0.3330", 1n, 3n)).toBe(false);
    expect(passes("0.3334", 1n, 3n)).toBe(false);
    expect(passes("0.33343", 1n, 3n)).toBe(false);
    expect(passes("0.0833", 1n, 12n)).toBe(false);
  });

  it("refuses two places until they are as long as money", () => {
    expect(passes("15.33", 46n, 3n)).toBe(false);
    expect(passes("15.333", 46n, 3n)).toBe(true);
    expect(passes("1533.33", 4600n, 3n)).toBe(true);
  });

  it("rounds a value whose decimals end, and never cuts it or forgives its last digit", () => {
    expect(passes("16386.17", 16386169n, 1000n)).toBe(true);
    expect(passes("5.001", 50019n, 10000n)).toBe(false);
    expect(passes("0.9999999999999999", 1n, 1n)).toBe(false);
    expect(passes("9.9999", 10n, 1n)).toBe(false);
  });

  it("forgives the last digit of a printed double", () => {
    expect(passes("0.08333333333333334", 1n, 12n)).toBe(true);
    expect(passes("0.08333333333333336", 1n, 12n)).toBe(false);
  });
});

describe("decimalOf", () => {
  it("counts digits without leading and trailing zeros", () => {
    expect(decimalOf("0.0330")).toMatchObject({ places: 3, digits: 2 });
    expect(decimalOf("100.0")).toMatchObject({ places: 0, digits: 1 });
    expect(decimalOf("12")).toBeNull();
  });
});

describe("numberValue", () => {
  it("is exact for points and exponents", () => {
    expect(numberValue(".5")).toEqual(rational(1n, 2n));
    expect(numberValue("1.50e-3")).toEqual(rational(3n, 2000n));
    expect(numberValue("2e3")).toEqual(rational(2000n, 1n));
  });

  it("refuses a literal that is too long, before it is a number", () => {
    expect(() => numberValue("9".repeat(5000))).toThrow(Refused);
    expect(() => numberValue("1e9999")).toThrow(Refused);
  });
});
