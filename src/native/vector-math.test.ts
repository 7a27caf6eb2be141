// Exponential, logarithm and sigmoid against float64, in units of the last place.

import { expect, it } from "vitest";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { at, RCX, RDI, RSI, type Assembler, type Label, type Vector } from "./assembler.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { countedLoop } from "./loops.ts";
import { emitExp, emitLog, emitSigmoid, type Temps } from "./vector-math.ts";

type Emit = (to: Assembler, x: Vector, temps: Temps) => void;

const SMALLEST_NORMAL = 2 ** -126;
const BLOCK = 2 ** 16;

/** A function that applies `emit` to every element of an array, a vector at a time, with the last registers as temporaries. */
function applied(set: InstructionSet, emit: Emit, count: number): (x: Float32Array) => Float32Array {
  const { lanes, registers } = set;
  const kernel = kernelOf(set, (to): Label => {
    const entry = to.bound();
    countedLoop(to, RCX, count / lanes, () => {
      to.loadVector(3, at(RDI));
      emit(to, 3, [registers - 1, registers - 3, registers - 2]);
      to.storeVector(at(RSI), 3);
      to.addConstant(RDI, 4 * lanes);
      to.addConstant(RSI, 4 * lanes);
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
function worst(
  set: InstructionSet,
  emit: Emit,
  exact: (x: number) => number,
  admits: (x: number) => boolean,
): { x: number; ulp: number } {
  const apply = applied(set, emit, BLOCK);
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

function valuesOf(set: InstructionSet, emit: Emit, inputs: readonly number[]): number[] {
  const x = new Float32Array(Math.ceil(inputs.length / set.lanes) * set.lanes);
  x.set(inputs);
  return [...applied(set, emit, x.length)(x).subarray(0, inputs.length)];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const [LARGEST_EXP, SMALLEST_EXP] = [88.72, -103];

describeInSets("emitExp", (set) => {
  it("lies within 2 ulp of float64, results below the normal numbers included", () => {
    // worst seen 0.87 over a seventh of all float32
    const found = worst(set, emitExp, Math.exp, (x) => x < LARGEST_EXP && x > SMALLEST_EXP);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(2);
  });

  it("is exactly 1 at 0, 0 far below, infinite far above, and keeps what is not a number", () => {
    expect(valuesOf(set, emitExp, [0, -0, 1e-40, -110, -1e30, -Infinity, 89, 1e30, Infinity, NaN])).toEqual([
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

describeInSets("emitLog", (set) => {
  it("lies within 2 ulp of float64 for every kind of positive number", () => {
    // worst seen 0.90 over a seventh of all float32
    const found = worst(set, emitLog, Math.log, (x) => x > 0 && x < Infinity);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(2);
  });

  it("is exactly 0 at 1, -Infinity at both zeros, infinite at infinity, and not a number below 0", () => {
    expect(valuesOf(set, emitLog, [1, 0, -0, Infinity, -1, -1e-40, -Infinity, NaN])).toEqual([
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
    for (const [i, y] of valuesOf(set, emitLog, edges).entries()) {
      expect(unitsInLastPlace(y, Math.log(edges[i]!)), `at ${edges[i]}`).toBeLessThan(2);
    }
  });
});

describeInSets("emitSigmoid", (set) => {
  it("lies within 4 ulp of float64 wherever the result is a normal number", () => {
    // worst seen 2.31 over a hundredth of all float32
    const found = worst(set, emitSigmoid, sigmoid, (x) => sigmoid(x) >= SMALLEST_NORMAL);
    expect(found.ulp, `at ${found.x}`).toBeLessThan(4);
  });

  it("is exactly a half at 0, 0 and 1 far away, and keeps what is not a number", () => {
    expect(valuesOf(set, emitSigmoid, [0, -0, -1e30, -Infinity, 1e30, Infinity, NaN])).toEqual([
      0.5,
      0.5,
      0,
      0,
      1,
      1,
      NaN,
    ]);
  });
});
