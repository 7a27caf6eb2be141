// What the engine's own matrix product reaches: the yardstick of training speed.

import { builtNeighbour } from "../base/built-file.ts";
import { createEngine } from "../engine/create-engine.ts";
import { graphOf } from "../graph/check.ts";
import { input } from "../graph/node.ts";
import { gemm } from "../graph/ops/contract.ts";
import { Worker } from "node:worker_threads";

export interface SgemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface SgemmBench {
  readonly shape: SgemmShape;
  /** Repeats the product for about so many milliseconds. @returns GFLOP/s of all threads together */
  round(milliseconds: number): Promise<number>;
  dispose(): Promise<void>;
}

/** A product [m, k] x [n, k]ᵀ by one engine, with all the 2mnk operations that are counted. */
export async function openSgemm(shape: SgemmShape, threads: number): Promise<SgemmBench> {
  const { m, n, k } = shape;
  const product = gemm(input("a", [m, k]), input("b", [n, k]), { transB: true });
  const program = await createEngine({ threads }).compile(graphOf({ product }));
  const inputs = { a: new Float32Array(m * k).fill(0.5), b: new Float32Array(n * k).fill(0.25) };
  const outputs = { product: new Float32Array(m * n) };
  return {
    shape,
    round: async (milliseconds) => {
      const started = performance.now();
      let [products, elapsed] = [0, 0];
      while (elapsed < milliseconds) {
        await program.run(inputs, outputs);
        products += 1;
        elapsed = performance.now() - started;
      }
      return (2 * m * n * k * products) / elapsed / 1e6;
    },
    dispose: () => program.dispose(),
  };
}

/** The same product on several single-threaded engines side by side, which is how training runs. */
export function openSideBySide(shape: SgemmShape, threads: number): SgemmBench {
  const file = builtNeighbour(import.meta.url, "sgemm-worker");
  const workers = Array.from({ length: threads }, () => new Worker(file, { workerData: shape }));
  const ask = (worker: Worker, milliseconds: number): Promise<number> =>
    new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (gflops: number) => {
        worker.off("error", reject);
        resolve(gflops);
      });
      worker.postMessage(milliseconds);
    });
  return {
    shape,
    round: async (milliseconds) => {
      const reached = await Promise.all(workers.map((worker) => ask(worker, milliseconds)));
      return reached.reduce((sum, gflops) => sum + gflops, 0);
    },
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
