// The engine over ONNX Runtime: sessions, and tensors over the caller's own arrays.

import ort from "onnxruntime-node";
import { invariant } from "../base/invariant.ts";
import { nodesInOrder, type Graph } from "../graph/node.ts";
import { isScatterAddRows } from "../graph/ops/index.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { Engine, Program } from "./engine.ts";
import { messageOf } from "../base/errors.ts";
import { lowerGraph, type Lowerings } from "./lower.ts";
import { WEBGPU_LOWERINGS } from "./lower-webgpu.ts";
import { deviceMissing, type Device } from "./device.ts";
import { startRuntime } from "./runtime-start.ts";

const LOWERINGS: Readonly<Record<Device, Lowerings>> = { cpu: {}, webgpu: WEBGPU_LOWERINGS, cuda: {} };

/**
 * An engine over ONNX Runtime. A session is a static shape: compile once for each shape in use.
 *
 * Compiling throws `DEVICE_MISSING` where the device is not there or cannot run the whole graph: nothing is handed to the CPU instead.
 * Gradients of look-ups are for engines of one thread: ScatterND of the runtime adds to one row from several threads at once
 * (https://github.com/microsoft/onnxruntime/issues/18048).
 */
export function createOnnxEngine(threads: number, device: Device): Engine {
  return {
    threads,
    compile: async (graph) => {
      invariant(
        threads === 1 || device !== "cpu" || !nodesInOrder(Object.values(graph.outputs)).some(isScatterAddRows),
        "rows are added up by index on one thread: the runtime's threads overwrite each other's sums",
      );
      const sequenceFirst = device === "cpu" && isLarge(graph) ? UNRETURNED : undefined;
      const model = lowerGraph(graph, { lowerings: LOWERINGS[device], sequenceFirst });
      await startRuntime();
      const session = await ort.InferenceSession.create(model, sessionOptions(device, threads)).catch(
        (thrown: unknown) => {
          throw device === "cpu" ? thrown : deviceMissing(device, messageOf(thrown), thrown);
        },
      );
      return new OnnxProgram(session, graph, sequenceFirst !== undefined);
    },
  };
}

function sessionOptions(device: Device, threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // On the CPU the runtime's rewriting gains nothing on these graphs and takes half of the time of compiling (docs/log.md).
    graphOptimizationLevel: device === "cpu" ? "disabled" : "all",
    enableCpuMemArena: true,
    // Planning all values of a shape in one block doubles what a session holds and saves no time.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(device === "cpu" ? {} : { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
  };
}

/**
 * The output that keeps the binding from returning the others.
 *
 * A run writes its results into the arrays it was given, and then the binding copies every one of them again, into new
 * arrays that nobody reads (240 MB a microbatch of a model of 60M parameters, a fifteenth of its time). It does so in the
 * order of the outputs, and refuses an output that is no tensor; one of that kind in front ends the copying before it begins.
 */
const UNRETURNED = "unreturned";
const REFUSED = "Non tensor type";

/** Output elements from which the copies cost more than the refusal, which takes about 10 µs. */
const LARGE = 2 ** 14;

function isLarge(graph: Graph): boolean {
  return Object.values(graph.outputs).reduce((count, { shape }) => count + sizeOf(shape), 0) >= LARGE;
}

interface Bound {
  /** the caller's array */
  readonly data: TensorData;
  /** what the runtime reads or writes: the same, or a copy where threads share the caller's, which it refuses */
  readonly own: TensorData;
  readonly tensor: ort.Tensor;
}

class OnnxProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #graph: Graph;
  readonly #unreturned: boolean;
  /** The tensor made for each name, kept while the caller hands in the same array. */
  readonly #bound = new Map<string, Bound>();

  constructor(session: ort.InferenceSession, graph: Graph, unreturned: boolean) {
    this.#session = session;
    this.#graph = graph;
    this.#unreturned = unreturned;
  }

  async run(
    inputs: Readonly<Record<string, TensorData>>,
    outputs: Readonly<Record<string, TensorData>>,
  ): Promise<void> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const name of Object.keys(this.#graph.inputs)) {
      const { data, own, tensor } = this.#tensor("inputs", name, inputs[name]);
      if (own !== data) (own as Float32Array).set(data as Float32Array);
      feeds[name] = tensor;
    }
    const fetches: Record<string, ort.Tensor | null> = this.#unreturned ? { [UNRETURNED]: null } : {};
    const written = Object.keys(outputs).map((name) => ({ name, ...this.#tensor("outputs", name, outputs[name]) }));
    for (const { name, tensor } of written) fetches[name] = tensor;
    await this.#session.run(feeds, fetches).catch((thrown: unknown) => {
      if (!this.#unreturned || !messageOf(thrown).startsWith(REFUSED)) throw thrown;
    });
    for (const { data, own } of written) if (own !== data) (data as Float32Array).set(own as Float32Array);
  }

  #tensor(side: "inputs" | "outputs", name: string, data: TensorData | undefined): Bound {
    const known = this.#bound.get(`${side}/${name}`);
    if (known !== undefined && known.data === data) return known;
    const node = this.#graph[side][name];
    invariant(node !== undefined && data !== undefined, `${side} "${name}" is both declared and given`);
    invariant(data.length === sizeOf(node.shape), `"${name}" holds ${sizeOf(node.shape)} elements, not ${data.length}`);
    const own = data.buffer instanceof SharedArrayBuffer ? data.slice() : data;
    const bound = { data, own, tensor: new ort.Tensor(node.type, own as Float32Array, node.shape) };
    this.#bound.set(`${side}/${name}`, bound);
    return bound;
  }

  async dispose(): Promise<void> {
    this.#bound.clear();
    await this.#session.release();
  }
}
