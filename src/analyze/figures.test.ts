// Figures of gaps worked out by hand.

import { describe, expect, it } from "vitest";
import { byFit, distanceEnds, fits, gapFigures, positionEnds } from "./figures.ts";
import type { TextGaps } from "./gap.ts";

/** @param tokens  [position, distance, gap] each */
function text(...tokens: readonly (readonly [number, number, number])[]): TextGaps {
  return {
    positions: Int32Array.from(tokens, ([position]) => position),
    distances: Int32Array.from(tokens, ([, distance]) => distance),
    full: new Float32Array(tokens.length),
    gaps: Float32Array.from(tokens, ([, , gap]) => gap),
  };
}

function first<Item>(count: number, items: Iterable<Item>): Item[] {
  const taken: Item[] = [];
  for (const item of items) if (taken.push(item) === count) break;
  return taken;
}

describe("gapFigures", () => {
  // W = 6: 6 is still within reach, 7 is beyond.
  const texts = [text([6, 0, 1], [7, 6, 3], [8, 7, 5]), text([6, 7, 7]), text()];
  const figures = gapFigures(texts, 6);

  it("averages over tokens, not over rows", () => {
    expect(figures.tokens).toBe(4);
    expect(figures.meanGapNats).toBe(4);
    expect(figures.rows).toEqual([
      { index: 0, tokens: 3, gapNats: 3 },
      { index: 1, tokens: 1, gapNats: 7 },
      { index: 2, tokens: 0, gapNats: null },
    ]);
  });

  it("counts a distance of W as within reach, and splits the mean into three parts that add up to it", () => {
    expect(figures.byReach).toEqual({
      beyond: { tokens: 2, gapNats: 6, ofMeanNats: 3 },
      within: { tokens: 1, gapNats: 3, ofMeanNats: 0.75 },
      nowhere: { tokens: 1, gapNats: 1, ofMeanNats: 0.25 },
    });
    expect(figures.byDistance).toEqual([
      { from: 5, to: 6, tokens: 1, gapNats: 3 },
      { from: 7, to: 8, tokens: 2, gapNats: 6 },
    ]);
    expect(figures.byPosition).toEqual([{ from: 6, to: 11, tokens: 4, gapNats: 4 }]);
  });

  it("takes rows as the draws in its standard error", () => {
    // Sums 9 and 7, counts 3 and 1, mean 4: residuals -3 and 3, sqrt(2/1 · 18)/4 = 1.5.
    expect(figures.standardError).toBeCloseTo(1.5, 12);
    expect(gapFigures([texts[0]!, text()], 6).standardError).toBeNull();
  });

  it("says null, not 0, of texts that have no token past the window", () => {
    const none = gapFigures([text(), text()], 6);
    expect(none).toMatchObject({ tokens: 0, meanGapNats: null, byDistance: [], byPosition: [] });
  });
});

describe("bins", () => {
  it("end at the window itself, whatever the window", () => {
    expect(first(8, distanceEnds(36))).toEqual([12, 24, 36, 48, 60, 72, 144, 288]);
    expect(first(4, distanceEnds(1))).toEqual([1, 2, 4, 8]);
    for (const window of [2, 5, 7, 100]) expect(first(4, distanceEnds(window))).toContain(window);
    expect(first(9, positionEnds(10))).toEqual([19, 29, 39, 49, 59, 69, 79, 159, 319]);
  });
});

describe("byFit and fits", () => {
  it("rank rows by their gap and let a row within the window fit at any threshold", () => {
    const { rows } = gapFigures([text([9, 0, 1]), text(), text([9, 0, 3]), text([9, 0, -1])], 6);
    expect(byFit(rows).map(({ index }) => index)).toEqual([2, 0, 3]);
    expect(rows.map((row) => fits(row, 1))).toEqual([true, true, false, true]);
    expect(rows.map((row) => fits(row, -5))).toEqual([false, true, false, false]);
  });
});
