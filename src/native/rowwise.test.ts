// Kernels on rows against the graph's own meaning in float64, over the ends of vectors, registers and loops.

import { expect, it } from "vitest";
import { expectClose, type Tolerance } from "../../test/support/expect-close.ts";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { interpret } from "../graph/interpret.ts";
import { input, type GraphNode } from "../graph/node.ts";
import { rmsNorm } from "../graph/ops/decoder.ts";
import { argmax, cumulativeSum, logSoftmax, softmax } from "../graph/ops/rowwise.ts";
import type { Assembler, Label } from "./assembler.ts";
import type { InstructionSet } from "./instruction-set.ts";
import type { RowShape } from "./loops.ts";
import { emitArgmax, emitCumulativeSum, emitLogSoftmax, emitRmsNorm, emitSoftmax } from "./rowwise.ts";

/** Ends of a vector; rows in registers, just too long for them (33, 257, 272), and in a loop with every kind of rest. */
const WIDTHS = [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 255, 256, 257, 272, 320, 513, 1000];
/** Fewer rows than a tile of eight or sixteen, a whole one, and one and a piece. */
const ROWS = [1, 3, 8, 19];
const SHAPES: readonly RowShape[] = WIDTHS.flatMap((width) => ROWS.map((rows) => ({ rows, width })));
const GUARD = 40;
const UNTOUCHED = 12345;
const EPSILON = 1e-5;

/** sums of positive numbers, one after the other: worst seen 1.4e-6 relative in rows of up to 1000 */
const RUNNING: Tolerance = { absolute: 0, relative: 6e-6 };

/** Inputs that nothing lies behind: who reads past the end ends the process. */
function randomRows(count: number, name: string, spread = 3): Float32Array {
  const stream = randomStream({ root: 5, purpose: name });
  return fencedArray(Float32Array.from({ length: count }, () => spread * stream.normal()));
}

/** An output between guards, and the check that they are as they were. */
function guarded(count: number): { readonly inner: Float32Array; readonly expectGuards: (label: string) => void } {
  const all = new Float32Array(count + 2 * GUARD).fill(UNTOUCHED);
  const inner = all.subarray(GUARD, GUARD + count).fill(NaN);
  const expectGuards = (label: string): void => {
    const beside = [...all.subarray(0, GUARD), ...all.subarray(GUARD + count)];
    expect(new Set(beside), `${label}: beside the output`).toEqual(new Set([UNTOUCHED]));
  };
  return { inner, expectGuards };
}

function meaningOf(op: (x: GraphNode) => GraphNode, { rows, width }: RowShape, x: ArrayLike<number>): Float64Array {
  return interpret({ inputs: {}, outputs: { y: op(input("x", [rows, width])) } }, { x })["y"]!;
}

type Emit = (to: Assembler, shape: RowShape) => Label;

/** Runs a kernel (x, y) on every shape, into memory of its own and in place, and compares with the op. */
function expectMeaning(
  set: InstructionSet,
  emit: Emit,
  op: (x: GraphNode) => GraphNode,
  tolerance: Tolerance,
  rowsOf = randomRows,
): void {
  for (const shape of SHAPES) {
    const label = `${shape.rows} x ${shape.width}`;
    const x = rowsOf(shape.rows * shape.width, label);
    const expected = meaningOf(op, shape, x);
    const kernel = kernelOf(set, (to) => emit(to, shape));
    const { inner: y, expectGuards } = guarded(x.length);
    kernel(x, y);
    expectClose(y, expected, tolerance, label);
    expectGuards(label);
    kernel(x, x);
    expect(x, `${label} in place`).toEqual(y);
  }
}

describeInSets("emitSoftmax", (set) => {
  it("gives the softmax of every row, in place too, and writes nothing else", () => {
    expectMeaning(set, emitSoftmax, softmax, tolerances.engine32);
  });

  it("gives exactly 0 to entries of -1e30, and equal shares where there is nothing else", () => {
    for (const width of [12, 20, 300]) {
      const x = Float32Array.from({ length: 2 * width }, (_, i) => (i < width && i % 5 === 0 ? i : -1e30));
      const y = new Float32Array(x.length);
      kernelOf(set, (to) => emitSoftmax(to, { rows: 2, width }))(x, y);
      const [first, second] = [y.subarray(0, width), y.subarray(width)];
      expectClose(first, meaningOf(softmax, { rows: 1, width }, x.subarray(0, width)), tolerances.engine32, `${width}`);
      expectClose(second, new Float64Array(width).fill(1 / width), tolerances.engine32, `${width} alone`);
      expect(new Set(first.filter((_, i) => i % 5 !== 0))).toEqual(new Set([0]));
    }
  });

  it("stays finite for rows of large numbers, and gives nothing but NaN for a row that holds one", () => {
    for (const width of [12, 20, 300]) {
      const x = Float32Array.from({ length: 2 * width }, (_, i) => (i < width ? 3e38 : i === width + 3 ? NaN : 1));
      const y = new Float32Array(x.length);
      kernelOf(set, (to) => emitSoftmax(to, { rows: 2, width }))(x, y);
      expectClose(y.subarray(0, width), new Float64Array(width).fill(1 / width), tolerances.engine32, `${width}`);
      expect(new Set(y.subarray(width))).toEqual(new Set([NaN]));
    }
  });
});

describeInSets("emitLogSoftmax", (set) => {
  it("gives the log of the softmax of every row, in place too, and writes nothing else", () => {
    expectMeaning(set, emitLogSoftmax, logSoftmax, tolerances.engine32);
  });

  it("writes the softmax besides, when asked for it", () => {
    for (const shape of SHAPES) {
      const label = `${shape.rows} x ${shape.width}`;
      const x = randomRows(shape.rows * shape.width, label);
      const [y, p] = [guarded(x.length), guarded(x.length)];
      kernelOf(set, (to) => emitLogSoftmax(to, { ...shape, probs: true }))(x, y.inner, p.inner);
      expectClose(y.inner, meaningOf(logSoftmax, shape, x), tolerances.engine32, label);
      expectClose(p.inner, meaningOf(softmax, shape, x), tolerances.engine32, `${label} probs`);
      y.expectGuards(label);
      p.expectGuards(label);
    }
  });

  it("keeps the log of what is too unlikely for a float32", () => {
    const y = new Float32Array(2);
    kernelOf(set, (to) => emitLogSoftmax(to, { rows: 1, width: 2 }))(Float32Array.of(0, -500), y);
    expect([...y]).toEqual([0, -500]);
  });
});

describeInSets("emitCumulativeSum", (set) => {
  const positive = (count: number, name: string): Float32Array =>
    fencedArray(randomRows(count, name, 1).map((value) => Math.abs(value)));

  it("gives the running sums of every row, in place too, and writes nothing else", () => {
    expectMeaning(set, emitCumulativeSum, cumulativeSum, RUNNING, positive);
  });

  it("adds one element after the other, so that a 0 changes nothing", () => {
    const [rows, width] = [17, 100];
    const x = randomRows(rows * width, "zeros").map((value, i) => (i % 3 === 0 ? Math.abs(value) : 0));
    const y = new Float32Array(x.length);
    kernelOf(set, (to) => emitCumulativeSum(to, { rows, width }))(x, y);
    const inOrder = new Float32Array(x.length);
    for (let i = 0; i < x.length; i++) inOrder[i] = i % width === 0 ? x[i]! : inOrder[i - 1]! + x[i]!;
    expect(y).toEqual(inOrder);
  });
});

describeInSets("emitArgmax", (set) => {
  function indices({ rows, width }: RowShape, x: Float32Array): number[] {
    const { inner, expectGuards } = guarded(rows);
    kernelOf(set, (to) => emitArgmax(to, { rows, width }))(x, inner);
    expectGuards(`${rows} x ${width}`);
    return [...new Int32Array(inner.buffer, inner.byteOffset, rows)];
  }

  it("gives the first index of the largest, of many that are equal too", () => {
    for (const shape of SHAPES) {
      const x = randomRows(shape.rows * shape.width, "largest").map((value) => Math.round(value));
      expect(indices(shape, x), `width ${shape.width}`).toEqual([...meaningOf(argmax, shape, x)]);
    }
  });

  it("finds a single largest wherever it stands", () => {
    for (const width of [7, 9, 33, 300]) {
      const x = new Float32Array(width * width).fill(-2);
      for (let row = 0; row < width; row++) x[row * width + row] = -1;
      expect(indices({ rows: width, width }, x)).toEqual([...new Array(width).keys()]);
    }
  });

  it("gives 0 where all are -Infinity, and never an index outside the row, whatever is not a number", () => {
    for (const width of [7, 8, 9, 16, 33, 300]) {
      expect(indices({ rows: 1, width }, new Float32Array(width).fill(-Infinity))).toEqual([0]);
      expect(indices({ rows: 1, width }, new Float32Array(width).fill(NaN))).toEqual([0]);
      expect(indices({ rows: 1, width }, new Float32Array(width).fill(NaN).fill(1, width - 1))).toEqual([width - 1]);
    }
  });
});

describeInSets("emitRmsNorm", (set) => {
  it("divides every row by its root mean square and multiplies by the weight; writes nothing else", () => {
    for (const shape of SHAPES) {
      const { rows, width } = shape;
      const label = `${rows} x ${width}`;
      const [x, weight] = [randomRows(rows * width, label), randomRows(width, "weight")];
      const nodes = [input("x", [rows, width]), input("weight", [width])] as const;
      const expected = interpret({ inputs: {}, outputs: { y: rmsNorm(...nodes, EPSILON) } }, { x, weight })["y"]!;
      const inverse = Float64Array.from({ length: rows }, (_, row) => {
        const own = x.subarray(row * width, (row + 1) * width);
        return 1 / Math.sqrt(own.reduce((total, value) => total + value * value, 0) / width + EPSILON);
      });
      const [y, r] = [guarded(x.length), guarded(rows)];
      const kernel = kernelOf(set, (to) => emitRmsNorm(to, { ...shape, epsilon: EPSILON }));
      kernel(x, weight, y.inner, r.inner);
      expectClose(y.inner, expected, tolerances.engine32, label);
      expectClose(r.inner, inverse, tolerances.engine32, `${label} inverse`);
      y.expectGuards(label);
      r.expectGuards(label);
      kernel(x, weight, x, r.inner);
      expect(x, `${label} in place`).toEqual(y.inner);
    }
  });

  it("gives zeros for a row of zeros, and 1/√epsilon beside them", () => {
    const [y, r] = [new Float32Array(20), new Float32Array(1)];
    const kernel = kernelOf(set, (to) => emitRmsNorm(to, { rows: 1, width: 20, epsilon: 0.25 }));
    kernel(new Float32Array(20), new Float32Array(20).fill(3), y, r);
    expect([new Set(y), r[0]]).toEqual([new Set([0]), 2]);
  });
});
