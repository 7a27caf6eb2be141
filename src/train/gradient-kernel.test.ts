// The compiled sums against plain numbers, to the bit.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { gradientKernel } from "./gradient-kernel.ts";
import { newMemory } from "./wasm-code.ts";

const LENGTHS = [1, 2, 3, 4, 5, 7, 8, 1023, 4096];

function drawn(length: number, item: number): Float32Array {
  const random = randomStream({ root: 5, purpose: "weights", item });
  return Float32Array.from({ length }, () => (random.uniform() - 0.5) * 10 ** (random.integer(20) - 10));
}

/** Arrays of one length one after the other in a kernel's memory, with something of another's behind them. */
function placed(arrays: readonly Float32Array[], shared: boolean) {
  const places = Math.ceil(arrays[0]!.length / 4) * 4;
  const memory = newMemory(4 * (places * arrays.length + 4), { shared });
  const inside = arrays.map((data, i) => {
    const place = new Float32Array(memory.buffer, 4 * places * i, data.length);
    place.set(data);
    return place;
  });
  const guard = new Float32Array(memory.buffer, 4 * places * arrays.length, 4).fill(42);
  return { inside, kernel: gradientKernel(memory), guard };
}

/** Lanes of four, each added up in order. */
function squaresOf(data: Float32Array): number {
  const lanes = [0, 0, 0, 0];
  data.forEach((value, i) => (lanes[i % 4]! += value * value));
  return lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);
}

describe.each([true, false])("gradientKernel over memory that is shared: %s", (shared) => {
  it.each(LENGTHS)("adds up %d numbers of one to four members and gives their squares", (length) => {
    for (const members of [1, 2, 3, 4]) {
      const arrays = Array.from({ length: members }, (_, member) => drawn(length, 10 * length + member));
      const want = arrays.slice(1).reduce((sum, other) => sum.map((x, i) => x + other[i]!), arrays[0]!);
      const { inside, kernel, guard } = placed(arrays, shared);
      expect(kernel.addUp(inside[0]!, inside.slice(1))).toBe(squaresOf(want));
      expect(inside[0]).toEqual(want);
      expect(inside.slice(1)).toEqual(arrays.slice(1));
      expect([...guard]).toEqual([42, 42, 42, 42]);
      const elsewhere = arrays.map((data) => data.slice());
      expect(gradientKernel(null).addUp(elsewhere[0]!, elsewhere.slice(1))).toBe(squaresOf(want));
      expect(elsewhere[0]).toEqual(want);
    }
  });

  it.each(LENGTHS)("clears %d numbers and nothing behind them", (length) => {
    const { inside, kernel } = placed([drawn(length, 1), drawn(length, 2)], shared);
    const kept = inside[1]!.slice();
    kernel.clear(new Map([["a", inside[0]!]]));
    expect(inside[0]!.every((x) => x === 0)).toBe(true);
    expect(inside[1]).toEqual(kept);
  });

  it("takes arrays of elsewhere too", () => {
    const { inside, kernel } = placed([drawn(9, 3)], shared);
    const [total, other] = [drawn(9, 4), drawn(9, 5)];
    const want = total.map((x, i) => x + other[i]!);
    expect(kernel.addUp(total, [other])).toBe(squaresOf(want));
    const mixed = inside[0]!.map((x, i) => x + want[i]!);
    kernel.addUp(inside[0]!, [total]);
    expect(inside[0]).toEqual(mixed);
    kernel.clear(new Map([["a", total]]));
    expect(total.every((x) => x === 0)).toBe(true);
  });

  it("passes NaN and infinities on", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const { inside, kernel } = placed([Float32Array.of(1, 1, 1, 1, 1), Float32Array.of(0, 0, 0, 0, value)], shared);
      expect(Number.isFinite(kernel.addUp(inside[0]!, [inside[1]!]))).toBe(false);
    }
  });

  it("does not take a huge finite gradient for an infinite one", () => {
    const { inside, kernel } = placed([Float32Array.of(3e38, 3e38)], shared);
    const stored = Math.fround(3e38);
    expect(kernel.addUp(inside[0]!, [])).toBe(stored * stored + stored * stored);
  });
});
