// The one door to engines: a device, and a number of threads.

import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { nodesInOrder, type Graph } from "../graph/node.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { instructionsOf, kernelsOn } from "./cpu-kernels.ts";
import type { Device } from "./device.ts";
import type { Engine } from "./engine.ts";
import { createNativeEngine } from "./native-engine.ts";
import { requirePrecision, type Precision } from "./precision.ts";

export interface EngineOptions {
  /** inside one operation on the CPU; 1 where several engines run side by side */
  readonly threads: number;
  /** cpu when left out */
  readonly device?: Device;
  /** of linear maps; float32 when left out */
  readonly precision?: Precision;
}

/** Native kernels step through a value by 32 bits; a program with a larger one, such as the scores of 32k tokens in full attention, is ONNX Runtime's. */
const LARGEST_NATIVE = 2 ** 31;

/** Of the largest value a graph holds. */
function largestBytes({ outputs }: Graph): number {
  return nodesInOrder(Object.values(outputs)).reduce((most, { shape }) => Math.max(most, 4 * sizeOf(shape)), 0);
}

function tooLarge(bytes: number, precision: Precision): SwarrError {
  return new SwarrError("DEVICE_MISSING", {
    what: `A value of this program takes ${(bytes / 2 ** 30).toFixed(1)} GiB; precision is ${precision}, which native kernels alone have.`,
    expected: "values below 2 GiB each, which is what they step through.",
    fix: "Set precision: float32, or give fewer or shorter sequences at a time.",
  });
}

/**
 * An engine on one device. A program is a static shape: compile once for each shape in use.
 *
 * On the CPU a single thread runs our own machine code where `cpuKernels` finds that it can; everything else is ONNX
 * Runtime. Compiling throws `DEVICE_MISSING` where the device is not there or cannot run the whole graph.
 */
export function createEngine({ threads, device = "cpu", precision = "float32" }: EngineOptions): Engine {
  invariant(precision !== "bfloat16" || threads === 1, "bfloat16 runs on engines of one thread, side by side");
  let native: Engine | undefined;
  let onnx: Engine | undefined;
  return {
    threads,
    compile: async (graph, options) => {
      await requirePrecision(precision, device);
      const set = threads === 1 ? instructionsOf(await kernelsOn(device)) : null;
      if (set !== null) {
        const bytes = largestBytes(graph);
        native ??= createNativeEngine(set, precision);
        if (bytes < LARGEST_NATIVE) return native.compile(graph, options);
        if (precision === "bfloat16") throw tooLarge(bytes, precision);
      }
      const { createOnnxEngine } = await import("./onnx-engine.ts");
      onnx ??= createOnnxEngine(threads, device);
      return onnx.compile(graph, options);
    },
  };
}
