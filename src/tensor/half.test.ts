import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  firstNotFinite,
  firstNotFiniteWord,
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
  widenFloat16,
} from "./half.ts";

interface Rounding {
  readonly float32: readonly number[];
  readonly bfloat16: readonly number[];
  readonly float16: readonly number[];
}

const golden = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, "../../test/golden/rounding.json"), "utf8"),
) as Rounding;

function floats(words: readonly number[]): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

function narrowed(values: Float32Array, narrow: typeof narrowToFloat16): Uint16Array {
  const words = new Uint16Array(values.length);
  narrow(values, words);
  return words;
}

describe("narrowing", () => {
  it("rounds to bfloat16 as torch does: to nearest, ties to even, over the top to infinity", () => {
    expect([...narrowed(floats(golden.float32), narrowToBfloat16)]).toEqual(golden.bfloat16);
  });

  it("rounds to float16 as torch does, subnormals and zero included", () => {
    expect([...narrowed(floats(golden.float32), narrowToFloat16)]).toEqual(golden.float16);
  });

  it("keeps NaN as NaN, even one whose kept bits are all zero", () => {
    // 0x7f800001: NaN by its lowest bit only; cutting it would leave infinity.
    for (const narrow of [narrowToBfloat16, narrowToFloat16]) {
      const [low, negative] = narrowed(floats([0x7f800001, 0xffffffff]), narrow);
      const exponent = narrow === narrowToBfloat16 ? 0x7f80 : 0x7c00;
      for (const word of [low!, negative!]) {
        expect(word & exponent).toBe(exponent);
        expect(word & ~exponent & 0x7fff).not.toBe(0);
      }
    }
  });
});

describe("widening", () => {
  it("is undone by narrowing for every finite word of both types", () => {
    const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
    for (const [type, widen, narrow] of [
      ["BF16", widenBfloat16, narrowToBfloat16],
      ["F16", widenFloat16, narrowToFloat16],
    ] as const) {
      const finite = words.filter((word) => firstNotFiniteWord(Uint16Array.of(word), type) === -1);
      const values = new Float32Array(finite.length);
      widen(finite, values);
      expect(narrowed(values, narrow)).toEqual(finite);
    }
  });

  it("gives the values the format defines", () => {
    const values = new Float32Array(6);
    // Sign, exponent - 15, fraction / 1024: 1, -2, the smallest subnormal 2^-24, the largest 1023 * 2^-24, 65504, 2^-14.
    widenFloat16(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x0400), values);
    expect([...values]).toEqual([1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, 2 ** -14]);
  });
});

describe("firstNotFinite", () => {
  it("finds the first NaN or infinity and nothing else", () => {
    expect(firstNotFinite(Float32Array.of(0, -3.4e38, 1e-45, -0))).toBe(-1);
    expect(firstNotFinite(Float32Array.of(1, -Infinity, NaN))).toBe(1);
    expect(firstNotFiniteWord(Uint16Array.of(0x7bff, 0xfc00), "F16")).toBe(1);
    expect(firstNotFiniteWord(Uint16Array.of(0x7c00, 0x7fc0), "BF16")).toBe(1);
  });
});
