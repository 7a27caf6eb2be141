// The interface every engine has: compile a graph, run it, release it.

import type { Graph } from "../graph/node.ts";
import type { TensorData } from "../tensor/tensor.ts";

export interface CompileOptions {
  /**
   * Rows of one linear map may differ in their last bits by the rows beside them, which lets large ones take fewer
   * operations. For training alone: what is sampled or scored is to be the same in any batch.
   */
  readonly rowsMayMix?: boolean;
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
