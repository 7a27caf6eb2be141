// Every rule a legal graph obeys, checked before an engine compiles it.

import { invariant } from "../base/invariant.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { isInput, nameOfInput, nodesInOrder, type Graph } from "./node.ts";

/**
 * Checks that inputs are declared once, under their own names; that every size is a positive integer; and that every
 * node's signature is what its op's shape rule says today.
 *
 * @throws `INTERNAL` naming the node
 */
export function checkGraph(graph: Graph): void {
  const declared = new Set(Object.values(graph.inputs));
  for (const [name, node] of Object.entries(graph.inputs)) {
    invariant(isInput(node) && nameOfInput(node) === name, `the graph input "${name}" is an input node of that name`);
  }
  invariant(Object.keys(graph.outputs).length > 0, "a graph has an output");
  for (const node of nodesInOrder(Object.values(graph.outputs))) {
    if (isInput(node)) invariant(declared.has(node), `the input "${nameOfInput(node)}" is declared`);
    const sizesFit = node.shape.every((size) => Number.isSafeInteger(size) && size >= 1);
    invariant(sizesFit, `${node.op.name} ${show(node.shape)} has positive sizes`);
    const { type, shape } = node.op.signature(node.inputs, node.attributes);
    invariant(
      type === node.type && sameShape(shape, node.shape),
      `${node.op.name} has the signature of its shape rule`,
    );
  }
}

/** Declares the inputs of a graph by walking it: every input its outputs read, by name. */
export function graphOf(outputs: Graph["outputs"]): Graph {
  const inputs: Record<string, Graph["inputs"][string]> = {};
  for (const node of nodesInOrder(Object.values(outputs))) {
    if (!isInput(node)) continue;
    const name = nameOfInput(node);
    invariant(inputs[name] === undefined || inputs[name] === node, `the input "${name}" is one node`);
    inputs[name] = node;
  }
  return { inputs, outputs };
}
