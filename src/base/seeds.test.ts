// Named random streams: replayable, apart from each other, and as uniform and normal as they say.

import { describe, expect, it } from "vitest";
import { randomStream, shuffle, streamFromState } from "./seeds.ts";

describe("randomStream", () => {
  it("gives the same draws for the same name and others for any other", () => {
    const first = (name: Parameters<typeof randomStream>[0]): number => randomStream(name).uniform();
    const name = { root: 1, purpose: "sample", step: 3, item: 4 };
    expect(first(name)).toBe(first({ ...name }));
    const others = [
      { ...name, root: 2 },
      { ...name, purpose: "sampl" },
      { ...name, step: 34, item: 4 },
      { root: 1, purpose: "sample", step: 3 },
      { root: 1, purpose: "sample", item: 3 },
    ];
    expect(new Set([name, ...others].map(first)).size).toBe(6);
  });

  it("goes on from a saved state as if it had not stopped", () => {
    const stream = randomStream({ root: 9, purpose: "x" });
    for (let i = 0; i < 17; i++) stream.uniform();
    const again = streamFromState(stream.state());
    expect(Array.from({ length: 5 }, () => again.uniform())).toEqual(Array.from({ length: 5 }, () => stream.uniform()));
  });

  it("follows xoshiro128** from a state worked out by hand", () => {
    // State 1, 2, 3, 4: rotl(2·5, 7)·9 = 10·128·9 = 11520 first; then the state is 7, 0, 1026, 12288 and b·5 = 0.
    const stream = streamFromState([1, 2, 3, 4]);
    expect(stream.uniform() * 2 ** 32).toBe(11520);
    expect(stream.state()).toEqual([7, 0, 1026, 12288]);
    expect(stream.uniform()).toBe(0);
  });

  it("is uniform: the chi-squared of 64 bins over 64,000 draws stays below its 99.9 % point", () => {
    const stream = randomStream({ root: 5, purpose: "bins" });
    const bins = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++) bins[stream.integer(64)]! += 1;
    // 63 degrees of freedom: 103.4
    expect(bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(103.4);
  });

  it("draws normals with mean 0, variance 1 and fourth moment 3, each within four standard errors", () => {
    const stream = randomStream({ root: 6, purpose: "normal" });
    const n = 40_000;
    const draws = Float64Array.from({ length: n }, () => stream.normal());
    const moment = (k: number): number => draws.reduce((sum, x) => sum + x ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  });
});

describe("shuffle", () => {
  it("gives each of the six orders of three items equally often", () => {
    const stream = randomStream({ root: 7, purpose: "orders" });
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = shuffle([0, 1, 2], stream).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 5 degrees of freedom, 99.9 %: 20.5
    expect([...counts.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0)).toBeLessThan(20.5);
  });
});
