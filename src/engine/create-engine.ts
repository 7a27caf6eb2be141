// The one door to engines: a device, and a number of threads.

import { invariant } from "../base/invariant.ts";
import { cpuKernels } from "./cpu-kernels.ts";
import type { Device } from "./device.ts";
import type { Engine } from "./engine.ts";
import { createNativeEngine } from "./native-engine.ts";
import { requirePrecision, type Precision } from "./precision.ts";

export interface EngineOptions {
  /** inside one operation on the CPU; 1 where several engines run side by side */
  readonly threads: number;
  /** cpu when left out */
  readonly device?: Device;
  /** of the products; float32 when left out */
  readonly precision?: Precision;
}

/**
 * An engine on one device. A program is a static shape: compile once for each shape in use.
 *
 * On the CPU a single thread runs our own machine code where `cpuKernels` finds that it can; everything else is ONNX
 * Runtime. Compiling throws `DEVICE_MISSING` where the device is not there or cannot run the whole graph.
 */
export function createEngine({ threads, device = "cpu", precision = "float32" }: EngineOptions): Engine {
  invariant(precision === "float32" || threads === 1, "bfloat16 runs on engines of one thread, side by side");
  const native = device === "cpu" && threads === 1 ? createNativeEngine(precision) : undefined;
  let onnx: Engine | undefined;
  return {
    threads,
    compile: async (graph) => {
      await requirePrecision(precision, device);
      if (native !== undefined && (await cpuKernels()).kernels === "native") return native.compile(graph);
      const { createOnnxEngine } = await import("./onnx-engine.ts");
      onnx ??= createOnnxEngine(threads, device);
      return onnx.compile(graph);
    },
  };
}
