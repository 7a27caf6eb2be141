// What the engine's own matrix product reaches: the yardstick of training speed.

import { builtNeighbour } from "../base/built-file.ts";
import { createEngine } from "../engine/onnx-engine.ts";
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
  /** one timed round; @returns GFLOP/s of all threads together */
  round(): Promise<number>;
  dispose(): Promise<void>;
}

/** A product [m, k] x [n, k]ᵀ on one thread, repeated. @returns GFLOP/s */
export async function openSgemm({ m, n, k }: SgemmShape, threads: number): Promise<SgemmBench> {
  const product = gemm(input("a", [m, k]), input("b", [n, k]), { transB: true });
  const program = await createEngine({ threads }).compile(graphOf({ product }));
  const inputs = { a: new Float32Array(m * k).fill(0.5), b: new Float32Array(n * k).fill(0.25) };
  const outputs = { product: new Float32Array(m * n) };
  const repeats = Math.max(1, Math.round(4e9 / (2 * m * n * k)));
  return {
    round: async () => {
      const started = performance.now();
      for (let i = 0; i < repeats; i++) await program.run(inputs, outputs);
      return (2 * m * n * k * repeats) / (performance.now() - started) / 1e6;
    },
    dispose: () => program.dispose(),
  };
}

/** The same product on several single-threaded engines side by side, which is how training runs. */
export function openSideBySide(shape: SgemmShape, threads: number): SgemmBench {
  const file = builtNeighbour(import.meta.url, "sgemm-worker");
  const workers = Array.from({ length: threads }, () => new Worker(file, { workerData: shape }));
  const ask = (worker: Worker): Promise<number> =>
    new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (gflops: number) => {
        worker.off("error", reject);
        resolve(gflops);
      });
      worker.postMessage("round");
    });
  return {
    round: async () => (await Promise.all(workers.map(ask))).reduce((sum, gflops) => sum + gflops, 0),
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
