// The whole bench: interleaved rounds in this process, memory in children.

import os from "node:os";
import { cpuKernels, type CpuKernels } from "../engine/cpu-kernels.ts";
import { whyNotPrecision } from "../engine/precision.ts";
import { benchShape, type BenchName } from "./configs.ts";
import { contextFigures, type ContextFigures } from "./contexts.ts";
import { inChild } from "./in-child.ts";
import { median, settled, timed } from "./median.ts";
import { nativeBlas, type NativeBlas } from "./native-blas.ts";
import { openSampleBench } from "./sample-speed.ts";
import { openSgemm, openSideBySide, type SgemmBench, type SgemmShape } from "./sgemm.ts";
import { openTrainBench } from "./train-speed.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly configs: readonly BenchName[];
  /** longest context measured; 0 leaves the contexts out */
  readonly longestContext: number;
  /** the command of a Python whose NumPy brings a native BLAS */
  readonly python: string;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface TrainFigures {
  readonly tokensPerSecond: number;
  readonly gflops: number;
  /** of the product timed right after each step; the median of these pairs */
  readonly fractionOfSgemm: number;
  readonly peakRssBytes: number;
  /** the same steps with the factors of linear maps in bfloat16; null where the processor does not multiply so */
  readonly bfloat16: { readonly tokensPerSecond: number; readonly gflops: number } | null;
}

export interface BenchResult {
  /** of training and sampling: one engine a core */
  readonly kernels: CpuKernels;
  /** of the plain product, all 2mnk operations of it */
  readonly sgemmGflops: number;
  readonly nativeBlas: NativeBlas;
  readonly threads: number;
  readonly train: Readonly<Partial<Record<BenchName, TrainFigures>>>;
  readonly sample: readonly {
    readonly config: BenchName;
    readonly sequences: number;
    readonly tokensPerSecond: number;
  }[];
  readonly context: readonly ContextFigures[];
}

export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const threads = os.availableParallelism();
  const { kernels } = await cpuKernels();
  const train: Partial<Record<BenchName, TrainFigures>> = {};
  let best = 0;
  for (const name of options.configs) {
    options.onProgress(`training ${name}, beside the engine's own matrix product`);
    const { sgemm, ...speed } = await trainSpeed(name, threads, options);
    best = Math.max(best, sgemm);
    const { peakRssBytes } = await inChild({ kind: "step", config: name, threads });
    train[name] = { ...speed, peakRssBytes, bfloat16: await bfloat16Speed(name, threads, options) };
  }
  const sample = [];
  for (const config of options.configs) {
    if (config === "L") continue;
    for (const sequences of [64, 256]) {
      options.onProgress(`sampling ${config}, ${sequences} sequences`);
      sample.push({ config, sequences, tokensPerSecond: await sampleSpeed(config, sequences, threads, options) });
    }
  }
  const blas = await blasFigures(threads, options);
  const context = await contextFigures(options);
  return { kernels, sgemmGflops: best, nativeBlas: blas, threads, train, sample, context };
}

/** At the best product of the largest shape measured. */
async function blasFigures(threads: number, options: BenchOptions): Promise<NativeBlas> {
  options.onProgress(`the native BLAS of "${options.python}", beside the engine's product`);
  const { rounds, signal } = options;
  const product = await bestProduct(await sgemmCandidates(options.configs.at(-1)!, threads), rounds);
  try {
    return await nativeBlas(options.python, { product, threads, rounds, signal });
  } finally {
    await product.dispose();
  }
}

/** Of the rounds that tell which product is the best. */
const TRIAL_MS = 50;
const LONGEST_ROUND_MS = 2000;
/** Of steps in a round, about: short ones are repeated, as the machine's speed changes from second to second. */
const STEPS_MS = 1500;

/** A training step and the best product in turn, for as long as the step took, so that both meet the same machine. */
async function trainSpeed(
  name: BenchName,
  threads: number,
  { rounds, signal }: BenchOptions,
): Promise<Omit<TrainFigures, "peakRssBytes" | "bfloat16"> & { sgemm: number }> {
  const bench = await openTrainBench(benchShape(name), threads);
  const product = await bestProduct(await sgemmCandidates(name, threads), rounds);
  const steps: number[] = [];
  const reached: number[] = [];
  try {
    await bench.step();
    const repeats = Math.max(1, Math.round(STEPS_MS / (await timed(() => bench.step()))));
    for (let pair = 0; pair < rounds * repeats; pair++) {
      signal.throwIfAborted();
      await settled();
      const milliseconds = await timed(() => bench.step());
      steps.push(milliseconds);
      reached.push(await product.round(Math.min(milliseconds, LONGEST_ROUND_MS)));
    }
  } finally {
    await bench.dispose();
    await product.dispose();
  }
  const speeds = steps.map((milliseconds) => bench.flopsPerStep / milliseconds / 1e6);
  return {
    gflops: median(speeds),
    tokensPerSecond: (1000 * bench.tokensPerStep) / median(steps),
    fractionOfSgemm: median(speeds.map((gflops, pair) => gflops / reached[pair]!)),
    sgemm: median(reached),
  };
}

async function bfloat16Speed(
  name: BenchName,
  threads: number,
  { rounds, signal }: BenchOptions,
): Promise<TrainFigures["bfloat16"]> {
  if ((await whyNotPrecision("bfloat16", "cpu")) !== null) return null;
  const bench = await openTrainBench(benchShape(name), threads, { precision: "bfloat16" });
  const steps: number[] = [];
  try {
    await bench.step();
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      await settled();
      steps.push(await timed(() => bench.step()));
    }
  } finally {
    await bench.dispose();
  }
  const milliseconds = median(steps);
  return {
    tokensPerSecond: (1000 * bench.tokensPerStep) / milliseconds,
    gflops: bench.flopsPerStep / milliseconds / 1e6,
  };
}

/** By the medians of short rounds in turn, after one that warms up; the others are disposed of. */
async function bestProduct(products: readonly SgemmBench[], rounds: number): Promise<SgemmBench> {
  const reached = products.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, product] of products.entries()) {
      const gflops = await product.round(TRIAL_MS);
      if (round > 0) reached[i]!.push(gflops);
    }
  }
  const medians = reached.map(median);
  const best = products[medians.indexOf(Math.max(...medians))]!;
  for (const product of products) if (product !== best) await product.dispose();
  return best;
}

/** 1024 x {d, ff} x {d, ff}: one engine with all threads, and as many single-threaded ones side by side; the best counts. */
async function sgemmCandidates(name: BenchName, threads: number): Promise<readonly SgemmBench[]> {
  const { width: d, feedForwardWidth: ff } = benchShape(name).config;
  const shapes: readonly SgemmShape[] = [d, ff].flatMap((n) => [d, ff].map((k) => ({ m: 1024, n, k })));
  const pooled = await Promise.all(shapes.map((shape) => openSgemm(shape, threads)));
  return threads === 1 ? pooled : [...pooled, ...shapes.map((shape) => openSideBySide(shape, threads))];
}

async function sampleSpeed(
  name: BenchName,
  sequences: number,
  threads: number,
  { rounds, signal }: BenchOptions,
): Promise<number> {
  const bench = await openSampleBench(benchShape(name), sequences, threads);
  const times: number[] = [];
  try {
    await bench.round();
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      times.push(await timed(() => bench.round()));
    }
  } finally {
    await bench.dispose();
  }
  return (1000 * bench.tokens) / median(times);
}
