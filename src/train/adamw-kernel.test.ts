// The compiled arithmetic against the same formula in plain numbers, to the bit.

import { describe, expect, it } from "vitest";
import { randomStream } from "../base/seeds.ts";
import { adamwKernel, type AdamwArrays, type AdamwFactors } from "./adamw-kernel.ts";
import { newMemory } from "./wasm-code.ts";

const FACTORS: AdamwFactors = {
  gradientScale: 0.37,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  meanScale: 3e-3,
  rootScale: 7.1,
  keep: 0.9997,
};
const LENGTHS = [1, 2, 3, 4, 5, 1023, 4096, 4097, 9001];

/** Numbers of many sizes: zeros, denormals and large ones among them. */
function drawn(length: number, item: number): AdamwArrays {
  const random = randomStream({ root: 3, purpose: "weights", item });
  const number = (): number => (random.uniform() - 0.5) * 10 ** (random.integer(60) - 45);
  const draw = (): Float32Array => Float32Array.from({ length }, number);
  return { p: draw(), g: draw(), m: draw(), v: draw().map(Math.abs) };
}

function expected({ p, g, m, v }: AdamwArrays, factors: AdamwFactors): AdamwArrays {
  const { gradientScale, beta1, beta2, epsilon, meanScale, rootScale, keep } = factors;
  const [newP, newM, newV] = [p.slice(), m.slice(), v.slice()];
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]! * gradientScale;
    const mean = beta1 * m[i]! + (1 - beta1) * gradient;
    const meanSquare = beta2 * v[i]! + (1 - beta2) * gradient * gradient;
    newM[i] = mean;
    newV[i] = meanSquare;
    newP[i] = keep * p[i]! - (meanScale * mean) / (Math.sqrt(meanSquare) * rootScale + epsilon);
  }
  return { p: newP, g, m: newM, v: newV };
}

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
    const want = expected(arrays, FACTORS);
    adamwKernel(null)(arrays, FACTORS);
    expect(arrays).toEqual(want);
  });

  it.each(LENGTHS.flatMap((length) => [[length, true] as const, [length, false] as const]))(
    "updates %d numbers where they are (shared: %s), and nothing behind them",
    (length, shared) => {
      const before = drawn(length, length);
      const { arrays, kernel, guard } = placed(before, shared);
      kernel(arrays, FACTORS);
      expect(arrays).toEqual(expected(before, FACTORS));
      expect([...guard]).toEqual([42, 42, 42, 42]);
    },
  );

  it("copies where only some of the arrays are in its memory", () => {
    const before = drawn(9, 1);
    const { arrays, kernel } = placed(before, false);
    const mixed = { ...arrays, g: before.g };
    kernel(mixed, FACTORS);
    expect(mixed).toEqual(expected(before, FACTORS));
  });

  it("passes a NaN on", () => {
    const arrays = {
      p: Float32Array.of(1, 1),
      g: Float32Array.of(NaN, 1),
      m: new Float32Array(2),
      v: new Float32Array(2),
    };
    adamwKernel(null)(arrays, FACTORS);
    expect([Number.isNaN(arrays.p[0]), Number.isNaN(arrays.p[1])]).toEqual([true, false]);
  });
});
