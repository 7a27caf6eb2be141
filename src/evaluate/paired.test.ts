// The paired comparison against binomial tails and cases worked out by hand.

import { describe, expect, it } from "vitest";
import { regularisedBeta } from "./beta.ts";
import { bootstrapInterval } from "./intervals.ts";
import { comparePaired, differenceInterval, signTest } from "./paired.ts";

describe("signTest", () => {
  it("gives 112/1024 for 8 wins and 2 losses, and 1 for an even split or none", () => {
    // 2·(C(10,8) + C(10,9) + C(10,10))/2^10 = 2·(45 + 10 + 1)/1024
    expect(signTest(8, 2)).toBe(112 / 1024);
    expect([signTest(0, 0), signTest(7, 7)]).toEqual([1, 1]);
    expect([signTest(0, 5), signTest(2, 1)]).toEqual([1 / 16, 1]);
  });

  it("equals twice the binomial tail by the incomplete beta function, for small and large counts", () => {
    for (const [wins, losses] of [
      [1, 0],
      [4, 3],
      [12, 30],
      [260, 200],
      [700, 430],
      [3000, 2800],
    ] as const) {
      const more = Math.max(wins, losses);
      // P(X >= k) for X ~ Binomial(n, 1/2) is I_{1/2}(k, n - k + 1).
      const tail = Math.min(1, 2 * regularisedBeta(0.5, more, wins + losses - more + 1));
      // 1e-10 relative: worst seen 2e-12, at 5800 flips
      expect(Math.abs(signTest(wins, losses) - tail), `${wins}:${losses}`).toBeLessThanOrEqual(1e-10 * tail);
      expect(signTest(losses, wins)).toBe(signTest(wins, losses));
    }
  });
});

describe("comparePaired", () => {
  it("counts wins, losses and ties of the per-problem means, A against B", () => {
    const result = comparePaired([1, 0.5, 0, 1], [0, 0.5, 0.25, 0.5], 3);
    expect(result).toMatchObject({
      n: 4,
      a: 0.625,
      b: 0.3125,
      difference: 0.3125,
      wins: 2,
      losses: 1,
      ties: 1,
      pValue: 1,
    });
    expect(result.ci95).toEqual(bootstrapInterval([1, 0, -0.25, 0.5], 3));
  });

  it("turns round with its arguments", () => {
    const a = [1, 0, 0, 1, 1, 1];
    const b = [0, 0, 1, 0, 0, 0];
    const forward = comparePaired(a, b, 1);
    const backward = comparePaired(b, a, 1);
    expect([backward.difference, backward.wins, backward.losses]).toEqual([-forward.difference, 1, 4]);
    expect(backward.pValue).toBe(forward.pValue);
  });
});

describe("differenceInterval", () => {
  it("is not a point when all problems agree: up to 1 - 0.025^(1/n) of them may differ", () => {
    const most = 1 - 0.025 ** (1 / 10);
    const [low, high] = differenceInterval(
      Array.from({ length: 10 }, () => 0),
      1,
    );
    expect(Math.abs(low + most) + Math.abs(high - most)).toBeLessThan(1e-14);
    const [least, one] = differenceInterval(
      Array.from({ length: 10 }, () => 1),
      1,
    );
    expect(one).toBe(1);
    expect(Math.abs(least - (1 - 2 * most))).toBeLessThan(1e-14);
  });
});
