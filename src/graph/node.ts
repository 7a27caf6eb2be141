// The tensor graph: nodes that say what to compute, never how.

import { invariant } from "../base/invariant.ts";
import { sizeOf, type ElementType, type Shape, type Tensor } from "../tensor/tensor.ts";

export type AttributeValue = number | boolean | string | readonly number[] | Tensor;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What a node holds: element type and static shape. */
export interface Signature {
  readonly type: ElementType;
  readonly shape: Shape;
}

/**
 * One kind of operation with its three truths side by side: the shape rule, the meaning in float64 (the oracle), and the
 * gradient. `gradient` returns one entry an input, null where none flows.
 */
export interface Op {
  readonly name: string;
  signature(inputs: readonly GraphNode[], attributes: Attributes): Signature;
  value(inputs: readonly Float64Array[], node: GraphNode): Float64Array;
  gradient(node: GraphNode, upstream: GraphNode): readonly (GraphNode | null)[];
}

export interface GraphNode extends Signature {
  readonly op: Op;
  readonly inputs: readonly GraphNode[];
  readonly attributes: Attributes;
}

/** What a program computes: named inputs, named outputs. */
export interface Graph {
  readonly inputs: Readonly<Record<string, GraphNode>>;
  readonly outputs: Readonly<Record<string, GraphNode>>;
}

/** Builds a node; the op's shape rule decides its signature. */
export function makeNode(op: Op, inputs: readonly GraphNode[], attributes: Attributes = {}): GraphNode {
  return { op, inputs, attributes, ...op.signature(inputs, attributes) };
}

const inputOp: Op = {
  name: "input",
  signature: (_, { type, shape }) => ({ type: type as ElementType, shape: shape as Shape }),
  value: () => {
    throw new Error("an input has no value of its own");
  },
  gradient: () => [],
};

const constantOp: Op = {
  name: "constant",
  signature: (_, { tensor }) => ({ type: (tensor as Tensor).type, shape: (tensor as Tensor).shape }),
  value: (_, node) => Float64Array.from((node.attributes["tensor"] as Tensor).data as Float32Array),
  gradient: () => [],
};

/** A value given at run time. Two inputs are two nodes even when their names agree, so make each once. */
export function input(name: string, shape: Shape, type: ElementType = "float32"): GraphNode {
  return makeNode(inputOp, [], { name, type, shape });
}

/** A value fixed in the graph. */
export function constant(tensor: Tensor): GraphNode {
  return makeNode(constantOp, [], { tensor });
}

/** A float32 scalar fixed in the graph. */
export function scalar(value: number): GraphNode {
  return constant({ type: "float32", shape: [], data: Float32Array.of(value) });
}

/** A float32 tensor of one value. */
export function filled(shape: Shape, value: number): GraphNode {
  return constant({ type: "float32", shape, data: new Float32Array(sizeOf(shape)).fill(value) });
}

export function isInput(node: GraphNode): boolean {
  return node.op === inputOp;
}

export function isConstant(node: GraphNode): boolean {
  return node.op === constantOp;
}

export function nameOfInput(node: GraphNode): string {
  invariant(isInput(node), `${node.op.name} is an input`);
  return node.attributes["name"] as string;
}

const NO_NODES: ReadonlySet<GraphNode> = new Set();

/**
 * Every node the outputs need, each after its inputs; the order is the same for the same graph.
 *
 * @param leaves  what these are made of is left out
 */
export function nodesInOrder(
  outputs: Iterable<GraphNode>,
  leaves: ReadonlySet<GraphNode> = NO_NODES,
): readonly GraphNode[] {
  const done = new Set<GraphNode>();
  const order: GraphNode[] = [];
  const stack: { readonly node: GraphNode; next: number }[] = [];
  for (const output of outputs) {
    if (done.has(output)) continue;
    done.add(output);
    stack.push({ node: output, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const child = leaves.has(top.node) ? undefined : top.node.inputs[top.next++];
      if (child === undefined) {
        order.push(top.node);
        stack.pop();
      } else if (!done.has(child)) {
        done.add(child);
        stack.push({ node: child, next: 0 });
      }
    }
  }
  return order;
}

/** Of all values a graph computes, were none of them ever freed; four bytes an element. */
export function bytesOf({ outputs }: Graph): number {
  const computed = nodesInOrder(Object.values(outputs)).filter((node) => !isInput(node) && !isConstant(node));
  return computed.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
}
