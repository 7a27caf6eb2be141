// The gradient of the whole model against float64, and packed rows against rows of one sequence.

import { afterAll, describe, expect, it } from "vitest";
import { cpuKernels } from "../../src/engine/cpu-kernels.ts";
import { createEngine } from "../../src/engine/create-engine.ts";
import { graphOf } from "../../src/graph/check.ts";
import { interpret } from "../../src/graph/interpret.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { SequenceInputs } from "../../src/model/sequence.ts";
import { viewArrays, viewsOf } from "../../src/model/views.ts";
import { withWindow } from "../../src/model/window.ts";
import type { TensorData, Weights } from "../../src/tensor/tensor.ts";
import { parametersOf } from "../../src/model/parameters.ts";
import { newNumbers } from "../../src/replicas/shared-state.ts";
import { packSequences, unpackResponses, type PackSequence, type PackShape } from "../../src/tokens/pack.ts";
import { crossEntropy } from "../../src/train/token-loss.ts";
import { createAccumulator, trainOutputs, type Accumulator } from "../../src/train/step.ts";
import { expectClose } from "../support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../support/tiny-model.ts";
import { tolerances } from "../support/tolerances.ts";

const engine = createEngine({ threads: 1 });
const owned: { dispose(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of owned) await each.dispose();
});

function accumulatorOf(config: ModelConfig, on = engine, sums = newNumbers(parametersOf(config))): Accumulator {
  const accumulator = createAccumulator({
    engine: on,
    config,
    weights: tinyWeights(config),
    sums,
    loss: crossEntropy,
    entropy: true,
  });
  owned.push(accumulator);
  return accumulator;
}

function sequencesOf(lengths: readonly number[]): PackSequence[] {
  return lengths.map((length, i) => ({ ids: tinyIds(length, 70 + i), promptLength: 1 + (i % 4) }));
}

/** The log-probs of every sequence's response, scored packed. */
async function scored(
  accumulator: Accumulator,
  sequences: readonly PackSequence[],
  shape: PackShape,
): Promise<readonly Float32Array[]> {
  const packed = packSequences(sequences, shape);
  const results: Float32Array[] = [];
  for (const batch of packed.microbatches) {
    const { logProb } = await accumulator.score({ ...batch, shape: { rows: batch.rows, tokens: batch.rowTokens } });
    results.push(logProb.slice());
  }
  return unpackResponses(packed, results);
}

const CONFIGS: readonly (readonly [string, ModelConfig])[] = [
  ["windowed", withWindow(tinyConfig(), 5)],
  ["in blocks of 17", withWindow(tinyConfig({ queryKeyValueBias: true, tiedHead: true }), 17)],
  ["full and sliding layers", tinyConfig({ windows: [null, 6], queryKeyNorm: true })],
];

describe("the gradient of the whole model", () => {
  it.each(CONFIGS)("is what central differences of the float64 loss give (%s)", (_, config) => {
    const shape = { rows: 1, tokens: 24 };
    const weights = tinyWeights(config);
    const packed = packSequences(sequencesOf([14, 9]), { rowTokens: 24, rowsPerMicrobatch: 1, padId: 0 });
    const batch = packed.microbatches[0]!;
    const outputs = trainOutputs(config, shape, crossEntropy, true);
    const inputs = new SequenceInputs(config, shape);
    inputs.fill(batch);
    const zeros: Weights = new Map([...weights].map(([name, data]) => [name, new Float32Array(data.length)]));
    const given = (point: Readonly<Record<string, TensorData>>): Record<string, Float64Array> =>
      Object.fromEntries(
        Object.entries({
          ...inputs.arrays,
          ...point,
          ...viewArrays(viewsOf(config), zeros, "sum."),
          weight: batch.weight,
        })
          // The interpreter takes any numbers; weights beyond float32 are what central differences need.
          .map(([name, data]) => [name, Float64Array.from(data)]),
      );
    const point = viewArrays(viewsOf(config), weights);
    const exact = given(point);
    const graph = graphOf(outputs);
    const found = interpret(graph, exact);
    const lossGraph = graphOf({ logProb: outputs["logProb"]! });
    const lossAt = (name: string, index: number, value: number): number => {
      const moved = exact[name]!.slice();
      moved[index] = value;
      const { logProb } = interpret(lossGraph, { ...exact, [name]: moved });
      return -logProb!.reduce((sum, x, i) => sum + batch.weight[i]! * x, 0);
    };
    const h = 1e-5;
    for (const name of Object.keys(point)) {
      const gradient = found[`grad.${name}`]!;
      // The steepest entry and two fixed ones: each a term of every rule on the way down.
      const steepest = gradient.reduce((best, g, i) => (Math.abs(g) > Math.abs(gradient[best]!) ? i : best), 0);
      for (const index of new Set([steepest, 0, gradient.length - 1])) {
        const at = exact[name]![index]!;
        const numeric = (lossAt(name, index, at + h) - lossAt(name, index, at - h)) / (2 * h);
        expectClose([gradient[index]!], [numeric], tolerances.gradient64, `${name}[${index}]`);
      }
    }
  });

  it.each(CONFIGS)("is the same on the engine as in float64, added to what was there (%s)", async (_, config) => {
    const shape = { rows: 2, tokens: 24 };
    const weights = tinyWeights(config);
    const sums: Weights = new Map([...weights].map(([name, data]) => [name, data.map((x) => 0.5 * x)]));
    const batch = packSequences(sequencesOf([14, 9, 20]), { rowTokens: 24, rowsPerMicrobatch: 2, padId: 0 })
      .microbatches[0]!;
    const inputs = new SequenceInputs(config, shape);
    inputs.fill(batch);
    const views = viewsOf(config);
    const graph = graphOf(trainOutputs(config, shape, crossEntropy, true));
    const given = {
      ...inputs.arrays,
      ...viewArrays(views, weights),
      ...viewArrays(views, sums, "sum."),
      weight: batch.weight,
    };
    const wanted = interpret(graph, given);
    const program = await engine.compile(graph);
    owned.push(program);
    const outputs = Object.fromEntries(
      Object.entries(wanted).map(([name, data]) => [name, new Float32Array(data.length)]),
    );
    await program.run(given, outputs);
    for (const [name, data] of Object.entries(outputs)) expectClose(data, wanted[name]!, tolerances.gradient32, name);
  });
});

describe("a packed row", () => {
  const sequences = sequencesOf([21, 8, 13, 30, 5, 17, 9, 26]);
  const whole = { rowTokens: 32, rowsPerMicrobatch: 6, padId: 0 };

  it.each(CONFIGS)("gives each token the log-prob it has in a row of its own (%s)", async (_, config) => {
    const accumulator = accumulatorOf(config);
    const together = await scored(accumulator, sequences, whole);
    for (const [i, sequence] of sequences.entries()) {
      const own = { rowTokens: sequence.ids.length, rowsPerMicrobatch: 1, padId: 0 };
      const [alone] = await scored(accumulator, [sequence], own);
      expectClose(together[i]!, alone!, tolerances.logProb32, `sequence ${i}`);
    }
  });
});

describe("the gradient of a wide model", () => {
  it("comes of quicker products where kernels have any, close to that of plain ones", async () => {
    const config = tinyConfig({ width: 512, feedForwardWidth: 512, headWidth: 128, layerCount: 1 });
    const shape = { rows: 1, tokens: 512 };
    const packed = packSequences(sequencesOf([512]), { rowTokens: 512, rowsPerMicrobatch: 1, padId: 0 });
    const batch = packed.microbatches[0]!;
    const [quickest, plain] = await Promise.all(
      (["float32", "float32-plain"] as const).map(async (precision) => {
        const sums = newNumbers(parametersOf(config));
        const accumulator = accumulatorOf(config, createEngine({ threads: 1, precision }), sums);
        await accumulator.accumulate({ ...batch, shape, extras: { weight: batch.weight } });
        return sums;
      }),
    );
    let [apart, size] = [0, 0];
    for (const [name, sum] of plain!) {
      sum.forEach((value, i) => (apart += (value - quickest!.get(name)![i]!) ** 2));
      size += sum.reduce((total, value) => total + value ** 2, 0);
    }
    expect(apart > 0).toBe(["amx", "avx2"].includes((await cpuKernels()).kernels));
    // Seen: 2.4e-5 in AVX2, 1.4e-5 in AMX. A quarter that is lost gives 0.1 and more.
    expect(Math.sqrt(apart / size)).toBeLessThan(2e-4);
  });
});
