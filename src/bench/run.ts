// The whole bench: interleaved rounds in this process, memory in children.

import os from "node:os";
import { benchShape, type BenchName } from "./configs.ts";
import { contextFigures, type ContextFigures } from "./contexts.ts";
import { inChild } from "./in-child.ts";
import { median, timed } from "./median.ts";
import { openSampleBench } from "./sample-speed.ts";
import { openSgemm, openSideBySide, type SgemmBench, type SgemmShape } from "./sgemm.ts";
import { openTrainBench } from "./train-speed.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly configs: readonly BenchName[];
  /** longest context measured; 0 leaves the contexts out */
  readonly longestContext: number;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface TrainFigures {
  readonly tokensPerSecond: number;
  readonly gflops: number;
  readonly fractionOfSgemm: number;
  readonly peakRssBytes: number;
}

export interface BenchResult {
  readonly sgemmGflops: number;
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
  const train: Partial<Record<BenchName, TrainFigures>> = {};
  let best = 0;
  for (const name of options.configs) {
    options.onProgress(`training ${name}, beside the engine's own matrix product`);
    const { gflops, tokensPerSecond, sgemm } = await trainFigures(name, threads, options);
    best = Math.max(best, sgemm);
    const { peakRssBytes } = await inChild({ kind: "step", config: name, threads });
    train[name] = { tokensPerSecond, gflops, fractionOfSgemm: gflops / sgemm, peakRssBytes };
  }
  const sample = [];
  for (const config of options.configs) {
    if (config === "L") continue;
    for (const sequences of [64, 256]) {
      options.onProgress(`sampling ${config}, ${sequences} sequences`);
      sample.push({ config, sequences, tokensPerSecond: await sampleSpeed(config, sequences, threads, options) });
    }
  }
  return { sgemmGflops: best, threads, train, sample, context: await contextFigures(options) };
}

/** Rounds of a training step and of every candidate product in turn, so that all meet the same machine. */
async function trainFigures(
  name: BenchName,
  threads: number,
  { rounds, signal }: BenchOptions,
): Promise<{ gflops: number; tokensPerSecond: number; sgemm: number }> {
  const bench = openTrainBench(benchShape(name), threads);
  const products = await sgemmCandidates(name, threads);
  const steps: number[] = [];
  const reached = products.map((): number[] => []);
  try {
    await bench.step();
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      steps.push(await timed(() => bench.step()));
      for (const [i, product] of products.entries()) reached[i]!.push(await product.round());
    }
  } finally {
    await bench.dispose();
    for (const product of products) await product.dispose();
  }
  const milliseconds = median(steps);
  return {
    gflops: bench.flopsPerStep / milliseconds / 1e6,
    tokensPerSecond: (1000 * bench.tokensPerStep) / milliseconds,
    sgemm: Math.max(...reached.map(median)),
  };
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
  const bench = openSampleBench(benchShape(name), sequences, threads);
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
