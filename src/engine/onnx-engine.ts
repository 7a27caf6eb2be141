// The engine over ONNX Runtime: sessions, and tensors over the caller's own arrays.

import ort from "onnxruntime-node";
import { invariant } from "../base/invariant.ts";
import type { Graph } from "../graph/node.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { Engine, Program } from "./engine.ts";
import { messageOf } from "../base/errors.ts";
import { lowerGraph, type Lowerings } from "./lower.ts";
import { WEBGPU_LOWERINGS } from "./lower-webgpu.ts";
import { deviceMissing, type Device } from "./device.ts";

export interface EngineOptions {
  /** threads inside one operation on the CPU; 1 where several engines run side by side */
  readonly threads: number;
  /** cpu when left out */
  readonly device?: Device;
}

const LOWERINGS: Readonly<Record<Device, Lowerings>> = { cpu: {}, webgpu: WEBGPU_LOWERINGS, cuda: {} };

/**
 * An engine on one device. A session is a static shape: compile once for each shape in use.
 *
 * Compiling throws `DEVICE_MISSING` where the device is not there or cannot run the whole graph: nothing is handed to the CPU instead.
 */
export function createEngine({ threads, device = "cpu" }: EngineOptions): Engine {
  return {
    name: `onnxruntime-${device}`,
    threads,
    compile: async (graph) => {
      const model = lowerGraph(graph, LOWERINGS[device]);
      const session = await ort.InferenceSession.create(model, sessionOptions(device, threads)).catch(
        (thrown: unknown) => {
          throw device === "cpu" ? thrown : deviceMissing(device, messageOf(thrown), thrown);
        },
      );
      return new OnnxProgram(session, graph);
    },
  };
}

function sessionOptions(device: Device, threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: true,
    // Planning all values of a shape in one block doubles what a session holds and saves no time.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(device === "cpu" ? {} : { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
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
