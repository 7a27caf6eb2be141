// The engine over our own machine code: one thread, everything a run needs in one call.

import type { Products } from "../native/gemm-shape.ts";
import { secondCacheBytes } from "../native/features.ts";
import type { InstructionSet } from "../native/instruction-set.ts";
import type { NativeProgram, Workspace } from "../native/native-program.ts";
import type { Graph } from "../graph/node.ts";
import { checkGraph } from "../graph/check.ts";
import type { CompileOptions, Engine, Program } from "./engine.ts";
import type { Precision } from "./precision.ts";

/** An engine for one thread; see `cpuKernels` for where it can be had. Its programs share the memory they compute in. */
export function createNativeEngine(set: InstructionSet, precision: Precision = "float32"): Engine {
  let workspace: Workspace | undefined;
  return {
    threads: 1,
    compile: async (graph: Graph, options: CompileOptions = {}): Promise<Program> => {
      checkGraph(graph);
      const native = await import("../native/native-program.ts");
      workspace ??= new native.Workspace();
      const products = productsIn(precision, options);
      const secondCache = secondCacheBytes();
      return asProgram(new native.NativeProgram(graph, workspace, { set, products, secondCache }));
    },
  };
}

function productsIn(precision: Precision, { quickestProducts = false }: CompileOptions): Products {
  if (precision === "bfloat16") return "bfloat16";
  return precision === "float32" && quickestProducts ? "quickest" : "plain";
}

function asProgram(native: NativeProgram): Program {
  return {
    run: async (inputs, outputs) => {
      native.run(inputs, outputs);
      // A turn of the event loop between runs, so that signals and messages are seen.
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
    dispose: async () => native.dispose(),
  };
}
