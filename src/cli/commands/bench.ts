// `swarr bench`: speed, memory and scaling on this machine.

import type { Command } from "commander";
import type { BenchResult } from "../../bench/run.ts";
import type { CommandModule } from "../command.ts";
import { wholeNumber } from "../flags.ts";
import { JSON_FLAG, note, printResult } from "../output.ts";

interface BenchFlags {
  readonly rounds: number;
  readonly configs: string;
  readonly longestContext: number;
  readonly python: string;
  readonly json?: boolean;
}

export const benchCommand: CommandModule = {
  name: "bench",
  summary: "speed, memory and scaling on this machine",
  example: "swarr bench --configs S --longest-context 4096",
  register(program: Command): void {
    program
      .command("bench")
      .description(
        "Measures the engine's own matrix product, training (S, M, L), sampling at 64 and 256 sequences, and the cost of a\n" +
          "token against context length, windowed and full. Medians of interleaved rounds; every memory figure comes from a\n" +
          "process of its own. docs/performance.md says what is counted.",
      )
      .option("--rounds <N>", "timed rounds of each measurement", wholeNumber(1), 5)
      .option("--configs <list>", "of S, M, L", "S,M,L")
      .option("--longest-context <N>", "0 leaves the contexts out", wholeNumber(0), 32768)
      .option("--python <command>", "its NumPy's BLAS is measured beside the engine, where it has one", "python3")
      .option(...JSON_FLAG)
      .action(bench);
  },
};

async function bench(flags: BenchFlags): Promise<void> {
  const { runBench } = await import("../../bench/run.ts");
  const { BENCH_NAMES } = await import("../../bench/configs.ts");
  const { SwarrError } = await import("../../base/errors.ts");
  const { withInterrupt } = await import("../interrupt.ts");
  const wanted = flags.configs.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !BENCH_NAMES.some((known) => known === name));
  if (unknown !== undefined) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `--configs names "${unknown}".`,
      expected: `some of ${BENCH_NAMES.join(", ")}.`,
      fix: "Write it like --configs S,M.",
    });
  }
  const configs = BENCH_NAMES.filter((name) => wanted.includes(name));
  const { rounds, longestContext, python } = flags;
  const result = await withInterrupt("Start it again; nothing is kept.", (signal) =>
    runBench({ rounds, configs, longestContext, python, signal, onProgress: note }),
  );
  printResult(flags.json, result, () => table(result));
}

const QUICKER_WAYS =
  "  Speeds count 2mnk operations a product. The product above does them all, as float32; training multiplies in quicker ways where there are any (docs/numerics.md).";

function table({ kernels, sgemmGflops, nativeBlas, threads, train, sample, context }: BenchResult): string {
  const mebibytes = (bytes: number | null): string => (bytes === null ? "-" : `${Math.round(bytes / 2 ** 20)} MiB`);
  return [
    `matrix product, best 1024-row shape: ${sgemmGflops.toFixed(0)} GFLOP/s on ${threads} threads; training and sampling by ${kernels} kernels`,
    nativeBlas.gflops === null
      ? `native BLAS: not measured, ${nativeBlas.reason}`
      : `native BLAS: ${nativeBlas.gflops.toFixed(0)} GFLOP/s (${nativeBlas.library}), of which the engine reaches ${nativeBlas.engineFraction.toFixed(2)}`,
    "",
    "training        tokens/s   GFLOP/s   of sgemm   tokens/s in bfloat16   peak memory",
    ...Object.entries(train).map(
      ([name, { tokensPerSecond, gflops, fractionOfSgemm, bfloat16, peakRssBytes }]) =>
        `  ${name}      ${tokensPerSecond.toFixed(0).padStart(14)}${gflops.toFixed(1).padStart(10)}${fractionOfSgemm.toFixed(2).padStart(11)}${(bfloat16?.tokensPerSecond.toFixed(0) ?? "-").padStart(23)}   ${mebibytes(peakRssBytes)}`,
    ),
    ...(kernels === "onnxruntime" ? [] : [QUICKER_WAYS]),
    "",
    "sampling        tokens/s",
    ...sample.map(
      ({ config, sequences, tokensPerSecond }) =>
        `  ${config} x ${String(sequences).padEnd(4)}${tokensPerSecond.toFixed(0).padStart(14)}`,
    ),
    "",
    "context, S      ms a token   peak memory",
    ...context.map(
      ({ mode, attention, tokens, millisecondsPerToken, peakRssBytes, reason }) =>
        `  ${mode.padEnd(7)}${attention.padEnd(9)}${String(tokens).padStart(6)}  ` +
        (millisecondsPerToken === null
          ? `left out: ${reason ?? ""}`
          : `${millisecondsPerToken.toFixed(4)}   ${mebibytes(peakRssBytes)}`),
    ),
  ].join("\n");
}
