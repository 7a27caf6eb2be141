// The engine over ONNX Runtime: sessions, and tensors over the caller's own arrays.

import ort from "onnxruntime-node";
import { invariant } from "../base/invariant.ts";
import type { Graph } from "../graph/node.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { Engine, Program } from "./engine.ts";
import { lowerGraph } from "./lower.ts";

export interface EngineOptions {
  /** threads inside one operation; 1 where several engines run side by side */
  readonly threads: number;
}

/** The CPU engine. A session is a static shape: compile once for each shape in use. */
export function createEngine({ threads }: EngineOptions): Engine {
  return {
    name: "onnxruntime-cpu",
    threads,
    compile: async (graph) => {
      const session = await ort.InferenceSession.create(lowerGraph(graph), {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        enableCpuMemArena: true,
        logSeverityLevel: 3,
      });
      return new OnnxProgram(session, graph);
    },
  };
}

class OnnxProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #graph: Graph;
  /** The tensor made for each name, kept while the caller hands in the same array. */
  readonly #bound = new Map<string, { data: TensorData; tensor: ort.Tensor }>();

  constructor(session: ort.InferenceSession, graph: Graph) {
    this.#session = session;
    this.#graph = graph;
  }

  async run(
    inputs: Readonly<Record<string, TensorData>>,
    outputs: Readonly<Record<string, TensorData>>,
  ): Promise<void> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const name of Object.keys(this.#graph.inputs)) feeds[name] = this.#tensor("inputs", name, inputs[name]);
    const fetches: Record<string, ort.Tensor> = {};
    for (const name of Object.keys(outputs)) fetches[name] = this.#tensor("outputs", name, outputs[name]);
    await this.#session.run(feeds, fetches);
  }

  #tensor(side: "inputs" | "outputs", name: string, data: TensorData | undefined): ort.Tensor {
    const bound = this.#bound.get(`${side}/${name}`);
    if (bound !== undefined && bound.data === data) return bound.tensor;
    const node = this.#graph[side][name];
    invariant(node !== undefined && data !== undefined, `${side} "${name}" is both declared and given`);
    invariant(data.length === sizeOf(node.shape), `"${name}" holds ${sizeOf(node.shape)} elements, not ${data.length}`);
    const tensor = new ort.Tensor(node.type, data as Float32Array, node.shape);
    this.#bound.set(`${side}/${name}`, { data, tensor });
    return tensor;
  }

  async dispose(): Promise<void> {
    this.#bound.clear();
    await this.#session.release();
  }
}
