// Laws of curves: smoothing starts true, thinning loses no spike, news join on without gap or repeat.

import { describe, expect, it } from "vitest";
import type { StageColumns } from "../api.ts";
import { joinColumns, joinedCurves, smoothed, stageOffsets, thinned } from "./series.ts";

describe("smoothed", () => {
  it("weighs by hand: the first value is itself, the second two thirds new at weight one half", () => {
    // means: 3; (0.5*1.5 + 0.5*6)/0.75 = 5; nulls stay and count for nothing
    expect(smoothed([3, 6, null, 6], 0.5)).toEqual([3, 5, null, (0.5 * 3.75 + 3) / 0.875]);
  });

  it("leaves the values alone at weight 0", () => {
    expect(smoothed([1, 5, 2], 0)).toEqual([1, 5, 2]);
  });
});

describe("thinned", () => {
  const n = 10_000;
  const x = Array.from({ length: n }, (_, i) => i);
  const y = x.map((i) => (i === 7_777 ? 100 : i === 3_333 ? -100 : Math.sin(i / 50)));

  it("keeps a spike of one step among ten thousand", () => {
    const thin = thinned({ x, y }, null, 250);
    expect(thin.x.length).toBeLessThanOrEqual(500);
    expect(thin.y[thin.x.indexOf(7_777)]).toBe(100);
    expect(thin.y[thin.x.indexOf(3_333)]).toBe(-100);
  });

  it("keeps x in order", () => {
    const thin = thinned({ x, y }, null, 250);
    expect(thin.x.every((value, i) => i === 0 || value > (thin.x[i - 1] ?? 0))).toBe(true);
  });

  it("shows every step of a range that fits, with one on either side so that the line reaches the edges", () => {
    expect(thinned({ x, y }, [100, 110], 250).x).toEqual([
      99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    ]);
  });
});

describe("joinedCurves", () => {
  it("leaves a gap between stages and starts smoothing anew in each", () => {
    const curves = [
      { x: [1, 2], y: [10, 20] },
      { x: [4, 5], y: [0, 0] },
    ];
    const joined = joinedCurves(curves, { smoothing: 0.5, range: null, buckets: 100 });
    expect(joined).toEqual({ x: [1, 2, 3, 4, 5], y: [10, 12.5 / 0.75, null, 0, 0] });
  });
});

const columns = (step: readonly number[], replace: boolean, stage: StageColumns["stage"] = "rl"): StageColumns => ({
  arm: "swa",
  stage,
  revision: 0,
  replace,
  step,
  seconds: step.map((i) => i / 2),
  metrics: { rewardMean: step.map((i) => i * 10) },
});

describe("joinColumns", () => {
  it("appends news to what is known", () => {
    const joined = joinColumns(columns([1, 2], true), columns([3], false));
    expect(joined).toMatchObject({ step: [1, 2, 3], seconds: [0.5, 1, 1.5], metrics: { rewardMean: [10, 20, 30] } });
  });

  it("forgets what is known when the server says so", () => {
    expect(joinColumns(columns([1, 2, 3], true), columns([1, 2], true)).step).toEqual([1, 2]);
  });
});

describe("stageOffsets", () => {
  it("starts each stage where the longest one before it ends", () => {
    const offsets = stageOffsets([columns([1, 60], true), columns([300], true, "sft"), columns([200], true, "sft")]);
    expect([...offsets]).toEqual([
      ["sft", 0],
      ["rl", 300],
    ]);
  });
});
