// A unit of elementwise nodes as one loop.

import type { GraphNode } from "../graph/node.ts";
import { broadcastStrides, sameShape } from "../tensor/shape.ts";
import { keyOf, type KernelCall, type UnitCalls } from "./kernel-call.ts";
import { emitPointwise, POINTWISE_ARGUMENTS, type Operand, type Operation, type PointwiseLoop } from "./pointwise.ts";
import { uniformValue } from "./uniform.ts";
import { arraysRead, isKept, isReduction, isRowProduct, plainly, type Readers, type Unit } from "./units.ts";

/** The loop that computes a unit, and whose memory its results may take: of what it reads element by element. */
export function loopCall({ shape, nodes }: Unit, readers: Readers): UnitCalls {
  const own = new Set(nodes);
  const arrays = arraysRead(nodes);
  const operations: Operation[] = [];
  const operationOf = new Map<GraphNode, number>();
  const operand = (node: GraphNode): Operand => {
    const source = plainly(node);
    const value = uniformValue(source);
    if (value !== undefined) return { kind: "number", value };
    const operation = operationOf.get(source);
    return operation === undefined ? { kind: "array", array: arrays.indexOf(source) } : { kind: "value", operation };
  };
  const emit = (op: string, operands: readonly Operand[]): number => operations.push({ op, operands }) - 1;
  for (const node of nodes) {
    if (isRowProduct(node)) {
      const product = emit("mul", node.inputs.map(operand));
      operationOf.set(node, emit("sum", [{ kind: "value", operation: product }]));
    } else operationOf.set(node, emit(node.op.name, node.inputs.map(operand)));
  }
  const kept = nodes.filter((node) => isKept(node, own, readers));
  const loop: PointwiseLoop = {
    sizes: shape.length === 0 ? [1] : shape,
    strides: arrays.map((array) => strided(array, nodes, shape)),
    operations,
    kept: kept.map((node) => operationOf.get(node)!),
  };
  const call: KernelCall = {
    key: keyOf("loop", loop),
    emit: (to) => emitPointwise(to, loop),
    arguments: [...arrays, ...kept].map((node) => ({ node, offset: 0 })),
    registers: POINTWISE_ARGUMENTS.slice(0, arrays.length + kept.length),
    scratch: 0,
  };
  /** Arrays read element by element, and by the time the result is stored: an operation loads what it is the first to read. */
  const readBefore = (result: GraphNode): readonly GraphNode[] => {
    const first = (array: GraphNode): number => nodes.findIndex(({ inputs }) => inputs.map(plainly).includes(array));
    return arrays.filter((array) => sameShape(array.shape, shape) && first(array) <= nodes.indexOf(result));
  };
  return {
    calls: [call],
    writes: kept,
    takesOver: new Map(kept.filter((node) => !isReduction(node)).map((node) => [node, readBefore(node)])),
  };
}

/** Strides of an array over the loop's shape; the second factor of a row product, a column, runs along the rows. */
function strided(array: GraphNode, nodes: readonly GraphNode[], shape: readonly number[]): readonly number[] {
  if (shape.length === 0) return [0];
  const asColumn = nodes.some((node) => isRowProduct(node) && plainly(node.inputs[1]!) === array);
  return asColumn ? [0, 1] : broadcastStrides(array.shape, shape);
}
