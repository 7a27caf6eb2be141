// The interface every engine has: compile a graph, run it, release it.

import type { Graph } from "../graph/node.ts";
import type { TensorData } from "../tensor/tensor.ts";

export interface CompileOptions {
  /**
   * Linear maps are multiplied in the quickest way that rounds about as little as float32, by other sums than a plain product
   * has: docs/numerics.md. For training alone: what is sampled or scored is to be the same in any batch.
   */
  readonly quickestProducts?: boolean;
}

export interface Engine {
  /** threads one program uses at a time */
  readonly threads: number;
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
}

/** A compiled graph. */
export interface Program {
  /**
   * Runs once. Inputs and outputs are given by name as typed arrays of the declared size and type.
   *
   * An output array is written in place; it may be the very array of an input of the same shape (a gradient accumulator).
   * Only the named outputs are computed. Arrays may lie in memory that threads share, which ONNX Runtime copies at every run.
   */
  run(inputs: Readonly<Record<string, TensorData>>, outputs: Readonly<Record<string, TensorData>>): Promise<void>;
  dispose(): Promise<void>;
}
