// One row an op (and variant): how to build it, from which inputs, in which range.

import { input, type GraphNode } from "../../src/graph/node.ts";
import { gemm, matmul } from "../../src/graph/ops/contract.ts";
import { inverseRmsOf, rmsNorm, rotate } from "../../src/graph/ops/decoder.ts";
import * as elementwise from "../../src/graph/ops/elementwise.ts";
import { addAt, gatherRows, pick, scatterAddRows } from "../../src/graph/ops/index.ts";
import { concat, pad, reshape, slice, transpose } from "../../src/graph/ops/move.ts";
import { broadcastTo, sum, total } from "../../src/graph/ops/reduce.ts";
import * as rowwise from "../../src/graph/ops/rowwise.ts";

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly GraphNode[];
  readonly build: (...inputs: GraphNode[]) => GraphNode;
  readonly range?: readonly [number, number];
  /** the op passes no gradient, by definition */
  readonly constantGradient?: true;
  /** inputs that are tables, never differentiated */
  readonly tables?: readonly string[];
}

const x = (shape: readonly number[], name = "x"): GraphNode => input(name, shape);
const ids = (shape: readonly number[]): GraphNode => input("ids", shape, "int32");
const { add, div, exp, greater, log, maximum, minimum, mul, neg, sigmoid, silu, sqrt, stopGradient, sub } = elementwise;
const bools = [false, true] as const;

export const OP_CASES: readonly OpCase[] = [
  { name: "add", inputs: [x([2, 3, 4]), x([3, 1], "y")], build: (a, b) => add(a, b) },
  { name: "sub", inputs: [x([2, 3]), x([3], "y")], build: (a, b) => sub(a, b) },
  { name: "mul", inputs: [x([2, 3]), x([2, 1], "y")], build: (a, b) => mul(a, b) },
  { name: "div", inputs: [x([2, 3]), x([3], "y")], build: (a, b) => div(a, b), range: [0.5, 2] },
  { name: "greater", inputs: [x([3, 3]), x([3], "y")], build: (a, b) => greater(a, b), constantGradient: true },
  { name: "maximum", inputs: [x([3, 3]), x([3], "y")], build: (a, b) => maximum(a, b) },
  { name: "minimum", inputs: [x([3, 3]), x([3], "y")], build: (a, b) => minimum(a, b) },
  { name: "neg", inputs: [x([5])], build: (a) => neg(a) },
  { name: "exp", inputs: [x([5])], build: (a) => exp(a) },
  { name: "log", inputs: [x([5])], build: (a) => log(a), range: [0.3, 3] },
  { name: "sqrt", inputs: [x([5])], build: (a) => sqrt(a), range: [0.3, 3] },
  { name: "sigmoid", inputs: [x([7])], build: (a) => sigmoid(a) },
  { name: "silu", inputs: [x([7])], build: (a) => silu(a) },
  { name: "stopGradient", inputs: [x([3])], build: (a) => stopGradient(a), constantGradient: true },
  { name: "sum last", inputs: [x([2, 3, 4])], build: (a) => sum(a, [2]) },
  { name: "sum leading", inputs: [x([2, 3, 4])], build: (a) => sum(a, [0, 1]) },
  { name: "total", inputs: [x([2, 3])], build: (a) => total(a) },
  { name: "mean", inputs: [x([2, 3])], build: (a) => rowwise.mean(a) },
  { name: "softmax", inputs: [x([3, 5])], build: (a) => rowwise.softmax(a), range: [-4, 4] },
  { name: "logSoftmax", inputs: [x([3, 5])], build: (a) => rowwise.logSoftmax(a), range: [-4, 4] },
  { name: "cumulativeSum", inputs: [x([3, 5])], build: (a) => rowwise.cumulativeSum(a) },
  {
    name: "argmax",
    inputs: [x([4, 5])],
    build: (a) => elementwise.cast(rowwise.argmax(a), "float32"),
    constantGradient: true,
  },
  {
    name: "countAbove",
    inputs: [x([4, 5]), x([4, 1], "y")],
    build: (a, b) => rowwise.countAbove(a, b),
    constantGradient: true,
  },
  { name: "reshape", inputs: [x([2, 6])], build: (a) => reshape(a, [3, 4]) },
  { name: "transpose", inputs: [x([2, 3, 4])], build: (a) => transpose(a, [2, 0, 1]) },
  { name: "broadcast", inputs: [x([3, 1])], build: (a) => broadcastTo(a, [2, 3, 4]) },
  { name: "slice", inputs: [x([3, 5])], build: (a) => slice(a, 1, 1, 4) },
  { name: "pad", inputs: [x([3, 2])], build: (a) => pad(a, 0, 2, 1) },
  { name: "concat", inputs: [x([2, 3]), x([2, 2], "y")], build: (a, b) => concat([a, b], 1) },
  ...bools.flatMap((transA) =>
    bools.flatMap((transB): OpCase[] => [
      {
        name: `gemm ${transA ? "T" : "N"}${transB ? "T" : "N"}`,
        inputs: [x(transA ? [3, 2] : [2, 3]), x(transB ? [4, 3] : [3, 4], "y"), x([2, 4], "c")],
        build: (a, b, c) => gemm(a, b, { transA, transB }, c),
      },
      {
        name: `matmul ${transA ? "T" : "N"}${transB ? "T" : "N"}`,
        inputs: [x(transA ? [2, 3, 2] : [2, 2, 3]), x(transB ? [2, 4, 3] : [2, 3, 4], "y")],
        build: (a, b) => matmul(a, b, { transA, transB, scale: 0.75 }),
      },
    ]),
  ),
  { name: "gatherRows", inputs: [x([3, 4]), ids([5])], build: (table, rows) => gatherRows(table, rows) },
  {
    name: "scatterAddRows",
    inputs: [x([3, 4]), ids([5]), x([5, 4], "y")],
    build: (base, at, rows) => scatterAddRows(base, at, rows),
  },
  { name: "pick", inputs: [x([4, 3]), ids([4])], build: (table, at) => pick(table, at) },
  {
    name: "addAt",
    inputs: [x([4, 3]), ids([4]), x([4, 1], "y")],
    build: (base, at, values) => addAt(base, at, values),
  },
  { name: "rmsNorm", inputs: [x([3, 8]), x([8], "y")], build: (a, w) => rmsNorm(a, w, 1e-3) },
  {
    name: "inverseRms",
    inputs: [x([3, 8]), x([8], "y")],
    build: (a, w) => stopGradient(inverseRmsOf(rmsNorm(a, w, 1e-3))),
    constantGradient: true,
  },
  {
    name: "rotate",
    inputs: [x([1, 3, 8]), x([3, 2], "cos"), x([3, 2], "sin"), ids([1, 3])],
    build: (a, cos, sin, at) => rotate(a, cos, sin, at, 2),
    tables: ["cos", "sin"],
  },
];
