// Loops that compute several elementwise operations at once, against the same operations in plain float64, one after the other.

import { expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { fencedArray } from "../../test/support/fenced-array.ts";
import { describeInSets, kernelOf } from "../../test/support/native-kernel.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream, type RandomStream } from "../base/seeds.ts";
import { offsetsOf, stridesOf } from "../tensor/shape.ts";
import { sizeOf, type Shape } from "../tensor/tensor.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { POINTWISE_OPS } from "./pointwise-ops.ts";
import { emitPointwise, POINTWISE_ARGUMENTS, type Operand, type Operation, type PointwiseLoop } from "./pointwise.ts";

type Meaning = (...operands: readonly number[]) => number;

const MEANING: Readonly<Record<string, Meaning>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  greater: (a, b) => Number(a > b),
  neg: (a) => -a,
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  sqrt: (a) => Math.sqrt(a),
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  silu: (a) => a / (1 + Math.exp(-a)),
};

const array = (index: number): Operand => ({ kind: "array", array: index });
const value = (operation: number): Operand => ({ kind: "value", operation });
const number = (is: number): Operand => ({ kind: "number", value: is });
const op = (name: string, ...operands: readonly Operand[]): Operation => ({ op: name, operands });

/** What every operation gives in float64: one number an element, or one a row for a sum. */
function meaningOf({ sizes, strides, operations }: PointwiseLoop, arrays: readonly Float32Array[]): Float64Array[] {
  const offsets = strides.map((each) => offsetsOf(sizes, each));
  const width = sizes.at(-1)!;
  const values: Float64Array[] = [];
  for (const { op: name, operands } of operations) {
    const read = (operand: Operand, i: number): number => {
      if (operand.kind === "number") return Math.fround(operand.value);
      return operand.kind === "value"
        ? values[operand.operation]![i]!
        : arrays[operand.array]![offsets[operand.array]![i]!]!;
    };
    const each = Float64Array.from({ length: sizeOf(sizes) }, (_, i) => {
      const given = operands.map((operand) => read(operand, i));
      return name === "sum" ? given[0]! : MEANING[name]!(...given);
    });
    const totals = new Float64Array(each.length / width);
    if (name === "sum") each.forEach((x, i) => (totals[Math.floor(i / width)]! += x));
    values.push(name === "sum" ? totals : each);
  }
  return values;
}

const lengthOf = ({ sizes, strides }: PointwiseLoop, index: number): number =>
  1 + sizes.reduce((last, size, axis) => last + (size - 1) * strides[index]![axis]!, 0);

/** Arrays of the sizes that the loop reads, behind which nothing can be read. */
function arraysFor(loop: PointwiseLoop, stream: RandomStream): Float32Array[] {
  return loop.strides.map((_, index) =>
    fencedArray(Float32Array.from({ length: lengthOf(loop, index) }, () => 0.5 + stream.uniform())),
  );
}

/** Runs the loop and compares every kept value; `taken` names arrays that kept values take the place of. */
function expectLoop(
  set: InstructionSet,
  loop: PointwiseLoop,
  label: string,
  taken: ReadonlyMap<number, number> = new Map(),
): void {
  const stream = randomStream({ root: 21, purpose: label });
  const arrays = arraysFor(loop, stream);
  const wanted = meaningOf(loop, arrays);
  const before = arrays.map((each) => each.slice());
  const kept = loop.kept.map((operation, i) => {
    const from = taken.get(i);
    return from === undefined ? fencedArray(new Float32Array(wanted[operation]!.length).fill(NaN)) : arrays[from]!;
  });
  kernelOf(set, (to) => emitPointwise(to, loop), POINTWISE_ARGUMENTS)(...arrays, ...kept);
  for (const [i, operation] of loop.kept.entries()) {
    expectClose(kept[i]!, wanted[operation]!, tolerances.engine32, `${label}: operation ${operation}`);
  }
  for (const [i, each] of arrays.entries()) {
    if (![...taken.values()].includes(i)) expect([...each], `${label}: array ${i} stays`).toEqual([...before[i]!]);
  }
}

/** Lengths around a vector, around the longest unrolled row, and with every kind of rest. */
const WIDTHS = [1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 31, 32, 48, 63, 64, 65, 72, 80, 129];

describeInSets("emitPointwise", (set) => {
  it("knows every op of POINTWISE_OPS", () => {
    expect(Object.keys(MEANING).sort()).toEqual([...POINTWISE_OPS].sort());
    for (const name of POINTWISE_OPS) {
      const operands = [array(0), array(1), number(0.75)].slice(0, MEANING[name]!.length);
      const loop = {
        sizes: [3, 21],
        strides: [
          [21, 1],
          [0, 1],
        ],
        operations: [op(name, ...operands)],
        kept: [0],
      };
      expectLoop(set, loop, name);
    }
  });

  it("gives every element of rows of any length, and nothing behind them", () => {
    for (const width of WIDTHS) {
      const loop = { sizes: [width], strides: [[1], [1]], operations: [op("sub", array(0), array(1))], kept: [0] };
      expectLoop(set, loop, `width ${width}`);
    }
  });

  it("repeats operands over any axes: none, the last, the first, one in the middle, all", () => {
    const sizes = [3, 2, 4, 18];
    const full = stridesOf(sizes);
    for (let repeated = 0; repeated < 16; repeated++) {
      const shape = sizes.map((size, axis) => ((repeated >> axis) & 1 ? 1 : size));
      const strides = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
      const operations = [op("mul", array(0), array(1)), op("add", value(0), array(1)), op("sub", array(1), value(1))];
      expectLoop(
        set,
        { sizes, strides: [full, strides], operations, kept: [2] },
        `repeated over ${repeated.toString(2)}`,
      );
    }
  });

  it("walks axes that two arrays store in different orders", () => {
    const operations = [op("div", array(0), array(1))];
    expectLoop(
      set,
      {
        sizes: [4, 3, 19],
        strides: [
          [57, 19, 1],
          [19, 76, 1],
        ],
        operations,
        kept: [0],
      },
      "other order",
    );
  });

  it("adds up rows of any length, over one axis and several, beside values that are kept", () => {
    for (const width of WIDTHS) {
      for (const outer of [[], [1], [5], [2, 3]]) {
        const sizes = [...outer, width];
        const strides = [stridesOf(sizes), [...outer.map(() => 0), 1], [...stridesOf(outer), 0]];
        const operations = [
          op("mul", array(0), array(1)),
          op("sum", value(0)),
          op("sub", value(0), array(2)),
          op("sum", value(2)),
          op("sum", array(0)),
        ];
        expectLoop(set, { sizes, strides, operations, kept: [1, 2, 3, 4] }, `sums over ${sizes.join()}`);
      }
    }
  });

  it("takes a number in any place, minus zero and the infinities too", () => {
    const operations = [
      op("sub", number(0.1), array(0)),
      op("div", array(0), number(-3)),
      op("maximum", number(-Infinity), value(0)),
      op("minimum", value(1), number(Infinity)),
      op("div", number(1), number(0)),
      op("div", number(1), number(-0)),
      op("add", value(2), value(3)),
    ];
    const loop = { sizes: [40], strides: [[1]], operations, kept: [6, 4, 5] };
    const arrays = arraysFor(loop, randomStream({ root: 22, purpose: "numbers" }));
    const kept = loop.kept.map(() => new Float32Array(40));
    kernelOf(set, (to) => emitPointwise(to, loop), POINTWISE_ARGUMENTS)(...arrays, ...kept);
    expectClose(kept[0]!, meaningOf(loop, arrays)[6]!, tolerances.engine32);
    expect([kept[1]![39], kept[2]![39]]).toEqual([Infinity, -Infinity]);
  });

  it("writes over an array that it reads element by element", () => {
    for (const width of WIDTHS) {
      const strides = [
        [width, 1],
        [width, 1],
        [0, 1],
      ];
      const operations = [
        op("mul", array(0), array(2)),
        op("sum", value(0)),
        op("add", value(0), array(1)),
        op("sub", array(0), value(2)),
      ];
      const loop = { sizes: [3, width], strides, operations, kept: [0, 2, 1] };
      expectLoop(
        set,
        loop,
        `in place, width ${width}`,
        new Map([
          [0, 0],
          [1, 1],
        ]),
      );
    }
  });

  it("holds as many values as a unit may have, each used again at the end", () => {
    const first = Array.from({ length: 12 }, (_, i) => op("mul", array(i % 8), number(1 + i / 8)));
    const combined = first.slice(1).map((_, i) => op("add", value(i === 0 ? 0 : 11 + i), value(i + 1)));
    const strides = Array.from({ length: 8 }, (_, i) => (i % 3 === 0 ? [0, 1] : i % 3 === 1 ? [37, 1] : [1, 0]));
    const operations = [...first, ...combined, op("sum", value(22))];
    expectLoop(set, { sizes: [5, 37], strides, operations, kept: [22, 23] }, "many values");
  });

  it("keeps more values than there are registers, of which each is used again when all are there", () => {
    // All forty are alive together; exp and the others overwrite registers besides.
    const series = ["exp", "log", "sigmoid", "silu"];
    const first = Array.from({ length: 40 }, (_, i) =>
      i % 5 === 4 ? op(series[((i - 4) / 5) % 4]!, array(i % 3)) : op("mul", array(i % 3), number(0.5 + i / 40)),
    );
    const combined = first
      .slice(1)
      .map((_, i) => op(i % 2 === 0 ? "sub" : "add", value(i === 0 ? 0 : 39 + i), value(i + 1)));
    const operations = [...first, ...combined, op("sum", value(3)), op("sum", value(78))];
    for (const width of WIDTHS) {
      const strides = [
        [2 * width, width, 1],
        [0, width, 1],
        [1, 0, 0],
      ];
      expectLoop(
        set,
        { sizes: [3, 2, width], strides, operations, kept: [78, 7, 79, 80] },
        `no register, width ${width}`,
      );
    }
  });

  it("reads an array again at the end, after a result took its place and the registers went to others", () => {
    // Eight arrays and three rounds of eight values are alive together, all used again in the rounds after, array 0 last.
    const round = (each: (i: number) => Operation): Operation[] => Array.from({ length: 8 }, (_, i) => each(i));
    const operations = [
      ...round((i) => op("mul", array(i), array((i + 1) % 8))),
      ...round((i) => op("silu", value(i))),
      ...round((i) => op("sub", value(i), value(8 + i))),
      ...round((i) => op("mul", array(7 - i), value(16 + i))),
      ...round((i) => op("add", value(24 + i), value(8 + i))),
      ...round((i) => op("sub", value(32 + i), value(i))),
      ...round((i) => op("add", value(i === 0 ? 24 : 47 + i), value(40 + i))),
    ];
    for (const width of WIDTHS) {
      const strides = Array.from({ length: 8 }, () => [width, 1]);
      const loop = { sizes: [3, width], strides, operations, kept: [0, 55] };
      // The first product is written over array 0, the last sum over array 7.
      const [early, late] = [[0, 0] as const, [1, 7] as const];
      for (const taken of [[early], [late], [early, late]]) {
        expectLoop(set, loop, `again, width ${width}, over ${taken.join(" and ")}`, new Map(taken));
      }
    }
  });

  it("gives what float64 gives for random expressions, as one loop and with any of their values kept", () => {
    for (let item = 0; item < 60; item++) expectLoop(set, randomLoop(item), `random ${item}`);
  });
});

const SHAPES: readonly Shape[] = [[], [7], [40], [3, 17], [2, 3, 20], [5, 1], [1, 70], [2, 2, 2, 9]];

/** A loop of up to 20 operations whose values float32 holds well. */
function randomLoop(item: number): PointwiseLoop {
  const stream = randomStream({ root: 23, purpose: "random-loop", item });
  const pick = <Item>(items: readonly Item[]): Item => items[stream.integer(items.length)]!;
  const given = pick(SHAPES);
  const sizes = given.length === 0 ? [1] : given;
  const strides = Array.from({ length: 1 + stream.integer(5) }, (_, i) => {
    const shape = sizes.map((size) => (i > 0 && stream.uniform() < 0.3 ? 1 : size));
    return stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  });
  const operations: Operation[] = [];
  const loop = { sizes, strides, operations, kept: [] };
  const arrays = arraysFor(loop, randomStream({ root: 21, purpose: `random ${item}` }));
  const names = [...POINTWISE_OPS, "sum"];
  for (let tries = 0; tries < 60 && operations.length < 20; tries++) {
    const name = pick(names);
    const values = operations.flatMap((each, i) => (each.op === "sum" ? [] : [value(i)]));
    const operand = (): Operand =>
      pick([array(stream.integer(strides.length)), number(pick([0.3, 2])), ...values, ...values]);
    operations.push(op(name, ...Array.from({ length: name === "sum" ? 1 : MEANING[name]!.length }, operand)));
    const isSum = operations.filter((each) => each.op === "sum").length;
    if (!isTame(meaningOf(loop, arrays), operations) || isSum > 3) operations.pop();
  }
  const ends = operations.flatMap((each, i) => (each.op === "sum" ? [i] : []));
  const others = operations.flatMap((each, i) => (each.op === "sum" ? [] : [i])).slice(-1 - stream.integer(2));
  return { ...loop, kept: [...ends, ...others] };
}

/** Whether the last operation gives small numbers far from where a rounding of its operands would change them much. */
function isTame(values: readonly Float64Array[], operations: readonly Operation[]): boolean {
  const { op: name, operands } = operations.at(-1)!;
  if (name === "greater" || name === "log") return operands.every(({ kind }) => kind !== "value");
  if (name === "div" && operands[1]!.kind === "value")
    return values[operands[1]!.operation]!.every((x) => Math.abs(x) > 0.3);
  if (name === "sqrt" && operands[0]!.kind === "value") return values[operands[0]!.operation]!.every((x) => x > 0.3);
  return values.at(-1)!.every((x) => Math.abs(x) < 8) || name === "sum";
}
