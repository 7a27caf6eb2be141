// The process that tries one provider: a small graph of every kind of op against the CPU, then a large product against the clock.

import os from "node:os";
import { messageOf } from "../base/errors.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { input, type Graph } from "../graph/node.ts";
import { gemm, matmul } from "../graph/ops/contract.ts";
import { rmsNorm, rotate } from "../graph/ops/decoder.ts";
import { add, mul, sigmoid } from "../graph/ops/elementwise.ts";
import { gatherRows, pick } from "../graph/ops/index.ts";
import { reshape, transpose } from "../graph/ops/move.ts";
import { total } from "../graph/ops/reduce.ts";
import { logSoftmax, softmax } from "../graph/ops/rowwise.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import type { Device } from "./device.ts";
import type { Engine } from "./engine.ts";
import { createEngine } from "./create-engine.ts";
import type { ProbeOutcome } from "./providers.ts";

/** Rows, width, vocabulary of the small graph. */
const [T, D, V] = [16, 32, 24];

/** A decoder's kinds of work in small, forward and backward. */
function smallGraph(): Graph {
  const ids = input("ids", [T], "int32");
  const table = input("table", [V, D]);
  const norm = input("norm", [D]);
  const mix = input("mix", [D, D]);
  const positions = input("positions", [1, T], "int32");
  const [cos, sin] = [input("cos", [T, D / 4]), input("sin", [T, D / 4])];
  const x = rmsNorm(gatherRows(table, ids), norm, 1e-6);
  const projected = gemm(x, mix, { transB: true });
  const turned = reshape(rotate(reshape(projected, [1, T, D]), cos, sin, positions, 2), [T, 2, D / 2]);
  const heads = transpose(turned, [1, 0, 2]);
  const weights = softmax(matmul(heads, heads, { transB: true, scale: 0.25 }));
  const mixed = reshape(transpose(matmul(weights, heads), [1, 0, 2]), [T, D]);
  const gated = add(x, mul(mixed, sigmoid(projected)));
  const logProb = pick(logSoftmax(gemm(gated, table, { transB: true })), ids);
  const loss = total(mul(logProb, logProb));
  const [toTable, toNorm, toMix] = gradients(loss, [table, norm, mix]);
  return graphOf({ logProb, toTable: toTable!, toNorm: toNorm!, toMix: toMix! });
}

/** Numbers of no pattern, the same every time. */
function filledInputs(graph: Graph): Record<string, TensorData> {
  let state = 12345;
  const next = (): number => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const dataOf = (count: number, type: string): TensorData =>
    type === "int32"
      ? Int32Array.from({ length: count }, (_, i) => (i * 7) % T)
      : Float32Array.from({ length: count }, () => next() - 0.5);
  return Object.fromEntries(
    Object.entries(graph.inputs).map(([name, { shape, type }]) => [name, dataOf(sizeOf(shape), type)]),
  );
}

async function resultsOn(engine: Engine, graph: Graph): Promise<Record<string, Float32Array>> {
  const outputs = Object.fromEntries(
    Object.entries(graph.outputs).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
  );
  const program = await engine.compile(graph);
  await program.run(filledInputs(graph), outputs);
  await program.dispose();
  return outputs;
}

/** The largest difference of an output's numbers, relative to the output's largest number. */
function worstDifference(
  wanted: Readonly<Record<string, Float32Array>>,
  got: Readonly<Record<string, Float32Array>>,
): number {
  const each = Object.entries(wanted).map(([name, numbers]) => {
    const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // A NaN makes the whole NaN, which no bound accepts.
    return numbers.reduce((most, value, i) => Math.max(most, Math.abs(value - got[name]![i]!)), 0) / largest;
  });
  return each.reduce((most, value) => Math.max(most, value), 0);
}

const SIDE = 1024;

/** GFLOP/s of a square product, copies to and from the device included; the best of a few. */
async function productSpeed(engine: Engine): Promise<number> {
  const graph = graphOf({ product: gemm(input("a", [SIDE, SIDE]), input("b", [SIDE, SIDE]), { transB: true }) });
  const program = await engine.compile(graph);
  const inputs = filledInputs(graph);
  const outputs = { product: new Float32Array(SIDE * SIDE) };
  let quickest = Infinity;
  const until = performance.now() + 1000;
  for (let round = 0; round < 8 && (round < 2 || performance.now() < until); round++) {
    const started = performance.now();
    await program.run(inputs, outputs);
    quickest = Math.min(quickest, performance.now() - started);
  }
  await program.dispose();
  return (2 * SIDE ** 3) / quickest / 1e6;
}

async function probe(device: Device): Promise<ProbeOutcome> {
  try {
    const engine = createEngine({ threads: os.availableParallelism(), device });
    const graph = smallGraph();
    const wanted = await resultsOn(createEngine({ threads: 1 }), graph);
    // Gradients of look-ups are for one thread, on the CPU as in training.
    const worst = worstDifference(wanted, await resultsOn(createEngine({ threads: 1, device }), graph));
    return { kind: "measured", worst, gflops: await productSpeed(engine) };
  } catch (thrown) {
    const { cause } = thrown as { readonly cause?: unknown };
    return { kind: "failed", message: messageOf(cause ?? thrown) };
  }
}

process.stdout.write(`\n${JSON.stringify(await probe(process.argv[2] as Device))}\n`);
