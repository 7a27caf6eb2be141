// Matrix products to be computed by emitted kernels: inputs between guards, and what float64 gives.

import { expect } from "vitest";
import { randomStream } from "../../src/base/seeds.ts";
import { emitGemm, gemmScratch } from "../../src/native/gemm.ts";
import type { GemmShape } from "../../src/native/gemm-shape.ts";
import type { InstructionSet } from "../../src/native/instruction-set.ts";
import { expectClose } from "./expect-close.ts";
import { fencedArray } from "./fenced-array.ts";
import { kernelOf } from "./native-kernel.ts";
import { tolerances } from "./tolerances.ts";

const GUARD = 40;
export const UNTOUCHED = 12345;

export function shapeOf(m: number, n: number, k: number, rest: Partial<GemmShape> = {}): GemmShape {
  return { m, n, k, transA: false, transB: false, adds: false, scale: 1, ...rest };
}

/** An array with `beside` on both sides: NaN spoils what reads too far, UNTOUCHED shows what writes too far. */
export function guarded(length: number, beside: number, fill: (i: number) => number): Float32Array {
  const whole = new Float32Array(length + 2 * GUARD).fill(beside);
  const inner = whole.subarray(GUARD, GUARD + length);
  for (let i = 0; i < length; i++) inner[i] = fill(i);
  return inner;
}

export function expectGuards(inner: Float32Array, label: string): void {
  const whole = new Float32Array(inner.buffer);
  const beside = [...whole.subarray(0, GUARD), ...whole.subarray(GUARD + inner.length)];
  expect(beside, `${label}: beside the array`).toEqual(new Array<number>(2 * GUARD).fill(UNTOUCHED));
}

export interface Case {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly added: Float32Array;
}

/** Inputs whose products come out near 1 in size, so that one tolerance fits every k. */
export function randomCase({ m, n, k }: GemmShape, seed: number, batches = 1): Case {
  const stream = randomStream({ root: seed, purpose: "gemm.test" });
  const draw =
    (size: number): (() => number) =>
    () =>
      size * (2 * stream.uniform() - 1);
  return {
    a: guarded(batches * m * k, NaN, draw(1)),
    b: guarded(batches * k * n, NaN, draw(3 / Math.sqrt(k))),
    added: guarded(batches * m * n, NaN, draw(1)),
  };
}

/** Whole numbers so small that no sum rounds: a wrong, missing or doubled term cannot hide. */
export function wholeCase({ m, n, k }: GemmShape, seed: number): Case {
  const stream = randomStream({ root: seed, purpose: "gemm.test whole" });
  const draw = (): number => stream.integer(7) - 3;
  return { a: guarded(m * k, NaN, draw), b: guarded(k * n, NaN, draw), added: guarded(m * n, NaN, draw) };
}

export function product64({ m, n, k, transA, transB, adds, scale }: GemmShape, { a, b, added }: Case): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const left = Math.fround(scale) * a[transA ? l * m + i : i * k + l]!;
      for (let j = 0; j < n; j++) c[i * n + j]! += left * b[transB ? j * k + l : l * n + j]!;
    }
    if (adds) for (let j = 0; j < n; j++) c[i * n + j]! += added[i * n + j]!;
  }
  return c;
}

/** C and scratch memory start as NaN, so that what is read before it is written shows. */
export function computed(
  set: InstructionSet,
  shape: GemmShape,
  { a, b, added }: Case,
  kernel = kernelOf(set, (to) => emitGemm(to, shape)),
): Float32Array {
  const c = guarded(shape.m * shape.n, UNTOUCHED, () => NaN);
  const scratch = guarded(gemmScratch(set, shape), UNTOUCHED, () => NaN);
  kernel(a, b, c, scratch, shape.adds ? added : null);
  expectGuards(c, `C of ${describeShape(shape)}`);
  expectGuards(scratch, `scratch of ${describeShape(shape)}`);
  return c;
}

export function describeShape({ m, n, k, transA, transB, adds, scale }: GemmShape): string {
  return `${m}x${n}x${k}${transA ? " transA" : ""}${transB ? " transB" : ""}${adds ? " adds" : ""} scale ${scale}`;
}

export function expectProduct(set: InstructionSet, shape: GemmShape, seed: number): void {
  const inputs = randomCase(shape, seed);
  // engine32: worst seen 1.5e-6 of 1 + |c| over 20 seeds of these shapes; a lost term gives 1e-2 and more.
  expectClose(
    computed(set, shape, inputs),
    product64(shape, inputs),
    shape.seven === true ? tolerances.seven32 : tolerances.engine32,
    `${describeShape(shape)} seed ${seed}`,
  );
}

/** Whole numbers leave float32 no excuse for a difference. */
export function expectExact(set: InstructionSet, shape: GemmShape, inputs: Case): void {
  const right = Float32Array.from(product64(shape, inputs));
  expect(sameBits(computed(set, shape, inputs), right), describeShape(shape)).toBe(true);
}

/** The same bits whatever second cache the blocks of a product are fitted to. */
export function expectSameInCaches(
  set: InstructionSet,
  shape: GemmShape,
  inputs: Case,
  sizes: readonly (number | undefined)[],
): void {
  const [first, ...others] = sizes.map((secondCache) => computed(set, { ...shape, secondCache }, inputs));
  for (const other of others) expect(sameBits(other, first!), describeShape(shape)).toBe(true);
}

export function rootMeanSquare(values: Float32Array, right: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0) / values.length);
}

/** C that holds what is added to gives the bits of a C apart from it, and nothing beside it changes. */
export function expectAddsInPlace(set: InstructionSet, shape: GemmShape, seed: number): void {
  const inputs = randomCase(shape, seed);
  const c = guarded(shape.m * shape.n, UNTOUCHED, (i) => inputs.added[i]!);
  kernelOf(set, (to) => emitGemm(to, shape))(inputs.a, inputs.b, c, new Float32Array(gemmScratch(set, shape)), c);
  expect(sameBits(c, computed(set, shape, inputs)), describeShape(shape)).toBe(true);
  expectGuards(c, describeShape(shape));
}

/** The same bits where a step behind any array would end the process. */
export function expectWithinFences(set: InstructionSet, shape: GemmShape, seed: number): void {
  const inputs = randomCase(shape, seed);
  const [a, b, added, c, scratch] = [
    inputs.a,
    inputs.b,
    inputs.added,
    new Float32Array(shape.m * shape.n),
    new Float32Array(gemmScratch(set, shape)),
  ].map(fencedArray) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  kernelOf(set, (to) => emitGemm(to, shape))(a, b, c, scratch, shape.adds ? added : null);
  expect(sameBits(c, computed(set, shape, inputs)), describeShape(shape)).toBe(true);
}

export const sameBits = (left: Float32Array, right: Float32Array): boolean =>
  Buffer.from(left.slice().buffer).equals(Buffer.from(right.slice().buffer));

export const KINDS = [false, true].flatMap((transA) =>
  [false, true].flatMap((transB) => [false, true].map((adds) => ({ transA, transB, adds }))),
);
export const nameOf = (kind: (typeof KINDS)[number]): string =>
  `A ${kind.transA ? "turned" : "plain"}, B ${kind.transB ? "turned" : "plain"}${kind.adds ? ", added to a matrix" : ""}`;
