// The intervals against closed forms, exact binomial sums and values worked out by hand.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { inverseBeta, logGamma, regularisedBeta } from "./beta.ts";
import {
  accuracyInterval,
  bootstrapInterval,
  clopperPearsonInterval,
  NORMAL_975,
  quantile,
  wilsonInterval,
} from "./intervals.ts";

/** P(X >= k) for X ~ Binomial(n, p), summed term by term: no beta function in it. */
function binomialTail(n: number, k: number, p: number): number {
  let total = 0;
  for (let x = k; x <= n; x++) {
    let term = 1;
    for (let i = 0; i < x; i++) term *= ((n - i) / (x - i)) * p;
    total += term * (1 - p) ** (n - x);
  }
  return total;
}

function expectNear(actual: number, expected: number, allowance: number): void {
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(allowance);
}

describe("logGamma", () => {
  it("is the logarithm of the factorial, and ln sqrt(pi) at one half", () => {
    // 5e-16: worst seen 2e-16 relative
    for (const [x, factorial] of [
      [1, 1],
      [2, 1],
      [5, 24],
      [11, 3628800],
      [21, 2432902008176640000],
    ] as const) {
      expectNear(logGamma(x), Math.log(factorial), 5e-15 + 5e-16 * Math.log(factorial));
    }
    expectNear(logGamma(0.5), 0.5 * Math.log(Math.PI), 5e-15);
  });
});

describe("regularisedBeta", () => {
  it("is the binomial tail, on both sides of the mean", () => {
    // 1e-13: worst seen 4e-15
    for (const [n, k, p] of [
      [10, 3, 0.2],
      [10, 8, 0.5],
      [50, 1, 0.9],
      [200, 120, 0.55],
      [200, 20, 0.05],
    ] as const) {
      expectNear(regularisedBeta(p, k, n - k + 1), binomialTail(n, k, p), 1e-13);
    }
  });

  it("is x^a when b is 1, for a that is no integer", () => {
    expectNear(regularisedBeta(0.3, 2.5, 1), 0.3 ** 2.5, 1e-15);
    expectNear(inverseBeta(0.3 ** 2.5, 2.5, 1), 0.3, 1e-15);
  });
});

describe("wilsonInterval", () => {
  it("gives the limits worked out by hand for 8 of 10", () => {
    // z² = 3.8414588; centre (0.8 + 0.19207294)/1.38414588 = 0.71674016;
    // half = 1.95996398/1.38414588 · sqrt(0.016 + 0.0096036470) = 0.22657766
    const [low, high] = wilsonInterval(8, 10);
    expectNear(low, 0.4901625, 5e-8);
    expectNear(high, 0.9433178, 5e-8);
  });

  it("solves the equation it is defined by: the limits are where the score is z standard errors away", () => {
    for (const [right, n] of [
      [1, 7],
      [250, 500],
      [1318, 1319],
      [3, 30],
    ] as const) {
      for (const limit of wilsonInterval(right, n)) {
        expectNear(Math.abs(right / n - limit) / Math.sqrt((limit * (1 - limit)) / n), NORMAL_975, 1e-9);
      }
    }
  });

  it("reaches exactly 0 and 1, and n/(n + z²) at the other end", () => {
    const z2 = NORMAL_975 ** 2;
    expect(wilsonInterval(0, 20)[0]).toBe(0);
    expect(wilsonInterval(20, 20)[1]).toBe(1);
    expectNear(wilsonInterval(0, 20)[1], z2 / (20 + z2), 1e-15);
    expectNear(wilsonInterval(20, 20)[0], 20 / (20 + z2), 1e-15);
  });
});

describe("clopperPearsonInterval", () => {
  it("puts 2.5 % of the exact binomial beyond either limit", () => {
    for (const [right, n] of [
      [8, 10],
      [1, 30],
      [29, 30],
      [60, 200],
    ] as const) {
      const [low, high] = clopperPearsonInterval(right, n);
      expectNear(binomialTail(n, right, low), 0.025, 1e-12);
      expectNear(1 - binomialTail(n, right + 1, high), 0.025, 1e-12);
    }
  });

  it("agrees with a 40-digit evaluation, at large counts and for counts that are no integers", () => {
    // mpmath 1.3 at 40 digits, its own incomplete beta, bisected
    const reference = [
      [700, 1319, 0.503350522903784, 0.5579225353667725],
      [3.5, 7, 0.13886421910489022, 0.8611357808951098],
      [12.25, 30, 0.23349737088438227, 0.6019760402228181],
      [9999, 10000, 0.9994429630020529, 0.9999974682224065],
    ] as const;
    for (const [right, n, low, high] of reference) {
      // 1e-12: worst seen 3e-14
      expectNear(clopperPearsonInterval(right, n)[0], low, 1e-12);
      expectNear(clopperPearsonInterval(right, n)[1], high, 1e-12);
    }
  });

  it("has its closed form where all problems agree", () => {
    expect(clopperPearsonInterval(0, 10)[0]).toBe(0);
    expectNear(clopperPearsonInterval(0, 10)[1], 1 - 0.025 ** (1 / 10), 1e-15);
    expectNear(clopperPearsonInterval(40, 40)[0], 0.025 ** (1 / 40), 1e-15);
    expect(clopperPearsonInterval(40, 40)[1]).toBe(1);
  });
});

describe("bootstrapInterval", () => {
  it("comes close to mean ± 1.96 s/sqrt(n), and is the same for the same seed only", () => {
    const stream = randomStream({ root: 3, purpose: "test" });
    const values = Array.from({ length: 400 }, () => stream.uniform() ** 2);
    const mean = values.reduce((sum, value) => sum + value, 0) / 400;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400);
    const half = (NORMAL_975 * deviation) / 20;
    const [low, high] = bootstrapInterval(values, 1);
    // 4 % of the half width: worst seen 1.1 % over 20 seeds; a 90 % interval is 16 % narrower
    expectNear(low, mean - half, 0.04 * half);
    expectNear(high, mean + half, 0.04 * half);
    expect(bootstrapInterval(values, 1)).toEqual([low, high]);
    expect(bootstrapInterval(values, 2)).not.toEqual([low, high]);
  });

  it("has the exact distribution of two problems: means 0, ½, 1 with chances ¼, ½, ¼", () => {
    expect(bootstrapInterval([0, 1], 5)).toEqual([0, 1]);
    expect(bootstrapInterval([0.5, 0.5], 5)).toEqual([0.5, 0.5]);
  });
});

describe("accuracyInterval", () => {
  it("is Wilson's for one sample a problem, even when all problems agree", () => {
    expect(accuracyInterval([1, 0, 1, 1], 1, 0)).toEqual(wilsonInterval(3, 4));
    expect(accuracyInterval([1, 1, 1], 1, 0)).toEqual(wilsonInterval(3, 3));
  });

  it("is the bootstrap for several samples, and Clopper-Pearson when all problems agree", () => {
    expect(accuracyInterval([1, 0.5, 0], 2, 7)).toEqual(bootstrapInterval([1, 0.5, 0], 7));
    expect(accuracyInterval([1, 1, 1], 2, 7)).toEqual(clopperPearsonInterval(3, 3));
    expect(accuracyInterval([0.5, 0.5], 2, 7)).toEqual(clopperPearsonInterval(1, 2));
  });
});

describe("quantile", () => {
  it("interpolates linearly between neighbours", () => {
    expect([0, 0.1, 0.5, 1].map((p) => quantile([10, 20, 40], p))).toEqual([10, 12, 20, 40]);
    expect(quantile([7], 0.975)).toBe(7);
  });
});
