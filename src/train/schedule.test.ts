// The learning rate at the steps where a schedule turns.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { learningRateAt, SCHEDULE_KINDS, type Schedule } from "./schedule.ts";

const base = { peak: 8, warmupSteps: 4, totalSteps: 12 };

function rates(schedule: Schedule, steps: readonly number[]): number[] {
  return steps.map((step) => learningRateAt(schedule, step));
}

describe("learningRateAt", () => {
  it("rises by the same amount every step of the warm-up and reaches the peak at its end", () => {
    for (const kind of SCHEDULE_KINDS) expect(rates({ ...base, kind }, [1, 2, 3, 4, 5])).toEqual([2, 4, 6, 8, 8]);
  });

  it("stays at the peak when constant", () => {
    expect(rates({ ...base, kind: "constant" }, [6, 9, 12])).toEqual([8, 8, 8]);
  });

  it("falls linearly and would reach 0 one step after the last", () => {
    // 8 steps after the warm-up: 8·(1 - x), x = 1/8, 4/8, 7/8
    expect(rates({ ...base, kind: "linear" }, [6, 9, 12])).toEqual([7, 4, 1]);
  });

  it("falls along half a cosine: half the peak half way", () => {
    const [half, last] = rates({ ...base, kind: "cosine" }, [9, 12]);
    expectClose([half!], [4], tolerances.closedForm64);
    // (1 + cos(7π/8))·4 = 4·(1 - 0.9238795325112867)
    expectClose([last!], [0.304481869954853], tolerances.closedForm64);
  });

  it("starts at the peak without a warm-up", () => {
    expect(rates({ kind: "cosine", peak: 3, warmupSteps: 0, totalSteps: 2 }, [1, 2])).toEqual([3, 1.5]);
  });
});
