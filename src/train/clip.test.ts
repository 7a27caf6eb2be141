// The global norm by hand, and the refusal of what is not a number.

import { describe, expect, it } from "vitest";
import { clipGlobalNorm } from "./clip.ts";

const gradients = new Map([
  ["a", Float32Array.of(1, -2, 3, 1, 1)], // 1 + 4 + 9 + 1 + 1 = 16
  ["b", Float32Array.of(-4, 2)], // + 16 + 4 = 36
]);

describe("clipGlobalNorm", () => {
  it("is the root of the sum of squares over all tensors, after the scale", () => {
    expect(clipGlobalNorm(gradients, { scale: 1, maxNorm: null })).toEqual({ norm: 6, scale: 1 });
    expect(clipGlobalNorm(gradients, { scale: 0.5, maxNorm: null })).toEqual({ norm: 3, scale: 0.5 });
  });

  it("shortens what is too long to exactly the greatest norm and leaves the rest", () => {
    expect(clipGlobalNorm(gradients, { scale: 0.5, maxNorm: 1 }).scale).toBe(0.5 / 3);
    expect(clipGlobalNorm(gradients, { scale: 0.5, maxNorm: 3 }).scale).toBe(0.5);
  });

  it("names the tensor and the index of a NaN or an infinity", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const bad = new Map([...gradients, ["layers.1.down", Float32Array.of(0, 1, value)]]);
      expect(() => clipGlobalNorm(bad, { scale: 1, maxNorm: 1 })).toThrow(
        `The gradient of "layers.1.down" is ${value} at index 2 of 3.`,
      );
    }
  });

  it("does not take a huge finite gradient for an infinite one", () => {
    const huge = new Map([["a", Float32Array.of(3e38, 3e38)]]);
    // the stored number is 3e38 to float32 rounding, 6e-8
    expect(Math.abs(clipGlobalNorm(huge, { scale: 1, maxNorm: 1 }).norm / 3e38 - Math.SQRT2)).toBeLessThan(3e-7);
  });
});
