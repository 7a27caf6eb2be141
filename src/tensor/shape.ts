// Shapes: strides, broadcasting, permutations.

import { invariant } from "../base/invariant.ts";
import { sizeOf, type Shape } from "./tensor.ts";

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** The common shape of two operands under NumPy's rule: axes align from the last, a size of 1 stretches. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    invariant(left === right || left === 1 || right === 1, `${show(a)} and ${show(b)} broadcast together`);
    return Math.max(left, right);
  });
}

/** Strides, in elements, of an operand of shape `from` read as `shape`: 0 along every axis it is stretched over. */
export function broadcastStrides(from: Shape, shape: Shape): number[] {
  const own = stridesOf(from);
  const lead = shape.length - from.length;
  return shape.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : own[axis - lead]!));
}

/** For every element of `shape`, in order, its offset in an operand of the (broadcastable) shape `from`. */
export function broadcastOffsets(from: Shape, shape: Shape): Int32Array {
  return offsetsOf(shape, broadcastStrides(from, shape));
}

/** For every index of `shape`, in row-major order, the sum of index times stride. */
export function offsetsOf(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  const offsets = new Int32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let offset = start;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** "[2, 3]" */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
