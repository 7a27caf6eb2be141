// The clipped loss by hand, its gradient by finite differences.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { clippedPolicyLoss } from "./policy-loss-oracle.ts";

const CLIP = { low: 0.2, high: 0.28 };

/** Tokens with the given ratios and advantages. */
function tokens(ratios: readonly number[], advantages: readonly number[]): Parameters<typeof clippedPolicyLoss>[0] {
  return { logProbs: ratios.map((ratio) => Math.log(ratio) - 1), behaviourLogProbs: ratios.map(() => -1), advantages };
}

describe("clippedPolicyLoss", () => {
  it("cuts a ratio only where it has already gone the rewarded way", () => {
    // A = +1: min(2, 1.28) = 1.28 cut; min(0.5, 0.8) = 0.5 kept. A = -1: min(-2, -1.28) = -2 kept; min(-0.5, -0.8) = -0.8 cut.
    const result = clippedPolicyLoss(tokens([2, 0.5, 2, 0.5], [1, 1, -1, -1]), CLIP);
    expectClose([result.loss], [-(1.28 + 0.5 - 2 - 0.8) / 4], tolerances.closedForm64);
    expect([result.clippedLow, result.clippedHigh]).toEqual([0.25, 0.25]);
    // the gradient of a kept token is -r·A/4
    expectClose(result.gradient, [0, -0.5 / 4, 2 / 4, 0], tolerances.closedForm64);
  });

  it("is minus the mean advantage when the policy is the one that sampled, with gradient -A/tokens", () => {
    const result = clippedPolicyLoss(tokens([1, 1, 1, 1], [2, 2, -1, -1]), CLIP);
    expect([result.loss, result.kl, result.clippedLow + result.clippedHigh]).toEqual([-0.5, 0, 0]);
    expect([...result.gradient]).toEqual([-0.5, -0.5, 0.25, 0.25]);
  });

  it("weighs every token alike, not every rollout", () => {
    // Rollouts of 1 and 3 tokens, A = 4 and 0: the token mean is 4/4 = 1; a mean over rollouts would be 2.
    expect(clippedPolicyLoss(tokens([1, 1, 1, 1], [4, 0, 0, 0]), CLIP).loss).toBe(-1);
  });

  it("estimates the divergence by r - 1 - ln r", () => {
    const { kl } = clippedPolicyLoss(tokens([2, 0.5], [0, 0]), CLIP);
    // (1 - ln 2 + (-0.5 + ln 2))/2 = 0.25
    expectClose([kl], [0.25], tolerances.closedForm64);
  });

  it("has the gradient that central differences of the loss give", () => {
    const stream = randomStream({ root: 11, purpose: "policy-loss-test" });
    const count = 200;
    const behaviourLogProbs = Array.from({ length: count }, () => -2 * stream.uniform());
    const logProbs = behaviourLogProbs.map((value) => value + 0.4 * stream.normal());
    const advantages = behaviourLogProbs.map(() => stream.normal());
    const { gradient } = clippedPolicyLoss({ logProbs, behaviourLogProbs, advantages }, CLIP);
    const h = 1e-5;
    const differences = logProbs.map((_, t) => {
      const lossAt = (change: number): number => {
        const moved = logProbs.map((value, i) => (i === t ? value + change : value));
        return clippedPolicyLoss({ logProbs: moved, behaviourLogProbs, advantages }, CLIP).loss;
      };
      return (lossAt(h) - lossAt(-h)) / (2 * h);
    });
    // worst seen 2.6e-12 over 20 seeds; a flipped sign gives 1e-2
    expectClose(gradient, differences, { absolute: 1e-11, relative: 0 });
  });

  it("is 0 without tokens", () => {
    expect(clippedPolicyLoss(tokens([], []), CLIP)).toMatchObject({ loss: 0, clippedLow: 0, clippedHigh: 0, kl: 0 });
  });
});
