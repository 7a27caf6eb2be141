// The text form of a graph: one line a node, for reading and for snapshots in tests.

import { show } from "../tensor/shape.ts";
import { nodesInOrder, type AttributeValue, type Graph, type GraphNode } from "./node.ts";

/** `%3 = gemm(%1, %2) {transB: true} float32[4, 8]`, inputs before their readers, outputs last. */
export function printGraph(graph: Graph): string {
  const ids = new Map<GraphNode, number>();
  const lines = nodesInOrder(Object.values(graph.outputs)).map((node) => {
    ids.set(node, ids.size);
    const inputs = node.inputs.map((child) => `%${ids.get(child)}`).join(", ");
    return `%${ids.get(node)} = ${node.op.name}(${inputs})${attributesText(node)} ${node.type}${show(node.shape)}`;
  });
  const outputs = Object.entries(graph.outputs).map(([name, node]) => `${name} = %${ids.get(node)}`);
  return [...lines, `return ${outputs.join(", ")}`].join("\n");
}

function attributesText(node: GraphNode): string {
  const shown = Object.entries(node.attributes).filter(([key]) => key !== "type" && key !== "shape");
  return shown.length === 0 ? "" : ` {${shown.map(([key, value]) => `${key}: ${valueText(value)}`).join(", ")}}`;
}

function valueText(value: AttributeValue): string {
  if (typeof value !== "object") return String(value);
  if (!("data" in value)) return show(value);
  const { data } = value;
  const first = Array.from(data.subarray(0, 4) as Float32Array, (x) => String(x)).join(", ");
  return data.length <= 4 ? `[${first}]` : `[${first}, … ${data.length} in all]`;
}
