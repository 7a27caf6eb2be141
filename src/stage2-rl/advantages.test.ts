// Advantages by hand, and what must not move them.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { DEFAULT_ADVANTAGES, groupAdvantages } from "./advantages.ts";

describe("groupAdvantages", () => {
  it("is (R - mean)/(population deviation + 1e-4), positive for the better rollout", () => {
    // 1 0 0 0: mean 1/4, population variance 3/16, deviation √3/4.
    const [group] = groupAdvantages([[1, 0, 0, 0]]);
    const divisor = Math.sqrt(3) / 4 + 1e-4;
    expectClose(
      group!.advantages,
      [0.75, -0.25, -0.25, -0.25].map((x) => x / divisor),
      tolerances.closedForm64,
    );
    expect(group).toMatchObject({ informative: true, mean: 0.25 });
  });

  it("divides by the sample deviation when ddof is 1", () => {
    // sample variance (9 + 3)/16/3 = 1/4, deviation 1/2
    const [group] = groupAdvantages([[1, 0, 0, 0]], { ...DEFAULT_ADVANTAGES, ddof: 1, epsilon: 0 });
    expectClose(group!.advantages, [1.5, -0.5, -0.5, -0.5], tolerances.closedForm64);
  });

  it("divides by the deviation of all rewards of the step when the scale is the batch", () => {
    // Rewards 2 0 | 1 1: mean 1, population variance 2/4; the equal group stays at 0.
    const groups = groupAdvantages(
      [
        [2, 0],
        [1, 1],
      ],
      { ...DEFAULT_ADVANTAGES, scale: "batch", epsilon: 0 },
    );
    expectClose(groups[0]!.advantages, [Math.SQRT2, -Math.SQRT2], tolerances.closedForm64);
    expect([...groups[1]!.advantages]).toEqual([0, 0]);
  });

  it("measures against the others of the group when leaving one out", () => {
    // 3 0 0: 3 - mean(0, 0) = 3; 0 - mean(3, 0) = -1.5
    const [group] = groupAdvantages([[3, 0, 0]], { ...DEFAULT_ADVANTAGES, baseline: "leave-one-out", scale: "none" });
    expectClose(group!.advantages, [3, -1.5, -1.5], tolerances.closedForm64);
  });

  it("names a group of equal rewards instead of dividing rounding noise by 1e-4", () => {
    const groups = groupAdvantages([
      [0.1, 0.1, 0.1],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(groups.map(({ informative }) => informative)).toEqual([false, true, false]);
    expect([...groups[0]!.advantages, ...groups[2]!.advantages]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("gives the same advantages when a constant is added to every reward", () => {
    for (let seed = 0; seed < 20; seed++) {
      const stream = randomStream({ root: seed, purpose: "advantages-test" });
      const rewards = [Array.from({ length: 8 }, () => stream.integer(3))];
      const shifted = rewards.map((group) => group.map((reward) => reward + 5));
      const [plain, moved] = [groupAdvantages(rewards)[0]!, groupAdvantages(shifted)[0]!];
      expectClose(moved.advantages, [...plain.advantages], tolerances.closedForm64);
    }
  });
});
