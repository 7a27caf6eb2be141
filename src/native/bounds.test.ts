// Which indices are checked against which tables.

import { describe, expect, it } from "vitest";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { rotate } from "../graph/ops/decoder.ts";
import { cast } from "../graph/ops/elementwise.ts";
import { addAt, gatherRows, pick, scatterAddRows } from "../graph/ops/index.ts";
import { reshape, transpose } from "../graph/ops/move.ts";
import { argmax } from "../graph/ops/rowwise.ts";
import { checkIndices, indexBounds } from "./bounds.ts";

const table = input("table", [7, 9]);
const ids = input("ids", [7], "int32");

describe("indexBounds", () => {
  it("is the number of rows where rows are looked up, and of columns where elements are", () => {
    const limitOf = (y: Parameters<typeof graphOf>[0][string]): number | undefined =>
      indexBounds(graphOf({ y })).inputs.get("ids");
    expect(limitOf(gatherRows(table, ids))).toBe(7);
    expect(limitOf(scatterAddRows(table, ids, table))).toBe(7);
    expect(limitOf(pick(table, ids))).toBe(9);
    expect(limitOf(addAt(table, ids, input("values", [7, 1])))).toBe(9);
    const [cos, sin] = [input("cos", [11, 2]), input("sin", [11, 2])];
    expect(limitOf(rotate(input("x", [1, 7, 4]), cos, sin, reshape(ids, [1, 7]), 1))).toBe(11);
  });

  it("is the smallest of all tables that an input is looked up in, through views of it", () => {
    const small = gatherRows(input("small", [3, 9]), reshape(ids, [7, 1]));
    expect(indexBounds(graphOf({ y: pick(table, ids), small })).inputs).toEqual(new Map([["ids", 3]]));
  });

  it("names the output that a computed index is, and refuses one that is none", () => {
    const best = argmax(table);
    const { inputs, outputs } = indexBounds(graphOf({ best: reshape(best, [1, 7]), y: pick(table, best) }));
    expect([inputs.size, outputs]).toEqual([0, new Map([["best", 9]])]);
    expect(() => indexBounds(graphOf({ y: pick(table, best) }))).toThrow("indices of pick are an input or an output");
    const turned = transpose(cast(input("floats", [1, 7]), "int32"), [1, 0]);
    expect(() => indexBounds(graphOf({ y: gatherRows(table, turned) }))).toThrow("indices of gatherRows");
  });
});

describe("checkIndices", () => {
  it("takes 0 and the last, and names the first that lies outside", () => {
    const bounds = new Map([["ids", 3]]);
    checkIndices(bounds, { ids: Int32Array.of(0, 2) });
    checkIndices(bounds, {});
    expect(() => checkIndices(bounds, { ids: Int32Array.of(0, 3, -1) })).toThrow(
      new RangeError('element 1 of "ids" is 3, outside of 0 to 2'),
    );
    expect(() => checkIndices(bounds, { ids: Int32Array.of(-1) })).toThrow(RangeError);
  });
});
