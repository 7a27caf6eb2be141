// The compiled arithmetic against the same formula in plain numbers, to the bit.

import { describe, expect, it } from "vitest";
import { ADAMW_FACTORS, drawnArrays, updatedByFormula } from "../../test/support/adamw-arrays.ts";
import { adamwKernel, type AdamwArrays } from "./adamw-kernel.ts";
import { newMemory } from "./wasm-code.ts";

const LENGTHS = [1, 2, 3, 4, 5, 1023, 4096, 4097, 9001];

const drawn = (length: number, item: number): AdamwArrays => drawnArrays(item, () => new Float32Array(length));

/** The same arrays, one after the other in memory the kernel works in, with something of another's behind them. */
function placed(
  arrays: AdamwArrays,
  shared: boolean,
): { arrays: AdamwArrays; kernel: ReturnType<typeof adamwKernel>; guard: Float32Array } {
  const places = Math.ceil(arrays.p.length / 4) * 4;
  const memory = newMemory(4 * (4 * places + 4), { shared });
  const at = (i: number): Float32Array => new Float32Array(memory.buffer, 4 * places * i, arrays.p.length);
  const inside = { p: at(0), g: at(1), m: at(2), v: at(3) };
  for (const name of ["p", "g", "m", "v"] as const) inside[name].set(arrays[name]);
  const guard = new Float32Array(memory.buffer, 16 * places, 4).fill(42);
  return { arrays: inside, kernel: adamwKernel(memory), guard };
}

describe("adamwKernel", () => {
  it.each(LENGTHS)("updates %d numbers of elsewhere", (length) => {
    const arrays = drawn(length, length);
    const want = updatedByFormula(arrays, ADAMW_FACTORS);
    adamwKernel(null)(arrays, ADAMW_FACTORS);
    expect(arrays).toEqual(want);
  });

  it.each(LENGTHS.flatMap((length) => [[length, true] as const, [length, false] as const]))(
    "updates %d numbers where they are (shared: %s), and nothing behind them",
    (length, shared) => {
      const before = drawn(length, length);
      const { arrays, kernel, guard } = placed(before, shared);
      kernel(arrays, ADAMW_FACTORS);
      expect(arrays).toEqual(updatedByFormula(before, ADAMW_FACTORS));
      expect([...guard]).toEqual([42, 42, 42, 42]);
    },
  );

  it("copies where only some of the arrays are in its memory", () => {
    const before = drawn(9, 1);
    const { arrays, kernel } = placed(before, false);
    const mixed = { ...arrays, g: before.g };
    kernel(mixed, ADAMW_FACTORS);
    expect(mixed).toEqual(updatedByFormula(before, ADAMW_FACTORS));
  });

  it("passes a NaN on", () => {
    const arrays = {
      p: Float32Array.of(1, 1),
      g: Float32Array.of(NaN, 1),
      m: new Float32Array(2),
      v: new Float32Array(2),
    };
    adamwKernel(null)(arrays, ADAMW_FACTORS);
    expect([Number.isNaN(arrays.p[0]), Number.isNaN(arrays.p[1])]).toEqual([true, false]);
  });
});
