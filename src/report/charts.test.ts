// Laws of the charts: bins and ticks by hand, and text that can only be text.

import { describe, expect, it } from "vitest";
import { arcStrip, binShares, lineChart, ticks } from "./charts.ts";

describe("binShares", () => {
  it("puts a distance equal to the window on the near side of its edge", () => {
    // Bins of 4: 36 falls in 33..36, the ninth; 37 in 37..40, the tenth; 99 is beyond the last bin and joins it.
    const shares = binShares([36, 37, 99, 1], 4, 40);
    expect(shares).toEqual([0.25, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.5]);
  });
});

describe("ticks", () => {
  it.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [1, 60, 6, [10, 20, 30, 40, 50, 60]],
    [0, 0.3, 5, [0, 0.1, 0.2, 0.3]],
    [5, 5, 5, [5]],
  ])("covers %d to %d with round values", (low, high, count, expected) => {
    expect(ticks(low, high, count)).toEqual(expected);
  });
});

describe("arcStrip", () => {
  it("counts as beyond exactly the look-ups whose distance exceeds the window", () => {
    const { markup } = arcStrip(
      [
        [0, 36],
        [0, 37],
        [5, 60],
      ],
      80,
      20,
      36,
    );
    expect(markup).toContain("3 look-ups, 2 of them beyond the window of 36");
    expect(markup.match(/arc beyond/g)?.length).toBe(2);
  });
});

describe("lineChart", () => {
  it("escapes what a title brings", () => {
    const series = [
      {
        kind: "sa",
        label: "a",
        points: [
          [0, 0],
          [1, 1],
        ],
      },
    ] as const;
    const options = { title: '"><script>', xLabel: "<i>", yLabel: "", yRange: [0, 1], yText: String } as const;
    const { markup } = lineChart(series, options);
    expect(markup).not.toMatch(/<script|<i>/);
    expect(markup).toContain("&quot;&gt;&lt;script&gt;");
  });
});
