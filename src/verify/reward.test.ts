// Rewards: correctness first, shaping terms beside it, each with its own law.

import { describe, expect, it } from "vitest";
import type { Verdict } from "./verdict.ts";
import { CORRECTNESS_ONLY, formatTerm, overlongTerm, rewardOf, shapedReward, type RewardInput } from "./reward.ts";

const right: Verdict = { kind: "right", answer: "5", reason: "the same text", milliseconds: 1 };
const input: RewardInput = {
  question: "",
  gold: "5",
  response: "\\boxed{5}",
  verdict: right,
  tokens: 95,
  maxTokens: 100,
};

describe("rewardOf", () => {
  it("pays for a right answer alone", () => {
    expect(rewardOf(right)).toBe(1);
    for (const kind of ["wrong", "unreadable", "timeout"] as const) expect(rewardOf({ kind })).toBe(0);
  });
});

describe("overlongTerm", () => {
  it("falls from 0 to -1 over the buffer and stays there", () => {
    // cap 100, buffer 20: free up to 80, then (80 - L)/20
    expect([1, 80, 85, 90, 100, 1000].map((tokens) => overlongTerm(tokens, 100, 20) + 0)).toEqual([
      0, 0, -0.25, -0.5, -1, -1,
    ]);
  });

  it("refuses a buffer longer than the cap", () => {
    expect(() => overlongTerm(5, 10, 11)).toThrow(/BAD_REWARD/);
  });
});

describe("formatTerm", () => {
  it("wants one closed answer near the end and finished reasoning", () => {
    expect(formatTerm("so \\boxed{5}.")).toBe(1);
    expect(formatTerm("<think>\\boxed{4}?</think> \\boxed{5}")).toBe(1);
    expect(formatTerm("9 * 2 = 18\n#### 18")).toBe(1);
  });

  it("pays nothing for two answers, an empty or unclosed one, or reasoning that never ends", () => {
    for (const response of [
      "\\boxed{4} \\boxed{5}",
      "\\boxed{}",
      "\\boxed{5",
      "<think>\\boxed{5}",
      "5",
      `\\boxed{5}${" more".repeat(40)}`,
    ]) {
      expect(formatTerm(response), response).toBe(0);
    }
  });
});

describe("shapedReward", () => {
  it("is the sum of the terms it names", () => {
    expect(shapedReward(input, CORRECTNESS_ONLY)).toEqual({ total: 1, terms: { correct: 1 } });
    const shaped = shapedReward(input, { formatWeight: 0.1, overlong: { bufferTokens: 10, weight: 0.5 } });
    expect(shaped).toEqual({ total: 1 + 0.1 - 0.25, terms: { correct: 1, format: 0.1, overlong: -0.25 } });
  });

  it("does not punish a length nobody counted", () => {
    const uncounted = shapedReward(
      { ...input, tokens: null },
      { formatWeight: 0, overlong: { bufferTokens: 10, weight: 1 } },
    );
    expect(uncounted.terms["overlong"]).toBe(0);
  });
});
