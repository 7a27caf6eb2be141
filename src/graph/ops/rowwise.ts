// Ops on the rows of the last axis: normalisations, running sums, the largest element.

import { sizeOf } from "../../tensor/tensor.ts";
import { makeNode, scalar, type GraphNode, type Op } from "../node.ts";
import { add, exp, greater, mul, sub } from "./elementwise.ts";
import { sum } from "./reduce.ts";

function rowwise(name: string, meaning: (row: Float64Array) => Float64Array, gradient: Op["gradient"]): Op {
  return {
    name,
    signature: ([x]) => ({ type: x!.type, shape: x!.shape }),
    value: ([x], node) => {
      const width = node.shape[node.shape.length - 1]!;
      const out = new Float64Array(x!.length);
      for (let start = 0; start < out.length; start += width)
        out.set(meaning(x!.subarray(start, start + width)), start);
      return out;
    },
    gradient,
  };
}

function logSumExp(row: Float64Array): number {
  const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return top + Math.log(row.reduce((acc, x) => acc + Math.exp(x - top), 0));
}

const lastAxis = (x: GraphNode): readonly number[] => [x.shape.length - 1];

const softmaxOp = rowwise(
  "softmax",
  (row) => {
    const lse = logSumExp(row);
    return row.map((x) => Math.exp(x - lse));
  },
  // dx = y·(dy - Σ dy·y)
  (node, up) => [mul(node, sub(up, sum(mul(up, node), lastAxis(up))))],
);

/** Softmax over the last axis. */
export function softmax(x: GraphNode): GraphNode {
  return makeNode(softmaxOp, [x]);
}

const logSoftmaxOp = rowwise(
  "logSoftmax",
  (row) => {
    const lse = logSumExp(row);
    return row.map((x) => x - lse);
  },
  // dx = dy - softmax(x)·Σ dy
  (node, up) => [sub(up, mul(exp(node), sum(up, lastAxis(up))))],
);

/** Log of the softmax over the last axis, exact for unlikely entries where log(softmax) underflows. */
export function logSoftmax(x: GraphNode): GraphNode {
  return makeNode(logSoftmaxOp, [x]);
}

const cumulativeSumOp = rowwise(
  "cumulativeSum",
  (row) => {
    let running = 0;
    return row.map((x) => (running += x));
  },
  // Σ_j>=i dy_j = total - cumulative + own
  (_, up) => [add(sub(sum(up, lastAxis(up)), cumulativeSum(up)), up)],
);

/** Running sum along the last axis, the element itself included. */
export function cumulativeSum(x: GraphNode): GraphNode {
  return makeNode(cumulativeSumOp, [x]);
}

const argmaxOp: Op = {
  name: "argmax",
  signature: ([x]) => ({ type: "int32", shape: x!.shape.slice(0, -1) }),
  value: ([x], node) => {
    const width = node.inputs[0]!.shape.at(-1)!;
    return Float64Array.from({ length: sizeOf(node.shape) }, (_, row) => {
      const values = x!.subarray(row * width, (row + 1) * width);
      return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
    });
  },
  gradient: () => [null],
};

/** Index of the largest element of the last axis, the first one at a tie. */
export function argmax(x: GraphNode): GraphNode {
  return makeNode(argmaxOp, [x]);
}

/** How many elements of the last axis exceed `bound` ([..., 1]); the axis stays with size 1. */
export function countAbove(x: GraphNode, bound: GraphNode): GraphNode {
  return sum(greater(x, bound), lastAxis(x));
}

/** Mean over the last axis, which stays with size 1. */
export function mean(x: GraphNode): GraphNode {
  return mul(sum(x, lastAxis(x)), scalar(1 / x.shape.at(-1)!));
}
