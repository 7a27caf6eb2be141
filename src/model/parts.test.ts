// Long rows that go through layers in parts against the same rows at once, in float64: values, gradients, keys and values for a cache.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { describeInSets } from "../../test/support/native-kernel.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input, isInput, nameOfInput, nodesInOrder, type Graph, type GraphNode } from "../graph/node.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
import { NativeProgram, Workspace } from "../native/native-program.ts";
import { sizeOf, type TensorData } from "../tensor/tensor.ts";
import { attentionBlocks, PART_TOKENS, rowParts } from "./attention.ts";
import type { ModelConfig } from "./config.ts";
import { SequenceInputs, sequenceModel, type SequenceModel, type SequenceShape } from "./sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "./views.ts";

const ROWS = 2;

function modelOf(config: ModelConfig, shape: SequenceShape, partTokens: number): Record<string, GraphNode> {
  const { nodes, used } = weightInputs(viewsOf(config));
  const { logProb, keys, values }: SequenceModel = sequenceModel(config, nodes, shape, partTokens);
  const sources = [...used];
  const grads = gradients(
    total(mul(logProb, input("seen", logProb.shape))),
    sources.map(([, node]) => node),
  );
  return {
    logProb,
    ...Object.fromEntries(keys.map((node, i) => [`keys.${i}`, node])),
    ...Object.fromEntries(values.map((node, i) => [`values.${i}`, node])),
    ...Object.fromEntries(sources.map(([name], i) => [`grad.${name}`, grads[i]!])),
  };
}

type Run = (graph: Graph, given: Record<string, TensorData>) => Readonly<Record<string, Float32Array | Float64Array>>;

const inFloat64: Run = (graph, given) => interpret(graph, given as Record<string, Float32Array>);

/** What the outputs are for rows of two segments each, whose border lies in the middle of a block. */
function computed(
  config: ModelConfig,
  tokens: number,
  outputs: Record<string, GraphNode>,
  run = inFloat64,
): ReturnType<Run> {
  const shape = { rows: ROWS, tokens };
  const inputs = new SequenceInputs(config, shape);
  const border = Math.floor(0.45 * tokens);
  const within = Array.from({ length: ROWS * tokens }, (_, i) => i % tokens);
  inputs.fill({
    ids: Int32Array.from(tinyIds(ROWS * tokens, 1)),
    positions: Int32Array.from(within, (i) => (i < border ? i : i - border)),
    segmentStart: Int32Array.from(within, (i) => (i < border ? 0 : border)),
    targets: Int32Array.from(tinyIds(ROWS * tokens, 2)),
  });
  const seen = Float32Array.from(within, (_, i) => Math.sin(1.7 * i));
  const weights = viewArrays(viewsOf(config), tinyWeights(config));
  return run(graphOf(outputs), { ...inputs.arrays, seen, ...weights });
}

const FAMILIES: readonly (readonly [string, Partial<ModelConfig>])[] = [
  ["a window below a block", { windows: [5, 5] }],
  ["a window of one token, which sees nothing of another part", { windows: [1, 1] }],
  ["a window that is no power of two", { windows: [19, 19] }],
  ["a window of a whole part", { windows: [32, 32] }],
  ["a window above a part", { windows: [40, 40] }],
  ["a layer of full attention among those that slide", { windows: [16, null, 16], layerCount: 3 }],
  ["biases and head norms", { windows: [16, 16], queryKeyValueBias: true, mlpBias: true, queryKeyNorm: true }],
];

describe.each(FAMILIES)("%s", (_, changes) => {
  const config = tinyConfig(changes);

  it.each([81, 96, 97])("gives in parts what rows of %i tokens give at once", (tokens) => {
    const shape = { rows: ROWS, tokens };
    const [whole, inParts] = [Infinity, 32].map((partTokens) => modelOf(config, shape, partTokens));
    const sizes = (outputs: Record<string, GraphNode>): number => nodesInOrder(Object.values(outputs)).length;
    expect(sizes(inParts!)).toBeGreaterThan(sizes(whole!));
    const wanted = computed(config, tokens, whole!);
    const found = computed(config, tokens, inParts!);
    expect(Object.keys(found)).toContain("grad.layers.1.k");
    for (const [name, data] of Object.entries(wanted)) expectClose(found[name]!, data, tolerances.closedForm64, name);
  });
});

describeInSets("in parts, as machine code", (set) => {
  it("gives what float64 gives at once, and turns one table of sines back for all rotations", () => {
    const config = tinyConfig({ windows: [16, 40] });
    const [whole, inParts] = [Infinity, 32].map((partTokens) =>
      modelOf(config, { rows: ROWS, tokens: 97 }, partTokens),
    );
    const wanted = computed(config, 97, whole!);
    const found = computed(config, 97, inParts!, (graph, given) => {
      const results = Object.entries(graph.outputs).map(
        ([name, { shape }]) => [name, new Float32Array(sizeOf(shape)).fill(NaN)] as const,
      );
      const program = new NativeProgram(graph, new Workspace(), { set });
      program.run(given, Object.fromEntries(results));
      program.dispose();
      return Object.fromEntries(results);
    });
    for (const [name, data] of Object.entries(wanted)) expectClose(found[name]!, data, tolerances.gradient32, name);
    const sines = nodesInOrder(Object.values(inParts!)).filter(
      ({ op, inputs }) => op.name === "neg" && isInput(inputs[0]!) && nameOfInput(inputs[0]!) === "sin",
    );
    expect(sines).toHaveLength(1);
  });
});

it("cuts rows into whole blocks, each row from its start", () => {
  expect(rowParts(attentionBlocks(70, 24), 2, 70, 30)).toEqual([{ start: 0, end: 140, goesOn: false }]);
  expect(rowParts(attentionBlocks(100, 24), 2, 100, 30)).toEqual([
    { start: 0, end: 48, goesOn: false },
    { start: 48, end: 96, goesOn: true },
    { start: 96, end: 100, goesOn: true },
    { start: 100, end: 148, goesOn: false },
    { start: 148, end: 196, goesOn: true },
    { start: 196, end: 200, goesOn: true },
  ]);
});

it("makes the parts of a row about as long as each other", () => {
  const lengths = rowParts(attentionBlocks(1100, 32), 1, 1100, 512).map(({ start, end }) => end - start);
  expect(lengths).toEqual([384, 384, 332]);
});

it("keeps rows of full attention, and rows of at most two parts, in one piece", () => {
  const whole = [{ start: 0, end: 3 * 2000, goesOn: false }];
  expect(rowParts(attentionBlocks(2000, null), 3, 2000, PART_TOKENS)).toEqual(whole);
  const tokens = 2 * PART_TOKENS;
  expect(rowParts(attentionBlocks(tokens, 32), 1, tokens, PART_TOKENS)).toHaveLength(1);
});
