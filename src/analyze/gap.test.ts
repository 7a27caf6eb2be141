// The gap against log-probs scored apart, and its distances in the miniature.

import { afterAll, describe, expect, it } from "vitest";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createScorer } from "../generate/log-probs.ts";
import { withWindow } from "../model/window.ts";
import { idsOf } from "../tasks/running-total-alphabet.ts";
import { countedPositions, createGapMeter, type GapMeter } from "./gap.ts";
import { speaksRunningTotal, termDistances } from "./term-distances.ts";

const engine = createEngine({ threads: 1 });
const config = tinyConfig();
const weights = tinyWeights(config);
const ids = tinyIds(40, 3);
const text = { ids, promptLength: 4, distances: new Int32Array(40) };
const owned: { dispose(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of owned) await each.dispose();
});

function meter(options: Partial<Parameters<typeof createGapMeter>[0]> = {}): GapMeter {
  const made = createGapMeter({ engine, reader: { config, weights }, window: 8, ...options });
  owned.push(made);
  return made;
}

describe("countedPositions", () => {
  it("takes response tokens at positions of at least W, and of those the counted ones", () => {
    expect([...countedPositions({ ...text, ids: ids.slice(0, 12) }, 8)]).toEqual([8, 9, 10, 11]);
    expect([...countedPositions({ ...text, ids: ids.slice(0, 12), promptLength: 10 }, 8)]).toEqual([10, 11]);
    const counted = [1, 1, 1, 1, 1, 0, 1, 0];
    expect([...countedPositions({ ...text, ids: ids.slice(0, 12), counted }, 8)]).toEqual([8, 10]);
    expect([...countedPositions({ ...text, ids: ids.slice(0, 8) }, 8)]).toEqual([]);
  });
});

describe("createGapMeter", () => {
  it("is the full log-prob minus the windowed one, token by token", async () => {
    const { positions, gaps, full } = await meter().measure(text);
    const scorers = [null, 8].map((window) => createScorer(engine, withWindow(config, window), weights));
    owned.push(...scorers);
    const [seen, hidden] = await Promise.all(scorers.map((scorer) => scorer.logProbs(ids)));
    expect([...positions]).toEqual(Array.from({ length: 32 }, (_, i) => 8 + i));
    expect([...full]).toEqual([...seen!.subarray(8)]);
    expect([...gaps]).toEqual(Array.from(positions, (p) => Math.fround(seen![p]! - hidden![p]!)));
    expect(gaps[0]).toBeCloseTo(0, 5); // position 8 is written by the query at 7, which still sees everything
    expect(Math.max(...gaps.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it("ignores the windows of the checkpoint: the same model converted has the same gap", async () => {
    const converted = { config: withWindow(config, 8), weights };
    expect((await meter({ reader: converted }).measure(text)).gaps).toEqual((await meter().measure(text)).gaps);
  });

  it("is 0 throughout when the window reaches over the text, and empty when no position does", async () => {
    const wide = await meter({ window: 39 }).measure(text);
    expect(wide.gaps).toHaveLength(1);
    expect(wide.gaps[0]).toBeCloseTo(0, 5);
    expect((await meter({ window: 40 }).measure(text)).gaps).toHaveLength(0);
  });

  it("lets another model read under the window", async () => {
    const other = tinyWeights(config, 6);
    const mixed = await meter({ windowedReader: { config, weights: other } }).measure(text);
    const scorer = createScorer(engine, withWindow(config, 8), other);
    owned.push(scorer);
    const hidden = await scorer.logProbs(ids);
    expect([...mixed.gaps]).toEqual(Array.from(mixed.positions, (p, i) => Math.fround(mixed.full[i]! - hidden[p]!)));
  });
});

describe("termDistances", () => {
  it("gives label, sign and digit of a term the distance to the label's latest occurrence", () => {
    //                             0123456789012345678901234567
    const distances = termDistances(idsOf("^b+3a-1=b+3:0+3=3[a-1]a-1:3-1=2#2$"));
    const at = (from: number, to: number): number[] => [...distances.subarray(from, to)];
    expect(at(0, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(at(8, 12)).toEqual([7, 7, 7, 0]); // b+3 at 8 looks back to 1
    expect(at(18, 21)).toEqual([14, 14, 14]); // a-1 restated at 18 looks back to 4
    expect(at(22, 26)).toEqual([4, 4, 4, 0]); // and its step only to the restatement
  });
});

describe("speaksRunningTotal", () => {
  it("knows the miniature's tokens by their ids, and takes no other tokenizer for it", () => {
    const tokens = [..."_^$0123456789+-=:[]#abcdefghijkl"];
    const tokenizer = { size: 32, idOf: (token: string) => tokens.indexOf(token) };
    expect(speaksRunningTotal(tokenizer)).toBe(true);
    expect(speaksRunningTotal({ ...tokenizer, size: 33 })).toBe(false);
    const swapped = {
      size: 32,
      idOf: (token: string) => (token === "a" ? 21 : token === "b" ? 20 : tokens.indexOf(token)),
    };
    expect(speaksRunningTotal(swapped)).toBe(false);
  });
});
