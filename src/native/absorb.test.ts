// Sums of products: which become products that add, and that nothing else changes.

import { describe, expect, it } from "vitest";
import { randomGraph } from "../../test/support/random-graph.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { add, exp, mul, stopGradient, withGradient } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/move.ts";
import { absorbSums } from "./absorb.ts";

const x = input("x", [3, 5]);
const a = input("a", [3, 4]);
const b = input("b", [4, 5]);
const row = input("row", [5]);
const column = input("column", [4, 1]);
const product = gemm(a, b, {});

/** Names of the ops of what becomes of some outputs; a product that adds is "gemm+". */
function absorbed(outputs: Record<string, GraphNode>): string[] {
  const order = nodesInOrder(Object.values(absorbSums(graphOf(outputs)).outputs));
  const names = order.map(({ op, inputs }) => (op.name === "gemm" && inputs.length === 3 ? "gemm+" : op.name));
  return names.filter((name) => name !== "input");
}

describe("absorbSums", () => {
  it("takes in the other operand of a sum, on either side", () => {
    expect(absorbed({ y: add(x, product) })).toEqual(["gemm+"]);
    expect(absorbed({ y: add(product, x) })).toEqual(["gemm+"]);
  });

  it("keeps how a product turns its factors", () => {
    const turned = gemm(input("aT", [4, 3]), input("bT", [5, 4]), { transA: true, transB: true });
    const { y } = absorbSums(graphOf({ y: add(x, turned) })).outputs;
    expect(y!.attributes).toEqual({ transA: true, transB: true });
  });

  it("sees a product behind a closed form", () => {
    const closed = withGradient(stopGradient(product), [a], (up) => [gemm(up, b, { transB: true })]);
    expect(absorbed({ y: add(x, closed) })).toEqual(["gemm+"]);
  });

  it("leaves a product alone that something else reads: a node, an output, the sum itself, a view", () => {
    expect(absorbed({ y: add(x, product), z: exp(product) })).toEqual(["gemm", "add", "exp"]);
    expect(absorbed({ y: add(x, product), z: product })).toEqual(["gemm", "add"]);
    expect(absorbed({ y: add(product, product) })).toEqual(["gemm", "add"]);
    expect(absorbed({ y: add(x, product), z: reshape(product, [15]) })).toEqual(["gemm", "add", "reshape"]);
  });

  it("leaves a sum alone that stretches an operand, and a product with one column, which is part of a loop", () => {
    expect(absorbed({ y: add(row, product) })).toEqual(["gemm", "add"]);
    expect(absorbed({ y: add(input("z", [3, 1]), gemm(a, column, {})) })).toEqual(["gemm", "add"]);
  });

  it("adds one of two products to the other, and a third to their sum", () => {
    const second = gemm(input("c", [3, 2]), input("d", [2, 5]), {});
    expect(absorbed({ y: add(product, second) })).toEqual(["gemm", "gemm+"]);
    expect(absorbed({ y: add(add(product, second), gemm(x, input("e", [5, 5]), {})) })).toEqual([
      "gemm",
      "gemm+",
      "gemm+",
    ]);
    expect(absorbed({ y: add(mul(x, x), add(x, product)) })).toEqual(["mul", "gemm+", "add"]);
  });

  it("changes no result and no signature, on random graphs", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { graph, values } = randomGraph(seed);
      const after = absorbSums(graph);
      expect(interpret(after, values), `seed ${seed}`).toEqual(interpret(graph, values));
      for (const [name, { shape, type }] of Object.entries(graph.outputs)) {
        expect([after.outputs[name]!.shape, after.outputs[name]!.type]).toEqual([shape, type]);
      }
    }
  });
});
