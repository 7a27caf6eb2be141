// The clipped norm by hand, and the refusal of what is not a number.

import { describe, expect, it } from "vitest";
import { clippedNorm, requireFinite } from "./clip.ts";

describe("clippedNorm", () => {
  it("is the root of the sum of squares, after the scale", () => {
    expect(clippedNorm(36, { scale: 1, maxNorm: null })).toEqual({ norm: 6, scale: 1 });
    expect(clippedNorm(36, { scale: 0.5, maxNorm: null })).toEqual({ norm: 3, scale: 0.5 });
  });

  it("shortens what is too long to exactly the greatest norm and leaves the rest", () => {
    expect(clippedNorm(36, { scale: 0.5, maxNorm: 1 }).scale).toBe(0.5 / 3);
    expect(clippedNorm(36, { scale: 0.5, maxNorm: 3 }).scale).toBe(0.5);
  });
});

describe("requireFinite", () => {
  it("names the tensor and the index of a NaN or an infinity", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(() => requireFinite("layers.1.down", Float32Array.of(0, 1, value), value * value)).toThrow(
        `The gradient of "layers.1.down" is ${value} at index 2 of 3.`,
      );
    }
  });

  it("lets the largest numbers pass", () => {
    expect(() => requireFinite("a", Float32Array.of(3e38, 3e38), 1.8e77)).not.toThrow();
  });
});
