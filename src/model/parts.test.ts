// Long rows that go through layers in parts against the same rows at once, in float64: values, gradients, keys and values for a cache.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
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

/** Rows of two segments each, whose border lies in the middle of a block. */
function computed(
  config: ModelConfig,
  tokens: number,
  outputs: Record<string, GraphNode>,
): Record<string, Float64Array> {
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
  const seen = Float64Array.from(within, (_, i) => Math.sin(1.7 * i));
  const weights = viewArrays(viewsOf(config), tinyWeights(config));
  return interpret(graphOf(outputs), { ...inputs.arrays, seen, ...weights });
}

const FAMILIES: readonly (readonly [string, Partial<ModelConfig>])[] = [
  ["a window below a block", { windows: [5, 5] }],
  ["a window of one token, which sees nothing of another part", { windows: [1, 1] }],
  ["a window of a block and more", { windows: [19, 19] }],
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

it("keeps rows of full attention, and rows of at most two parts, in one piece", () => {
  const whole = [{ start: 0, end: 3 * 2000, goesOn: false }];
  expect(rowParts(attentionBlocks(2000, null), 3, 2000, PART_TOKENS)).toEqual(whole);
  const tokens = 2 * PART_TOKENS;
  expect(rowParts(attentionBlocks(tokens, 32), 1, tokens, PART_TOKENS)).toHaveLength(1);
});
