// Kernels that look up by index, rotate and convert, against the graph's own meaning in float64.

import { expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { interpret } from "../graph/interpret.ts";
import { input, type GraphNode } from "../graph/node.ts";
import { rotate } from "../graph/ops/decoder.ts";
import { cast, neg } from "../graph/ops/elementwise.ts";
import { addAt, gatherRows, pick, scatterAddRows } from "../graph/ops/index.ts";
import type { Assembler, Label } from "./assembler.ts";
import {
  emitAddAt,
  emitConvert,
  emitGatherRows,
  emitPick,
  emitRotate,
  emitScatterAddRows,
  type RotateShape,
} from "./index-kernels.ts";
import type { InstructionSet } from "./instruction-set.ts";

const GUARD = 40;
const UNTOUCHED = 12345;
/** Ends of a vector; the longest rows without a loop, and rows in a loop with every kind of rest. */
const WIDTHS = [1, 4, 7, 8, 9, 15, 16, 17, 20, 32, 64, 100, 120, 121, 256, 257, 384, 520];

/** Random numbers behind which nothing can be read. */
function floats(count: number, purpose: string): Float32Array {
  const stream = randomStream({ root: 11, purpose });
  return fencedArray(Float32Array.from({ length: count }, () => stream.normal()));
}

/** Integers in 0 .. limit - 1 behind which nothing can be read. */
function integers(count: number, limit: number, purpose: string): Int32Array {
  const stream = randomStream({ root: 12, purpose });
  const { buffer, byteOffset, length } = fencedArray(new Float32Array(count));
  const ids = new Int32Array(buffer, byteOffset, length);
  for (let i = 0; i < count; i++) ids[i] = stream.integer(limit);
  return ids;
}

function meaningOf(y: GraphNode, inputs: Readonly<Record<string, ArrayLike<number>>>): Float64Array {
  return interpret({ inputs: {}, outputs: { y } }, inputs)["y"]!;
}

/** What a kernel writes to an output of `count` elements, which starts as NaN between numbers that must stay. */
function written(
  set: InstructionSet,
  emit: (to: Assembler) => Label,
  given: readonly ArrayBufferView[],
  count: number,
  label: string,
): Float32Array {
  const all = fencedArray(new Float32Array(GUARD + count).fill(UNTOUCHED));
  const out = all.subarray(GUARD).fill(NaN);
  kernelOf(set, emit)(...given, out);
  expect([...all.subarray(0, GUARD)], `${label}: before the output`).toEqual(new Array(GUARD).fill(UNTOUCHED));
  return out;
}

describeInSets("emitGatherRows", (set) => {
  it("gives the table's row of every id, bit for bit", () => {
    for (const width of WIDTHS) {
      for (const count of [1, 2, 9]) {
        const [table, ids] = [floats(7 * width, `table ${width}`), integers(count, 7, `ids ${count}`)];
        const y = written(set, (to) => emitGatherRows(to, { count, width }), [table, ids], count * width, `${width}`);
        const node = gatherRows(input("table", [7, width]), input("ids", [count], "int32"));
        expect([...y], `${count} rows of ${width}`).toEqual([...meaningOf(node, { table, ids })]);
      }
    }
  });
});

describeInSets("emitScatterAddRows", (set) => {
  it("adds every row to the base's row of its id, repeated ids too, apart and in place", () => {
    for (const width of WIDTHS) {
      for (const count of [1, 12]) {
        const label = `${count} rows of ${width}`;
        const [base, rows] = [floats(5 * width, `base ${label}`), floats(count * width, `rows ${label}`)];
        const ids = integers(count, 5, label);
        const before = base.slice();
        const emit = (to: Assembler): Label => emitScatterAddRows(to, { tableSize: 5 * width, count, width });
        const y = written(set, emit, [base, ids, rows], base.length, label);
        const nodes = [
          input("base", [5, width]),
          input("ids", [count], "int32"),
          input("rows", [count, width]),
        ] as const;
        expectClose(y, meaningOf(scatterAddRows(...nodes), { base, ids, rows }), tolerances.engine32, label);
        expect([...base], `${label}: base`).toEqual([...before]);
        kernelOf(set, emit)(base, ids, rows, base);
        expect([...base], `${label} in place`).toEqual([...y]);
      }
    }
  });

  it("adds in the order of the ids", () => {
    // In float32, 2^24 + 1 is 2^24 again: (1 + 2^24) - 2^24 is 0, while (1 - 2^24) + 2^24 is 1.
    const sums = [
      [2 ** 24, -(2 ** 24)],
      [-(2 ** 24), 2 ** 24],
    ].map((rows) => {
      const given = [Float32Array.of(1), Int32Array.of(0, 0), Float32Array.from(rows)];
      return written(set, (to) => emitScatterAddRows(to, { tableSize: 1, count: 2, width: 1 }), given, 1, "order")[0];
    });
    expect(sums).toEqual([0, 1]);
  });
});

describeInSets("emitPick", (set) => {
  it("gives each row's element at its id, bit for bit", () => {
    for (const width of WIDTHS) {
      const [x, ids] = [floats(9 * width, `pick ${width}`), integers(9, width, `at ${width}`)];
      const y = written(set, (to) => emitPick(to, { rows: 9, width }), [x, ids], 9, `${width}`);
      const node = pick(input("x", [9, width]), input("ids", [9], "int32"));
      expect([...y], `width ${width}`).toEqual([...meaningOf(node, { x, ids })]);
    }
  });
});

describeInSets("emitAddAt", (set) => {
  it("adds each row's value to its element at the id, apart and in place", () => {
    for (const width of WIDTHS) {
      const label = `width ${width}`;
      const [base, values] = [floats(9 * width, `base ${label}`), floats(9, `values ${label}`)];
      const ids = integers(9, width, label);
      const emit = (to: Assembler): Label => emitAddAt(to, { rows: 9, width });
      const y = written(set, emit, [base, ids, values], base.length, label);
      const node = addAt(input("base", [9, width]), input("ids", [9], "int32"), input("values", [9, 1]));
      expectClose(y, meaningOf(node, { base, ids, values }), tolerances.engine32, label);
      kernelOf(set, emit)(base, ids, values, base);
      expect([...base], `${label} in place`).toEqual([...y]);
    }
  });
});

describeInSets("emitRotate", (set) => {
  const HALVES = [1, 2, 4, 7, 8, 9, 15, 16, 17, 20, 32, 48, 50, 64, 65, 80, 128, 130];
  const HEADS = [1, 2, 3, 4, 5, 9];
  const shapes = HALVES.flatMap((half) =>
    HEADS.map((heads): RotateShape => ({ batch: 2, tokens: 3, heads, half, tablePositions: 11 })),
  );

  /** x, the tables and positions of a shape; cos and sin are any numbers, so that each term shows. */
  function inputsOf({ batch, tokens, heads, half, tablePositions }: RotateShape, label: string) {
    const table = tablePositions * half;
    return {
      x: floats(batch * tokens * heads * 2 * half, `x ${label}`),
      cos: floats(table, `cos ${label}`),
      sin: floats(table, `sin ${label}`),
      positions: integers(batch * tokens, tablePositions, label),
    };
  }

  it.each([false, true])(
    "turns both halves of every head by its position, apart and in place; inverse: %s",
    (inverse) => {
      for (const shape of shapes) {
        const { batch, tokens, heads, half, tablePositions } = shape;
        const label = `${heads} heads, half ${half}`;
        const { x, cos, sin, positions } = inputsOf(shape, label);
        const emit = (to: Assembler): Label => emitRotate(to, { ...shape, inverse });
        const y = written(set, emit, [x, cos, sin, positions], x.length, label);
        const table = [tablePositions, half];
        const turned = inverse ? neg(input("sin", table)) : input("sin", table);
        const at = input("positions", [batch, tokens], "int32");
        const node = rotate(input("x", [batch, tokens, heads * 2 * half]), input("cos", table), turned, at, heads);
        expectClose(y, meaningOf(node, { x, cos, sin, positions }), tolerances.engine32, label);
        kernelOf(set, emit)(x, cos, sin, positions, x);
        expect([...x], `${label} in place`).toEqual([...y]);
      }
    },
  );
});

describeInSets("emitConvert", (set) => {
  const COUNTS = [1, 7, 8, 9, 15, 16, 17, 100, 120, 121, 193, 256, 257, 385];

  it("cuts fractions off towards zero", () => {
    const given = Float32Array.of(1.9, -1.9, 0.999, -0.999, 2.5, -2.5, 2 ** 30, -(2 ** 31));
    const y = written(set, (to) => emitConvert(to, { count: 8, from: "float32", to: "int32" }), [given], 8, "by hand");
    expect([...new Int32Array(y.buffer, y.byteOffset, 8)]).toEqual([1, -1, 0, 0, 2, -2, 2 ** 30, -(2 ** 31)]);
  });

  it("is the graph's cast in both directions, for every count", () => {
    for (const count of COUNTS) {
      const x = floats(count, `convert ${count}`).map((value) => 1000 * value);
      const cut = written(
        set,
        (to) => emitConvert(to, { count, from: "float32", to: "int32" }),
        [x],
        count,
        `${count}`,
      );
      const whole = new Int32Array(cut.buffer, cut.byteOffset, count);
      // + 0 makes the -0 of float64 the 0 that integers have.
      const expected = meaningOf(cast(input("x", [count]), "int32"), { x }).map((value) => value + 0);
      expect([...whole], `${count} to int32`).toEqual([...expected]);
      const back = written(
        set,
        (to) => emitConvert(to, { count, from: "int32", to: "float32" }),
        [whole],
        count,
        `${count}`,
      );
      const node = cast(input("i", [count], "int32"), "float32");
      expect([...back], `${count} to float32`).toEqual([...meaningOf(node, { i: whole })]);
    }
  });

  it("copies where nothing is to be converted", () => {
    for (const type of ["int32", "float32"] as const) {
      const x = floats(37, "same");
      expect([...written(set, (to) => emitConvert(to, { count: 37, from: type, to: type }), [x], 37, type)]).toEqual([
        ...x,
      ]);
    }
  });
});
