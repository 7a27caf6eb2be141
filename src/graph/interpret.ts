// Runs a graph in float64, plainly: the oracle every engine is compared with.

import { invariant } from "../base/invariant.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { isInput, nameOfInput, nodesInOrder, type Graph, type GraphNode } from "./node.ts";

/** @returns every output's elements in row-major order, in float64 whatever the graph's own types */
export function interpret(
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Readonly<Record<string, Float64Array>> {
  const values = new Map<GraphNode, Float64Array>();
  for (const node of nodesInOrder(Object.values(graph.outputs))) {
    const value = isInput(node)
      ? givenValue(nameOfInput(node), inputs)
      : node.op.value(
          node.inputs.map((child) => values.get(child)!),
          node,
        );
    invariant(
      value.length === sizeOf(node.shape),
      `${node.op.name} has ${sizeOf(node.shape)} elements, not ${value.length}`,
    );
    values.set(node, value);
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, values.get(node)!]));
}

function givenValue(name: string, inputs: Readonly<Record<string, ArrayLike<number>>>): Float64Array {
  const given = inputs[name];
  invariant(given !== undefined, `the input "${name}" is given`);
  return Float64Array.from(given);
}
