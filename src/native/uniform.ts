// Nodes whose elements are all one number that is known before the program runs.

import { isConstant, type GraphNode } from "../graph/node.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { POINTWISE_OPS } from "./pointwise-ops.ts";

const known = new WeakMap<GraphNode, { readonly value: number | undefined }>();
const MOVES = new Set(["reshape", "broadcast", "transpose", "slice", "stopGradient"]);

/** The number that every element of a float32 node is; undefined where they differ or depend on an input. */
export function uniformValue(node: GraphNode): number | undefined {
  const found = known.get(node);
  if (found !== undefined) return found.value;
  const value = node.type === "float32" ? find(node) : undefined;
  known.set(node, { value });
  return value;
}

function find(node: GraphNode): number | undefined {
  if (isConstant(node)) {
    const data = (node.attributes["tensor"] as Tensor).data as Float32Array;
    return data.every((x) => Object.is(x, data[0])) ? data[0] : undefined;
  }
  if (MOVES.has(node.op.name)) return uniformValue(node.inputs[0]!);
  if (!POINTWISE_OPS.has(node.op.name)) return undefined;
  const values = node.inputs.map(uniformValue);
  if (values.some((value) => value === undefined)) return undefined;
  const scalars = node.inputs.map((input) => ({ ...input, shape: [] }));
  const [value] = node.op.value(
    values.map((each) => Float64Array.of(each!)),
    { ...node, inputs: scalars, shape: [] },
  );
  return Math.fround(value!);
}
