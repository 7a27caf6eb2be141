// Folding axes away and stretching them: each is the other's gradient.

import { invariant } from "../../base/invariant.ts";
import { broadcastOffsets, broadcastShape, offsetsOf, sameShape, show, stridesOf } from "../../tensor/shape.ts";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import { makeNode, type GraphNode, type Op } from "../node.ts";
import { reshape } from "./move.ts";

const sumOp: Op = {
  name: "sum",
  signature: ([x], { axes }) => ({
    type: x!.type,
    shape: x!.shape.map((size, axis) => ((axes as readonly number[]).includes(axis) ? 1 : size)),
  }),
  value: ([x], node) => {
    const { shape } = node.inputs[0]!;
    const strides = stridesOf(node.shape).map((stride, axis) => (node.shape[axis] === shape[axis] ? stride : 0));
    const offsets = offsetsOf(shape, strides);
    const out = new Float64Array(sizeOf(node.shape));
    for (let i = 0; i < offsets.length; i++) out[offsets[i]!]! += x![i]!;
    return out;
  },
  gradient: (node, upstream) => [broadcastTo(upstream, node.inputs[0]!.shape)],
};

/** Sums over `axes`, which stay with size 1. */
export function sum(x: GraphNode, axes: readonly number[]): GraphNode {
  invariant(
    axes.every((axis) => axis >= 0 && axis < x.shape.length),
    `axes ${axes.join()} lie in [${x.shape.join()}]`,
  );
  return axes.every((axis) => x.shape[axis] === 1) ? x : makeNode(sumOp, [x], { axes });
}

/** Sums every element into a scalar. */
export function total(x: GraphNode): GraphNode {
  const flat = reshape(x, [1, sizeOf(x.shape)]);
  return reshape(sum(flat, [1]), []);
}

/** Undoes broadcasting: sums `x` down to `shape`. */
export function sumTo(x: GraphNode, shape: Shape): GraphNode {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return reshape(sum(x, axes), shape);
}

const broadcastOp: Op = {
  name: "broadcast",
  signature: ([x], { shape }) => {
    invariant(
      sameShape(broadcastShape(x!.shape, shape as Shape), shape as Shape),
      `broadcasts to ${show(shape as Shape)}`,
    );
    return { type: x!.type, shape: shape as Shape };
  },
  value: ([x], node) => Float64Array.from(broadcastOffsets(node.inputs[0]!.shape, node.shape), (i) => x![i]!),
  gradient: (node, upstream) => [sumTo(upstream, node.inputs[0]!.shape)],
};

/** Stretches axes of size 1 to `shape`. */
export function broadcastTo(x: GraphNode, shape: Shape): GraphNode {
  return sameShape(x.shape, shape) ? x : makeNode(broadcastOp, [x], { shape });
}
