// Laws of reading the mismatch: signs are kept, parts that are not there are empty, one text alone is read too.

import { describe, expect, it } from "vitest";
import { mismatchCells } from "./mismatch-section.ts";
import { readMismatch } from "./mismatch.ts";

const text = {
  tokens: 1000,
  meanGapNats: -0.016,
  standardError: 0.005,
  byVerdict: { right: { tokens: 900, meanGapNats: 0.051 }, other: { tokens: 100, meanGapNats: -0.4 } },
  byReach: { beyond: { tokens: 125, gapNats: 0.614, ofMeanNats: 0.08 } },
  byDistance: [{ from: 1, to: 12, tokens: 50, gapNats: 0.01 }],
};

describe("readMismatch", () => {
  it("keeps the sign of a gap and tells right answers apart from all", () => {
    const [read] = readMismatch({
      window: 36,
      scorer: "/runs/a/checkpoints/sa/base",
      texts: { "SWA after RL": text },
    }).texts;
    expect(read).toMatchObject({ name: "SWA after RL", meanGapNats: -0.016, rightGapNats: 0.051, beyondShare: 0.125 });
    expect(mismatchCells(read!)).toEqual(["-0.016 ± 0.005", "0.051", "12.5 %", "0.614", "1.00 k"]);
  });

  it("names the models by the last two parts of their folders", () => {
    const { scorer, windowedReader } = readMismatch({ scorer: "/runs/a/checkpoints/sa/base", windowedReader: null });
    expect([scorer, windowedReader]).toEqual(["sa/base", null]);
  });

  it("reads the document of one text, and leaves out a text with no token to measure", () => {
    expect(readMismatch({ ...text }).texts.map(({ name, tokens }) => [name, tokens])).toEqual([["all", 1000]]);
    expect(readMismatch({ texts: { short: { tokens: 0, meanGapNats: null } } }).texts).toEqual([]);
  });

  it("is empty where there is no analysis or parts of another shape", () => {
    expect(readMismatch(null)).toEqual({
      scorer: null,
      windowedReader: null,
      texts: [],
      steps: [],
      attention: [],
      plan: null,
    });
    expect(readMismatch({ texts: 3, bySteps: [{ arm: "other" }], attention: {}, plan: [] })).toMatchObject({
      steps: [],
      plan: null,
    });
  });
});
