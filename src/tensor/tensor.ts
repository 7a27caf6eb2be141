// A tensor in host memory: element type, shape, row-major numbers.

import { invariant } from "../base/invariant.ts";

/** Element types the graph computes with; files hold more (see dtype.ts). */
export type ElementType = "float32" | "float64" | "int64" | "int32" | "bool";

export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

export type Shape = readonly number[];

export interface Tensor {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly data: TensorData;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** @returns a float32 tensor over `data`, not copied, or zeros when none is given */
export function float32(shape: Shape, data: Float32Array = new Float32Array(sizeOf(shape))): Tensor {
  invariant(data.length === sizeOf(shape), `${data.length} numbers fill the shape [${shape.join(", ")}]`);
  return { type: "float32", shape, data };
}

/** @returns an int32 tensor over `data`, not copied, or zeros when none is given */
export function int32(shape: Shape, data: Int32Array = new Int32Array(sizeOf(shape))): Tensor {
  invariant(data.length === sizeOf(shape), `${data.length} numbers fill the shape [${shape.join(", ")}]`);
  return { type: "int32", shape, data };
}

/** The weights of a model by parameter name (see model/parameters.ts); float32, row-major. */
export type Weights = Map<string, Float32Array>;
