// Laws of the terminal table.

import { describe, expect, it } from "vitest";
import type { RunResults } from "../run/results.ts";
import { resultTable } from "./table.ts";

const score = (accuracy: number) => ({ accuracy, ci95: [accuracy - 0.04, accuracy + 0.04] as const, n: 512 });

const results: RunResults = {
  seed: 1,
  window: 36,
  arms: {
    sa: { sft: { sampled: score(0.95), greedy: score(0.96) }, rl: { sampled: score(0.95) } },
    swa: { sft: { sampled: score(0.45) }, moreSft: { sampled: score(0.55) }, rl: { sampled: score(0.9) } },
  },
  gaps: { sampled: { gapAfterSft: 0.5, gapAfterRl: 0.05, gapRecovered: 0.9 } },
};

describe("resultTable", () => {
  it("lines up every row of a block and keeps within 76 columns", () => {
    const lines = resultTable(results).split("\n");
    const rows = lines.filter((line) => line.startsWith("  "));
    expect(new Set(rows.slice(0, 5).map((line) => line.length)).size).toBe(1);
    expect(Math.max(...rows.map((line) => line.length))).toBeLessThanOrEqual(76);
  });

  it("shows a stage that an arm did not run as a dash, never as a zero", () => {
    expect(resultTable(results)).toMatch(/More SFT\s+–\s+55\.0 \[51\.0, 59\.0\]/);
  });

  it("states the gap before and after RL, temperature 1 first", () => {
    const text = resultTable(results);
    expect(text).toContain("costs 50.0 points after SFT and 5.0 after RL: 90 % of it recovered.");
    expect(text.indexOf("temperature 1")).toBeLessThan(text.indexOf("greedy"));
  });

  it("says so when nothing was evaluated", () => {
    expect(resultTable({ seed: 1, window: 4, arms: {} })).toBe("No stage has been evaluated yet.");
  });
});
