// The update's machine code against the same formula in plain numbers, to the bit.

import { expect, it } from "vitest";
import { ADAMW_FACTORS, drawnArrays, placesInLines, updatedByFormula } from "../../test/support/adamw-arrays.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { AdamwCode, type AdamwTable } from "./adamw.ts";
import { LINE_BYTES } from "./instruction-set.ts";

const FACTORS: AdamwTable = { ...ADAMW_FACTORS, rest1: 1 - ADAMW_FACTORS.beta1, rest2: 1 - ADAMW_FACTORS.beta2 };
const GUARD = 42;

/** Four arrays in memory of their own, each with a line of something else behind it. */
function drawn(length: number, item: number): { arrays: Float32Array[]; guards: Float32Array[] } {
  const { p, g, m, v } = drawnArrays(item, placesInLines(length, 1));
  const arrays = [p, g, m, v];
  const room = LINE_BYTES * Math.ceil((4 * length) / LINE_BYTES);
  const guards = arrays.map(({ buffer, byteOffset }) =>
    new Float32Array(buffer, byteOffset + room, LINE_BYTES / 4).fill(GUARD),
  );
  return { arrays, guards };
}

function expected([p, g, m, v]: readonly Float32Array[]): Float32Array[] {
  const after = updatedByFormula({ p: p!, g: g!, m: m!, v: v! }, ADAMW_FACTORS);
  return [after.p, g!.slice(), after.m, after.v];
}

describeInSets("AdamwCode", (set) => {
  it.each([0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 1023, 4096, 9001])(
    "updates %d numbers, and nothing behind them",
    (length) => {
      const code = new AdamwCode(set);
      const { arrays, guards } = drawn(length, length);
      for (let round = 0; round < 2; round++) {
        const want = expected(arrays);
        code.run(arrays, FACTORS);
        expect(arrays).toEqual(want);
      }
      for (const guard of guards) expect(guard.every((x) => x === GUARD)).toBe(true);
    },
  );

  it("passes a NaN on, and an infinite gradient", () => {
    const { arrays } = drawn(3, 1);
    arrays[1]!.set([NaN, Infinity, 1]);
    new AdamwCode(set).run(arrays, FACTORS);
    expect(Array.from(arrays[0]!, Number.isNaN)).toEqual([true, true, false]);
    expect(arrays[3]![1]).toBe(Infinity);
  });

  it("refuses arrays that begin elsewhere, differ in length, or have no room behind them", () => {
    const { arrays } = drawn(20, 2);
    const code = new AdamwCode(set);
    const refused = (each: readonly Float32Array[]) => (): void => code.run(each, FACTORS);
    expect(refused(arrays.map((array) => array.subarray(1, 9)))).toThrow("begins at a multiple of 64 bytes");
    expect(refused([...arrays.slice(0, 3), arrays[3]!.subarray(0, 19)])).toThrow("arrays of 20 numbers, not one of 19");
    expect(refused([...arrays.slice(0, 3), new Float32Array(20)])).toThrow("has its last 64 bytes to itself");
  });
});
