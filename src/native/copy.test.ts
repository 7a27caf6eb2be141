// Emitted copies against plain loops over the same index space, bit for bit, over ranks, strides and the ends of vectors.

import { describe, expect, it } from "vitest";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { randomStream, type RandomStream } from "../base/seeds.ts";
import { interpret } from "../graph/interpret.ts";
import { input } from "../graph/node.ts";
import { transpose } from "../graph/ops/move.ts";
import { offsetsOf, stridesOf } from "../tensor/shape.ts";
import { sizeOf, type Shape } from "../tensor/tensor.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { emitFill, emitStridedCopy, mergedAxes, type StridedCopy } from "./copy.ts";

const GUARD = 40;
const UNTOUCHED = 0x40490fdb;

/** Bits of `count` elements between untouched ones and a page that ends the process when it is read or written. */
function fencedBits(count: number): Int32Array {
  const { buffer, byteOffset, length } = fencedArray(new Float32Array(GUARD + count));
  return new Int32Array(buffer, byteOffset, length).fill(UNTOUCHED).subarray(GUARD);
}

/** Elements that an index space spans under some strides. */
function extentOf(sizes: Shape, strides: Shape): number {
  return sizes.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, 1);
}

/** Copies distinct bits, and compares everything in and before the target with a plain loop's result. */
function expectCopy(set: InstructionSet, shape: StridedCopy, label = JSON.stringify(shape)): void {
  const { sizes, sourceStrides, targetStrides } = shape;
  const source = fencedBits(extentOf(sizes, sourceStrides)).map((_, i) => Math.imul(i + 1, 0x9e3779b1));
  const from = fencedBits(source.length);
  from.set(source);
  const target = fencedBits(extentOf(sizes, targetStrides));
  kernelOf(set, (to) => emitStridedCopy(to, shape))(from, target);
  const expected = new Int32Array(GUARD + target.length).fill(UNTOUCHED);
  const read = offsetsOf(sizes, sourceStrides);
  for (const [i, offset] of offsetsOf(sizes, targetStrides).entries()) expected[GUARD + offset] = source[read[i]!]!;
  const whole = new Int32Array(target.buffer, target.byteOffset - 4 * GUARD, expected.length);
  const wrong = expected.findIndex((bits, i) => bits !== whole[i]);
  expect(wrong < 0 ? "equal" : `differs at ${wrong - GUARD}`, label).toBe("equal");
  expect(
    from.every((bits, i) => bits === source[i]),
    `${label}: source`,
  ).toBe(true);
}

/** Strides that lay the axes out in the order drawn, with gaps of up to `gap` between neighbours. */
function drawnStrides(sizes: Shape, stream: RandomStream, gap: number): number[] {
  const strides = new Array<number>(sizes.length).fill(0);
  const left = [...sizes.keys()];
  let step = 1 + (stream.uniform() < 0.2 ? stream.integer(gap + 1) : 0);
  while (left.length > 0) {
    const inOrder = stream.uniform() < 0.6;
    const [axis] = left.splice(inOrder ? left.length - 1 : stream.integer(left.length), 1) as [number];
    strides[axis] = step;
    step = step * sizes[axis]! + (stream.uniform() < 0.3 ? stream.integer(gap + 1) : 0);
  }
  return strides;
}

function drawnCopy(seed: number): StridedCopy {
  const stream = randomStream({ root: seed, purpose: "copy.test" });
  const rank = stream.integer(7);
  const most = [1, 400, 70, 24, 9, 5, 4][rank]!;
  const sizes = Array.from({ length: rank }, () => (stream.uniform() < 0.15 ? 1 : 1 + stream.integer(most)));
  const repeated = stream.uniform() < 0.3 ? 0.4 : 0;
  const source = drawnStrides(sizes, stream, 5).map((stride) => (stream.uniform() < repeated ? 0 : stride));
  return { sizes, sourceStrides: source, targetStrides: drawnStrides(sizes, stream, 5) };
}

describe("mergedAxes", () => {
  it("makes a dense copy of any rank one axis, and a copy of one element none", () => {
    const dense = { sizes: [3, 1, 4, 5], sourceStrides: [20, 7, 5, 1], targetStrides: [20, 20, 5, 1] };
    expect(mergedAxes(dense)).toEqual([{ size: 60, source: 1, target: 1 }]);
    expect(mergedAxes({ sizes: [1, 1], sourceStrides: [1, 1], targetStrides: [9, 1] })).toEqual([]);
    expect(mergedAxes({ sizes: [], sourceStrides: [], targetStrides: [] })).toEqual([]);
  });

  it("merges only neighbours that both sides walk through evenly", () => {
    // Rows of 4 out of rows of 6: the source skips two elements a row, so the rows stay an axis.
    expect(mergedAxes({ sizes: [2, 3, 4], sourceStrides: [18, 6, 1], targetStrides: [12, 4, 1] })).toEqual([
      { size: 6, source: 6, target: 4 },
      { size: 4, source: 1, target: 1 },
    ]);
    // Heads and their blocks, 2·64 = 128, are one axis of 4; tokens are not.
    const heads = { sizes: [8, 2, 2, 5, 32], sourceStrides: [640, 64, 32, 128, 1] };
    expect(mergedAxes({ ...heads, targetStrides: stridesOf(heads.sizes) })).toEqual([
      { size: 8, source: 640, target: 640 },
      { size: 4, source: 32, target: 160 },
      { size: 5, source: 128, target: 32 },
      { size: 32, source: 1, target: 1 },
    ]);
  });

  it("merges axes over which the source repeats", () => {
    expect(mergedAxes({ sizes: [2, 3, 4], sourceStrides: [0, 0, 1], targetStrides: [12, 4, 1] })).toEqual([
      { size: 6, source: 0, target: 4 },
      { size: 4, source: 1, target: 1 },
    ]);
  });

  it("puts axes in the order of the target, in which more of them may merge", () => {
    expect(mergedAxes({ sizes: [4, 3], sourceStrides: [1, 4], targetStrides: [1, 4] })).toEqual([
      { size: 12, source: 1, target: 1 },
    ]);
  });
});

describeInSets("emitStridedCopy", (set) => {
  it("copies dense rows of every length around the ends of vectors and loops", () => {
    const lengths = [
      ...Array.from({ length: 70 }, (_, i) => i + 1),
      119,
      120,
      121,
      127,
      128,
      129,
      136,
      255,
      256,
      257,
      272,
      383,
      384,
      385,
      1000,
      5000,
    ];
    for (const length of lengths) expectCopy(set, { sizes: [length], sourceStrides: [1], targetStrides: [1] });
  });

  it("copies rows out of longer rows into longer rows, however many", () => {
    for (const width of [1, 2, 7, 8, 9, 15, 16, 20, 32, 64, 100, 257, 400]) {
      for (const rows of [1, 2, 7, 8, 9, 33]) {
        expectCopy(set, { sizes: [rows, width], sourceStrides: [width + 3, 1], targetStrides: [width + 1, 1] });
      }
    }
  });

  it("turns matrices of every size around a tile, with gaps between rows and in batches", () => {
    const sizes = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 50];
    for (const rows of sizes) {
      for (const columns of sizes) {
        expectCopy(set, { sizes: [columns, rows], sourceStrides: [1, columns], targetStrides: [rows, 1] });
        const gaps = { sourceStrides: [columns * rows + rows + 7, 1, columns + 1], targetStrides: [3000, rows + 2, 1] };
        expectCopy(set, { sizes: [3, columns, rows], ...gaps });
      }
    }
  });

  it("repeats elements, rows and blocks where the source stands still", () => {
    for (const [rows, width] of [
      [3, 5],
      [9, 16],
      [17, 33],
      [4, 300],
    ] as const) {
      const targetStrides = [2 * rows * width, width, 1];
      for (const sourceStrides of [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
        [rows, 1, 0],
        [width, 0, 1],
        [0, width, 1],
        [0, 1, rows],
      ]) {
        expectCopy(set, { sizes: [3, rows, width], sourceStrides, targetStrides });
      }
    }
  });

  it("copies single elements where neither side has them side by side", () => {
    expectCopy(set, { sizes: [100], sourceStrides: [7], targetStrides: [1] });
    expectCopy(set, { sizes: [100], sourceStrides: [1], targetStrides: [7] });
    expectCopy(set, { sizes: [19, 13], sourceStrides: [3, 100], targetStrides: [40, 2] });
  });

  it("equals a plain loop on index spaces drawn at random", () => {
    for (let seed = 0; seed < 400; seed++) {
      const shape = drawnCopy(seed);
      expectCopy(set, shape, `seed ${seed}: ${JSON.stringify(shape)}`);
    }
  });

  it("is the graph's transpose in every order of four axes", () => {
    const shape = [3, 17, 2, 33];
    const strides = stridesOf(shape);
    const x = Float32Array.from({ length: sizeOf(shape) }, (_, i) => i);
    for (let code = 0; code < 256; code++) {
      const order = [code & 3, (code >> 2) & 3, (code >> 4) & 3, code >> 6];
      if (new Set(order).size < 4) continue;
      const sizes = order.map((axis) => shape[axis]!);
      const given = { sizes, sourceStrides: order.map((axis) => strides[axis]!), targetStrides: stridesOf(sizes) };
      const y = new Float32Array(x.length);
      kernelOf(set, (to) => emitStridedCopy(to, given))(x, y);
      const { expected } = interpret({ inputs: {}, outputs: { expected: transpose(input("x", shape), order) } }, { x });
      expect([...y], String(order)).toEqual([...expected!]);
    }
  });

  it("leaves the target as it is where the index space is empty", () => {
    expectCopy(set, { sizes: [0], sourceStrides: [1], targetStrides: [1] });
  });
});

describeInSets("emitFill", (set) => {
  it("writes the value's own bits to every element and to nothing else", () => {
    for (const count of [1, 7, 8, 9, 15, 16, 17, 64, 100, 127, 128, 129, 255, 256, 257, 400, 1000]) {
      for (const value of [0, -0, 0.1, -Infinity]) {
        const target = fencedBits(count);
        kernelOf(set, (to) => emitFill(to, { count, value }))(target);
        const bits = new Int32Array(Float32Array.of(value).buffer)[0]!;
        const whole = new Int32Array(target.buffer, target.byteOffset - 4 * GUARD, GUARD + count);
        const expected = new Int32Array(GUARD + count).fill(UNTOUCHED, 0, GUARD).fill(bits, GUARD);
        expect([...whole], `${count} times ${value}`).toEqual([...expected]);
      }
    }
  });
});
