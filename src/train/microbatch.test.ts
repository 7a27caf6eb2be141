// The shape of a step's microbatches: whole blocks, little padding, no thread idle.

import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../test/support/tiny-model.ts";
import { rowsNeeded } from "../tokens/pack.ts";
import { microbatchShape } from "./microbatch.ts";

const sliding = tinyConfig({ windows: [36, 36] });
const full = tinyConfig({ windows: [null, null] });
/** 16 sequences of 60 to 135 tokens, as a batch of the miniature. */
const LENGTHS = [60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 125, 130, 135];

function utilisation(lengths: readonly number[], rows: number, tokens: number): number {
  const passes = Math.ceil(rowsNeeded(lengths, tokens) / rows);
  return lengths.reduce((sum, length) => sum + length, 0) / (passes * rows * tokens);
}

describe("microbatchShape", () => {
  it.each([
    ["sliding layers", sliding, 36],
    ["full layers", full, 32],
  ])("fills more than four places in five with %s, in whole units", (_, config, unit) => {
    const { rows, tokens } = microbatchShape(config, LENGTHS, { microbatchTokens: 1024, threads: 1 });
    expect(tokens % unit).toBe(0);
    expect(tokens).toBeGreaterThanOrEqual(135);
    expect(rows * tokens).toBeLessThanOrEqual(1.1 * 1024);
    expect(utilisation(LENGTHS, rows, tokens)).toBeGreaterThan(0.8);
  });

  it("spreads what one pass could hold over all threads", () => {
    const shape = microbatchShape(full, [64, 64, 64, 64], { microbatchTokens: 1024, threads: 2 });
    expect(shape).toEqual({ rows: 2, tokens: 64 });
  });

  it("lets one row be longer than a pass should be", () => {
    expect(microbatchShape(full, [300, 20], { microbatchTokens: 128, threads: 1 })).toEqual({ rows: 1, tokens: 320 });
  });
});
