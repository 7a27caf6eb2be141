// The update's machine code against the same formula in plain numbers, to the bit.

import { expect, it } from "vitest";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { randomStream } from "../base/seeds.ts";
import { AdamwCode, type AdamwTable } from "./adamw.ts";
import { LINE_BYTES } from "./instruction-set.ts";

const FACTORS: AdamwTable = {
  gradientScale: 0.37,
  beta1: 0.9,
  rest1: 1 - 0.9,
  beta2: 0.98,
  rest2: 1 - 0.98,
  epsilon: 1e-8,
  meanScale: 3e-3,
  rootScale: 7.1,
  keep: 0.9997,
};
const GUARD = 42;

/** Four arrays in memory of their own, each with a line of something else behind it. */
function drawn(length: number, item: number): { arrays: Float32Array[]; guards: Float32Array[] } {
  const random = randomStream({ root: 3, purpose: "weights", item });
  const line = LINE_BYTES / 4;
  const places = Math.ceil(length / line) * line;
  const memory = new SharedArrayBuffer(4 * 4 * (places + line));
  const parts = [0, 1, 2, 3].map((i) => new Float32Array(memory, 4 * (places + line) * i, places + line));
  const arrays = parts.map((part, i) => {
    const array = part.subarray(0, length);
    for (let at = 0; at < length; at++) {
      const number = (random.uniform() - 0.5) * 10 ** (random.integer(60) - 45);
      array[at] = i === 3 ? Math.abs(number) : number;
    }
    return array;
  });
  return { arrays, guards: parts.map((part) => part.subarray(places).fill(GUARD)) };
}

function expected([p, g, m, v]: readonly Float32Array[]): Float32Array[] {
  const [newP, newM, newV] = [p!.slice(), m!.slice(), v!.slice()];
  for (let i = 0; i < p!.length; i++) {
    const gradient = g![i]! * FACTORS.gradientScale;
    const mean = FACTORS.beta1 * m![i]! + FACTORS.rest1 * gradient;
    const meanSquare = FACTORS.beta2 * v![i]! + FACTORS.rest2 * gradient * gradient;
    newM[i] = mean;
    newV[i] = meanSquare;
    newP[i] =
      FACTORS.keep * p![i]! -
      (FACTORS.meanScale * mean) / (Math.sqrt(meanSquare) * FACTORS.rootScale + FACTORS.epsilon);
  }
  return [newP, g!.slice(), newM, newV];
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
