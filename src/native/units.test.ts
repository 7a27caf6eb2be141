// What is computed together: laws of every grouping, on graphs built by hand and on random ones.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { arraysFor, randomGraph } from "../../test/support/random-graph.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { randomStream } from "../base/seeds.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { constant, filled, input, isConstant, isInput, nodesInOrder, scalar, type GraphNode } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { inverseRmsOf, rmsNorm, rotate } from "../graph/ops/decoder.ts";
import { add, exp, log, maximum, minimum, mul, neg, sub, withGradient } from "../graph/ops/elementwise.ts";
import { reshape, slice, transpose } from "../graph/ops/move.ts";
import { sum } from "../graph/ops/reduce.ts";
import { softmax } from "../graph/ops/rowwise.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { InstructionSet } from "./instruction-set.ts";
import { NativeProgram, Workspace } from "./native-program.ts";
import { uniformValue } from "./uniform.ts";
import { isReduction, isRowProduct, placeOf, plainly, sourceOf, unitsOf, type Unit } from "./units.ts";

const workspace = new Workspace();

/** Runs outputs as machine code on random inputs, and compares them with the interpreter. */
function expectSame(set: InstructionSet, outputs: Readonly<Record<string, GraphNode>>, label = ""): void {
  const graph = graphOf(outputs);
  const given = Object.entries(graph.inputs).map(([name, { shape, type }], item): [string, TensorData] => {
    const stream = randomStream({ root: 31, purpose: "units", item });
    const count = { length: sizeOf(shape) };
    if (type === "int32") return [name, Int32Array.from(count, () => stream.integer(4))];
    return [name, Float32Array.from(count, () => 0.5 + stream.uniform())];
  });
  expectRun(set, outputs, Object.fromEntries(given), label);
}

function expectRun(
  set: InstructionSet,
  outputs: Readonly<Record<string, GraphNode>>,
  inputs: Record<string, TensorData>,
  label: string,
): void {
  const graph = graphOf(outputs);
  const wanted = interpret(graph, inputs as Record<string, Float32Array>);
  const arrays = Object.entries(outputs).map(
    ([name, { shape }]) => [name, new Float32Array(sizeOf(shape)).fill(NaN)] as const,
  );
  const program = new NativeProgram(graph, workspace, { set });
  program.run(inputs, Object.fromEntries(arrays));
  program.dispose();
  for (const [name, array] of arrays) expectClose(array, wanted[name]!, tolerances.program32, `${label} ${name}`);
}

const opsOf = (units: readonly Unit[]): string[] => units.map(({ nodes }) => nodes.map(({ op }) => op.name).join(" "));

/** What breaks a law of units, in words. */
function broken(outputs: readonly GraphNode[], units: readonly Unit[]): string[] {
  const found: string[] = [];
  const unitOf = new Map<GraphNode, number>();
  for (const [index, { nodes }] of units.entries()) {
    for (const node of nodes) {
      if (unitOf.has(node)) found.push(`${node.op.name} is computed twice`);
      unitOf.set(node, index);
    }
  }
  for (const node of nodesInOrder(outputs)) {
    const free = isInput(node) || isConstant(node) || sourceOf(node) !== node || uniformValue(node) !== undefined;
    if (unitOf.has(node) === free) found.push(`${node.op.name} is ${free ? "" : "not "}computed`);
  }
  for (const [index, { kind, shape, nodes }] of units.entries()) {
    for (const [place, node] of nodes.entries()) {
      for (const read of node.inputs) {
        const from = unitOf.get(sourceOf(read));
        if (from !== undefined && from > index) found.push(`${node.op.name} is computed before ${read.op.name}`);
        if (from !== index || kind === "single") continue;
        const source = plainly(read);
        if (nodes.indexOf(source) < 0) found.push(`${node.op.name} reads its own loop in another shape`);
        if (nodes.indexOf(source) >= place) found.push(`${node.op.name} stands before what it reads`);
        if (isReduction(source)) found.push(`${node.op.name} reads a row sum of its own loop`);
      }
      const over = isReduction(node) ? node.inputs[0]!.shape : node.shape;
      if (kind === "loop" && over.join() !== shape.join())
        found.push(`${node.op.name} is in a loop over ${shape.join()}`);
    }
  }
  return found;
}

function expectLaws(outputs: readonly GraphNode[], label = ""): readonly Unit[] {
  const units = unitsOf(outputs);
  expect(broken(outputs, units), label).toEqual([]);
  return units;
}

const x = input("x", [4, 20]);
const y = input("y", [4, 20]);
const square = input("square", [20, 20]);

describe("unitsOf", () => {
  it("makes one loop of elementwise nodes of one shape, and of the row sums of them", () => {
    const product = mul(x, exp(y));
    expect(opsOf(expectLaws([sum(product, [1]), neg(product)]))).toEqual(["exp mul sum neg"]);
  });

  it("computes what nothing waits for once it can be computed", () => {
    const first = softmax(x);
    const last = softmax(gemm(softmax(gemm(first, square, {})), square, {}));
    const aside = gemm(first, first, { transA: true });
    expect(expectLaws([last, aside]).map(({ nodes }) => nodes.includes(aside))).toEqual([
      false,
      true,
      ...Array<boolean>(4).fill(false),
    ]);
  });

  it("sees that a loop of several nodes may be the end that needs the most", () => {
    const first = softmax(x);
    const last = exp(neg(softmax(gemm(first, square, {}))));
    const aside = gemm(first, first, { transA: true });
    expect(opsOf(expectLaws([last, aside]))).toEqual(["softmax", "gemm", "gemm", "softmax", "neg exp"]);
    expect(unitsOf([last, aside])[1]!.nodes).toEqual([aside]);
  });

  it("does not merge loops one of which needs the other by way of an earlier merge", () => {
    const early = exp(x);
    const between = softmax(early);
    const other = neg(y);
    const merged = add(early, softmax(other));
    const last = add(other, between);
    expect(opsOf(expectLaws([between, merged, last]))).toEqual(["neg", "softmax", "exp add", "softmax", "add"]);
  });

  it("makes a loop of a product with one column, not of one with two", () => {
    const twice = add(x, y);
    const [one, two] = [gemm(twice, input("one", [20, 1]), {}), gemm(twice, input("two", [20, 2]), {})];
    expect(opsOf(expectLaws([one, two]))).toEqual(["add gemm", "gemm"]);
    expect([isRowProduct(one), isRowProduct(two)]).toEqual([true, false]);
  });

  it("does not join what reads a value in another shape, or turned, or in part", () => {
    const e = exp(x);
    for (const other of [reshape(neg(reshape(e, [20, 4])), [4, 20]), reshape(transpose(e, [1, 0]), [4, 20])]) {
      expect(expectLaws([mul(e, other)]).length).toBeGreaterThan(2);
    }
    expect(opsOf(expectLaws([add(e, slice(e, 0, 0, 1))]))).toEqual(["exp", "add"]);
  });

  it("never lets a loop read a row sum of its own, directly or through another node", () => {
    const e = exp(x);
    const total = sum(e, [1]);
    expect(opsOf(expectLaws([mul(e, total)]))).toEqual(["exp sum", "mul"]);
    expect(expectLaws([mul(e, log(total))]).map(({ nodes }) => nodes.length)).toEqual([2, 1, 1]);
  });

  it("does not merge two loops that would need each other", () => {
    // e and late would share a loop through `both`, but late waits for the softmax, which waits for e.
    const e = exp(x);
    const late = neg(softmax(e));
    const both = add(e, late);
    const units = expectLaws([both, sub(late, e)]);
    expect(opsOf(units)[0]).toBe("exp");
    expect(units).toHaveLength(3);
    // Two loops, each read by a matrix product that the other reads.
    const [left, right] = [exp(square), neg(square)];
    const [fromLeft, fromRight] = [gemm(left, square, {}), gemm(right, square, {})];
    expectLaws([mul(left, fromRight), mul(right, fromLeft), add(fromLeft, fromRight)]);
  });

  it("does not join a row product with what reads its column down the rows", () => {
    const column = input("column", [20, 1]);
    const scaled = mul(square, column);
    expect(opsOf(expectLaws([gemm(scaled, column, {})]))).toEqual(["mul", "gemm"]);
    const row = input("row", [1, 20]);
    expect(opsOf(expectLaws([gemm(mul(square, row), row, { transB: true })]))).toEqual(["mul gemm"]);
  });

  it("keeps a loop's arrays within its registers", () => {
    const many = Array.from({ length: 14 }, (_, i) => input(`in${i}`, [40]));
    const units = expectLaws([many.reduce((a, b) => add(a, b))]);
    for (const { nodes } of units) expect(nodes.length).toBeLessThanOrEqual(9);
    expect(units.length).toBeGreaterThan(1);
  });

  it("computes no number that is known beforehand", () => {
    const two = exp(mul(filled([4, 20], 0.5), scalar(0)));
    expect(opsOf(expectLaws([add(x, neg(two))]))).toEqual(["add"]);
    expect(uniformValue(neg(two))).toBe(-1);
  });

  it("obeys every law on random graphs", () => {
    for (let seed = 1; seed <= 200; seed++)
      expectLaws(Object.values(randomGraph(seed, 30).graph.outputs), `seed ${seed}`);
  });
});

describe("placeOf", () => {
  it("sees through views of whole rows, and through no other slice", () => {
    const rows = slice(reshape(slice(x, 0, 1, 4), [3, 4, 5]), 0, 1, 3);
    expect(placeOf(rows)).toEqual({ source: x, offset: 40 });
    const columns = slice(x, 1, 2, 4);
    expect(placeOf(columns)).toEqual({ source: columns, offset: 0 });
    expect(placeOf(slice(slice(x, 0, 2, 3), 1, 5, 9))).toEqual({ source: x, offset: 45 });
  });
});

describeInSets("a program of units", (set) => {
  it("gives the interpreter's numbers for random graphs of every op", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const made = randomGraph(seed, seed % 2 === 0 ? 12 : 30);
      expectRun(set, made.graph.outputs, arraysFor(made), `seed ${seed}`);
    }
  });

  it("gives a column that is read along and down the rows the right strides in each", () => {
    const column = input("column", [20, 1]);
    expectSame(set, { r: gemm(mul(square, column), column, {}), s: gemm(sub(square, column), column, {}) });
  });

  it("reads an array before a result of the same loop takes its place", () => {
    // Of the loop [u, v], u is stored first, and v is the first to read the softmax.
    const s = softmax(x);
    const u = exp(y);
    const v = mul(u, s);
    expectSame(set, { p: gemm(u, square, {}), q: gemm(v, square, {}) });
  });

  it("reads a value in two ways before a result takes its place", () => {
    const s = softmax(x);
    expectSame(set, { last: softmax(mul(s, slice(s, 0, 0, 1))), other: softmax(exp(add(s, slice(s, 0, 1, 2)))) });
  });

  it("multiplies a value that it adds to the product", () => {
    const s = softmax(x);
    expectSame(set, { y: softmax(add(s, gemm(s, square, {}))) });
  });

  it("hands the 1/rms of a norm to every node that asks for it", () => {
    const norm = rmsNorm(x, input("weight", [20]), 1e-3);
    const [one, two, three] = [inverseRmsOf(norm), inverseRmsOf(norm), inverseRmsOf(norm)];
    expectSame(set, { one: exp(one), two, three: mul(norm, three) });
  });

  it("rotates by tables that it computes itself, the other way too", () => {
    const [cos, sin] = [exp(input("cos", [6, 4])), exp(input("sin", [6, 4]))];
    const positions = input("positions", [2, 5], "int32");
    const outputs = { there: rotate(reshape(x, [2, 5, 8]), cos, sin, positions, 1) };
    const back = { back: rotate(reshape(x, [2, 5, 8]), cos, neg(sin), positions, 1) };
    expectSame(set, { ...outputs, ...back });
    expectSame(set, back);
  });

  it("runs a graph whose closed form names a source that nothing reads", () => {
    expectSame(set, { y: neg(withGradient(exp(x), [softmax(x), log(y)], () => [null, null])) });
  });

  it("tells numbers apart that JSON does not: infinities and minus zero", () => {
    const [top, bottom] = [scalar(Infinity), scalar(-Infinity)];
    const outputs = { a: minimum(x, top), b: minimum(softmax(x), bottom), c: minimum(y, scalar(NaN)) };
    const program = new NativeProgram(graphOf(outputs), workspace, { set });
    const arrays = { a: new Float32Array(80), b: new Float32Array(80), c: new Float32Array(80) };
    program.run({ x: new Float32Array(80).fill(2), y: new Float32Array(80) }, arrays);
    program.dispose();
    expect([arrays.a[79], arrays.b[79], arrays.c[79]]).toEqual([2, -Infinity, NaN]);
  });

  it("reads constants of different elements, whole and in part", () => {
    const table = constant({
      type: "float32",
      shape: [4, 20],
      data: Float32Array.from({ length: 80 }, (_, i) => i / 80),
    });
    expectSame(set, {
      a: maximum(x, table),
      b: mul(slice(x, 0, 0, 2), slice(table, 0, 2, 4)),
      c: transpose(table, [1, 0]),
    });
  });
});
