// Exponential, logarithm and sigmoid against float64, in units of the last place.

import { describe, expect, it } from "vitest";
import { kernelOf } from "../../test/support/native-kernel.ts";
import { at, RCX, RDI, RSI, type Assembler, type Label, type Zmm } from "./assembler.ts";
import { hasAvx512 } from "./features.ts";
import { countedLoop, LANES } from "./loops.ts";
import { emitExp, emitLog, emitSigmoid } from "./vector-math.ts";

type Emit = (to: Assembler, x: Zmm, temps: readonly [Zmm, Zmm]) => void;

const SMALLEST_NORMAL = 2 ** -126;
const BLOCK = 2 ** 16;

/** A function that applies `emit` to every element of an array, sixteen at a time, with high registers as temporaries. */
function applied(emit: Emit, count: number): (x: Float32Array) => Float32Array {
  const kernel = kernelOf((to): Label => {
    const entry = to.bound();
    countedLoop(to, RCX, count / LANES, () => {
      to.loadVector(3, at(RDI));
      emit(to, 3, [30, 17]);
      to.storeVector(at(RSI), 3);
      to.addConstant(RDI, 4 * LANES);
      to.addConstant(RSI, 4 * LANES);
    });
    to.ret();
    return entry;
  });
  return (x) => {
    const y = new Float32Array(count);
    kernel(x, y);
    return y;
  };
}

/** Distance of a float32 from the exact value, in steps between float32 at that value. */
function unitsInLastPlace(actual: number, exact: number): number {
  if (Object.is(actual, Math.fround(exact))) return 0;
  const step = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(exact), SMALLEST_NORMAL))) - 23);
  return Math.abs(actual - exact) / step;
}

/** Worst error over float32 spread evenly over all bit patterns whose value `from` admits. */
function worst(emit: Emit, exact: (x: number) => number, admits: (x: number) => boolean): { x: number; ulp: number } {
  const apply = applied(emit, BLOCK);
  const bits = new Uint32Array(BLOCK);
  const x = new Float32Array(bits.buffer);
  const found = { x: NaN, ulp: 0 };
  // An odd step visits every exponent and both signs; the low bits differ from block to block.
  for (let block = 0; block < 64; block++) {
    for (let i = 0; i < BLOCK; i++) bits[i] = Math.imul(block * BLOCK + i, 0x9e3779b1);
    const y = apply(x);
    for (let i = 0; i < BLOCK; i++) {
      if (!admits(x[i]!)) continue;
      const ulp = unitsInLastPlace(y[i]!, exact(x[i]!));
      if (!(ulp <= found.ulp)) Object.assign(found, { x: x[i]!, ulp });
    }
  }
  return found;
}

function valuesOf(emit: Emit, inputs: readonly number[]): number[] {
  const x = new Float32Array(LANES);
  x.set(inputs);
  return [...applied(emit, LANES)(x).subarray(0, inputs.length)];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const [LARGEST_EXP, SMALLEST_EXP] = [88.72, -103];

describe.skipIf(!hasAvx512())("emitExp, where the processor has AVX-512", () => {
  it("lies within 2 ulp of float64, results below the normal numbers included", () => {
    // worst seen 0.87 over a seventh of all float32
    const found = worst(emitExp, Math.exp, (x) => x < LARGEST_EXP && x > SMALLEST_EXP);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(2);
  });

  it("is exactly 1 at 0, 0 far below, infinite far above, and keeps what is not a number", () => {
    expect(valuesOf(emitExp, [0, -0, 1e-40, -110, -1e30, -Infinity, 89, 1e30, Infinity, NaN])).toEqual([
      1,
      1,
      1,
      0,
      0,
      0,
      Infinity,
      Infinity,
      Infinity,
      NaN,
    ]);
  });
});

describe.skipIf(!hasAvx512())("emitLog, where the processor has AVX-512", () => {
  it("lies within 2 ulp of float64 for every kind of positive number", () => {
    // worst seen 0.90 over a seventh of all float32
    const found = worst(emitLog, Math.log, (x) => x > 0 && x < Infinity);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(2);
  });

  it("is exactly 0 at 1, -Infinity at both zeros, infinite at infinity, and not a number below 0", () => {
    expect(valuesOf(emitLog, [1, 0, -0, Infinity, -1, -1e-40, -Infinity, NaN])).toEqual([
      0,
      -Infinity,
      -Infinity,
      Infinity,
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });

  it("is right for the numbers on both sides of where the mantissa is halved", () => {
    const edges = [1.5, 1.5 - 2 ** -23, 0.75, 0.75 - 2 ** -24, 2, 1 - 2 ** -24, 3 * 2 ** -149, 3.4028234663852886e38];
    for (const [i, y] of valuesOf(emitLog, edges).entries()) {
      expect(unitsInLastPlace(y, Math.log(edges[i]!)), `at ${edges[i]}`).toBeLessThan(2);
    }
  });
});

describe.skipIf(!hasAvx512())("emitSigmoid, where the processor has AVX-512", () => {
  it("lies within 4 ulp of float64 wherever the result is a normal number", () => {
    // worst seen 2.02 over a seventh of all float32
    const found = worst(emitSigmoid, sigmoid, (x) => sigmoid(x) >= SMALLEST_NORMAL);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(4);
  });

  it("is exactly a half at 0, 0 and 1 far away, and keeps what is not a number", () => {
    expect(valuesOf(emitSigmoid, [0, -0, -1e30, -Infinity, 1e30, Infinity, NaN])).toEqual([0.5, 0.5, 0, 0, 1, 1, NaN]);
  });
});
