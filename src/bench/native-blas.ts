// What a native BLAS reaches on this machine: NumPy's, where a Python with NumPy is at hand. For comparison only; nothing else here needs Python.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { median, settled } from "./median.ts";
import type { SgemmBench, SgemmShape } from "./sgemm.ts";

/** Where one is present, what it reaches; else null and why. */
export type NativeBlas =
  | {
      readonly gflops: number;
      /** the engine's product of the same shape, round by round, over the library's; the median */
      readonly engineFraction: number;
      readonly library: string;
    }
  | { readonly gflops: null; readonly reason: string };

/** What it is measured beside. */
export interface Beside {
  readonly product: SgemmBench;
  readonly threads: number;
  readonly rounds: number;
  readonly signal: AbortSignal;
}

const ROUND_MS = 500;

/** The library and the engine in turn at the same product. @param python  the command of an interpreter */
export async function nativeBlas(python: string, { product, threads, rounds, signal }: Beside): Promise<NativeBlas> {
  const blas = await openNativeBlas(python, threads);
  if (typeof blas === "string") return { gflops: null, reason: blas };
  const reached: number[] = [];
  const fractions: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      await settled();
      const engine = await product.round(ROUND_MS);
      await settled();
      const library = await blas.round(product.shape, ROUND_MS);
      reached.push(library);
      fractions.push(engine / library);
    }
  } finally {
    blas.dispose();
  }
  return { gflops: median(reached), engineFraction: median(fractions), library: blas.library };
}

interface NativeBlasBench {
  readonly library: string;
  /** Repeats a product for about so many milliseconds. @returns GFLOP/s of all threads together */
  round(shape: SgemmShape, milliseconds: number): Promise<number>;
  dispose(): void;
}

/** Answers each line, a shape and a time, with GFLOP/s; the first line it writes is the library's name. */
const PROGRAM = `
import json, sys, time
import numpy
blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
print(json.dumps(f"{blas['name']} {blas['version']} of NumPy {numpy.__version__}"), flush=True)
for line in sys.stdin:
    m, n, k, seconds = json.loads(line)
    a = numpy.full((m, k), 0.5, numpy.float32)
    b = numpy.full((n, k), 0.25, numpy.float32)
    c = numpy.empty((m, n), numpy.float32)
    numpy.matmul(a, b.T, out=c)
    products, started, elapsed = 0, time.perf_counter(), 0.0
    while elapsed < seconds:
        numpy.matmul(a, b.T, out=c)
        products += 1
        elapsed = time.perf_counter() - started
    print(2e-9 * m * n * k * products / elapsed, flush=True)
`;

const LONGEST_START_MS = 30_000;

/** @returns the open bench, or one sentence: why there is none */
async function openNativeBlas(python: string, threads: number): Promise<NativeBlasBench | string> {
  const count = String(threads);
  const child = spawn(python, ["-c", PROGRAM], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count },
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  // A broken pipe shows as the end of the answers.
  child.stdin.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.on("error", ({ message }) => resolve(message));
    child.on("close", () => resolve(errors.trim().split("\n").at(-1) || "it ended early"));
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => {
    const line = await lines.next();
    return line.done === true ? undefined : line.value;
  };
  const timer = setTimeout(() => child.kill(), LONGEST_START_MS);
  const name = await next();
  clearTimeout(timer);
  if (name === undefined) return `"${python}" has no NumPy that tells its BLAS: ${await ended}`;
  return {
    library: JSON.parse(name) as string,
    round: async ({ m, n, k }, milliseconds) => {
      child.stdin.write(`${JSON.stringify([m, n, k, milliseconds / 1000])}\n`);
      const line = await next();
      if (line === undefined) throw new Error(`The native BLAS's process ended: ${await ended}`);
      return Number(line);
    },
    dispose: () => child.kill(),
  };
}
