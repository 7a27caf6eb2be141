// Ops that move elements without changing them.

import { invariant } from "../../base/invariant.ts";
import { offsetsOf, sameShape, show, stridesOf } from "../../tensor/shape.ts";
import { sizeOf, type Shape } from "../../tensor/tensor.ts";
import { makeNode, type GraphNode, type Op } from "../node.ts";

const reshapeOp: Op = {
  name: "reshape",
  signature: ([x], { shape }) => {
    invariant(sizeOf(x!.shape) === sizeOf(shape as Shape), `${show(x!.shape)} reshapes to ${show(shape as Shape)}`);
    return { type: x!.type, shape: shape as Shape };
  },
  value: ([x]) => x!,
  gradient: (node, upstream) => [reshape(upstream, node.inputs[0]!.shape)],
};

/** The same elements in the same order under another shape. */
export function reshape(x: GraphNode, shape: Shape): GraphNode {
  if (sameShape(x.shape, shape)) return x;
  const source = x.op === reshapeOp ? x.inputs[0]! : x;
  return sameShape(source.shape, shape) ? source : makeNode(reshapeOp, [source], { shape });
}

const transposeOp: Op = {
  name: "transpose",
  signature: ([x], { order }) => ({ type: x!.type, shape: (order as Shape).map((axis) => x!.shape[axis]!) }),
  value: ([x], node) => {
    const order = node.attributes["order"] as Shape;
    const strides = stridesOf(node.inputs[0]!.shape);
    const offsets = offsetsOf(
      node.shape,
      order.map((axis) => strides[axis]!),
    );
    return Float64Array.from(offsets, (offset) => x![offset]!);
  },
  gradient: (node, upstream) => {
    const order = node.attributes["order"] as Shape;
    return [
      transpose(
        upstream,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
};

/** Reorders axes: axis i of the result is axis `order[i]` of `x`. */
export function transpose(x: GraphNode, order: Shape): GraphNode {
  invariant(
    [...order].sort((a, b) => a - b).every((axis, i) => axis === i),
    `${show(order)} permutes the axes`,
  );
  return order.every((axis, i) => axis === i) ? x : makeNode(transposeOp, [x], { order });
}

const sliceOp: Op = {
  name: "slice",
  signature: ([x], { axis, start, end }) => {
    const size = x!.shape[axis as number]!;
    invariant(
      0 <= Number(start) && Number(start) < Number(end) && Number(end) <= size,
      `slice ${Number(start)}:${Number(end)} of ${size}`,
    );
    return { type: x!.type, shape: x!.shape.map((s, i) => (i === axis ? Number(end) - Number(start) : s)) };
  },
  value: ([x], node) => {
    const strides = stridesOf(node.inputs[0]!.shape);
    const first = Number(node.attributes["start"]) * strides[node.attributes["axis"] as number]!;
    return Float64Array.from(offsetsOf(node.shape, strides, first), (offset) => x![offset]!);
  },
  gradient: (node, upstream) => {
    const { axis, start, end } = node.attributes;
    const size = node.inputs[0]!.shape[axis as number]!;
    return [pad(upstream, axis as number, Number(start), size - Number(end))];
  },
};

/** Elements `start` (included) to `end` (excluded) of one axis. */
export function slice(x: GraphNode, axis: number, start: number, end: number): GraphNode {
  return start === 0 && end === x.shape[axis] ? x : makeNode(sliceOp, [x], { axis, start, end });
}

const padOp: Op = {
  name: "pad",
  signature: ([x], { axis, before, after }) => ({
    type: x!.type,
    shape: x!.shape.map((size, i) => (i === axis ? size + Number(before) + Number(after) : size)),
  }),
  value: ([x], node) => {
    const strides = stridesOf(node.shape);
    const first = Number(node.attributes["before"]) * strides[node.attributes["axis"] as number]!;
    const out = new Float64Array(sizeOf(node.shape));
    const offsets = offsetsOf(node.inputs[0]!.shape, strides, first);
    for (let i = 0; i < offsets.length; i++) out[offsets[i]!] = x![i]!;
    return out;
  },
  gradient: (node, upstream) => {
    const { axis, before } = node.attributes;
    const size = node.inputs[0]!.shape[axis as number]!;
    return [slice(upstream, axis as number, Number(before), Number(before) + size)];
  },
};

/** Adds zeros before and after one axis. */
export function pad(x: GraphNode, axis: number, before: number, after: number): GraphNode {
  return before === 0 && after === 0 ? x : makeNode(padOp, [x], { axis, before, after });
}

const concatOp: Op = {
  name: "concat",
  signature: (inputs, { axis }) => {
    const first = inputs[0]!;
    for (const x of inputs) {
      const fits = x.shape.every((size, i) => i === axis || size === first.shape[i]);
      invariant(fits, `${show(x.shape)} joins ${show(first.shape)} on axis ${axis as number}`);
    }
    const size = inputs.reduce((acc, x) => acc + x.shape[axis as number]!, 0);
    return { type: first.type, shape: first.shape.map((s, i) => (i === axis ? size : s)) };
  },
  value: (values, node) => {
    const axis = node.attributes["axis"] as number;
    const strides = stridesOf(node.shape);
    const out = new Float64Array(sizeOf(node.shape));
    let start = 0;
    for (const [n, x] of node.inputs.entries()) {
      const offsets = offsetsOf(x.shape, strides, start * strides[axis]!);
      for (let i = 0; i < offsets.length; i++) out[offsets[i]!] = values[n]![i]!;
      start += x.shape[axis]!;
    }
    return out;
  },
  gradient: (node, upstream) => {
    const axis = node.attributes["axis"] as number;
    let start = 0;
    return node.inputs.map((x) => {
      const end = start + x.shape[axis]!;
      const part = slice(upstream, axis, start, end);
      start = end;
      return part;
    });
  },
};

/** Joins tensors along one axis. */
export function concat(parts: readonly GraphNode[], axis: number): GraphNode {
  return parts.length === 1 ? parts[0]! : makeNode(concatOp, parts, { axis });
}
