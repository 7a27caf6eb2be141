// Work in chunks against the same work in one piece, values and gradients.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
import { attention, attentionBlocks, type AttentionBlocks } from "./attention.ts";
import { gatedMlp } from "./blocks.ts";
import { inRowChunks } from "./chunks.ts";
import { maskSize, writeMask } from "./mask.ts";
import { viewArrays, viewsOf, weightInputs, type WeightNodes } from "./views.ts";

const config = tinyConfig({ width: 4, feedForwardWidth: 3, headWidth: 2, queryHeadCount: 2, mlpBias: true });

/** The MLP of the first layer over `rows` rows and all gradients, in float64. */
function mlp(rows: number, chunked: boolean): { values: Record<string, Float64Array>; made: GraphNode } {
  const { nodes, used } = weightInputs(viewsOf(config));
  const x = input("x", [rows, config.width]);
  const work = (weights: WeightNodes, part = x): GraphNode => gatedMlp(part, weights, "layers.0", config);
  const made = chunked ? inRowChunks([x], nodes, work) : work(nodes);
  const loss = total(mul(made, input("seen", made.shape)));
  const sources = [["x", x] as const, ...used];
  const grads = gradients(
    loss,
    sources.map(([, node]) => node),
  );
  const numbers = Float64Array.from({ length: rows * config.width }, (_, i) => Math.sin(i * 1.7));
  const graph = graphOf({ made, ...Object.fromEntries(sources.map(([name], i) => [`grad.${name}`, grads[i]!])) });
  const given = { x: numbers, seen: numbers.map(Math.cos), ...viewArrays(viewsOf(config), tinyWeights(config)) };
  return { values: interpret(graph, given), made };
}

it.each([3000, 4096])("gives the values and the gradients of %i rows at once", (rows) => {
  const wanted = mlp(rows, false).values;
  const { values: found } = mlp(rows, true);
  expect(Object.keys(found)).toContain("grad.layers.0.downBias");
  for (const [name, data] of Object.entries(wanted)) expectClose(found[name]!, data, tolerances.closedForm64, name);
});

it("holds no block of activations larger than a chunk of rows", () => {
  const { made } = mlp(4096, true);
  const wide = nodesInOrder([made]).filter(({ shape }) => shape[1] === config.feedForwardWidth && shape.length === 2);
  expect(new Set(wide.map(({ shape, op }) => (op.name === "input" ? 0 : shape[0])))).toEqual(new Set([0, 1024]));
});

it("leaves few rows in one piece", () => {
  const ops = (chunked: boolean): string[] => nodesInOrder([mlp(2048, chunked).made]).map(({ op }) => op.name);
  expect(ops(true)).toEqual(ops(false));
});

describe("attention in chunks of blocks", () => {
  const tokens = 2100;
  const sizes = { rows: 1, tokens, queryHeads: 2, keyValueHeads: 1, headWidth: 2 };

  /** Values and gradients under a plan, in float64. */
  function attended(plan: AttentionBlocks): Record<string, Float64Array> {
    const [q, k, v] = [input("q", [tokens, 4]), input("k", [tokens, 2]), input("v", [tokens, 2])];
    const made = attention(q, k, v, input("mask", [plan.count, plan.block, plan.span]), { ...plan, ...sizes });
    const grads = gradients(total(mul(made, input("seen", made.shape))), [q, k, v]);
    const mask = new Float32Array(maskSize(plan, 1));
    writeMask(mask, new Int32Array(tokens), plan, tokens, 0);
    const drawn = (count: number, by: number): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => Math.sin(i * by));
    const graph = graphOf({ made, q: grads[0]!, k: grads[1]!, v: grads[2]! });
    const given = { q: drawn(4 * tokens, 1.7), k: drawn(2 * tokens, 2.3), v: drawn(2 * tokens, 0.9) };
    return interpret(graph, { ...given, seen: drawn(4 * tokens, 3.1), mask: Float64Array.from(mask) });
  }

  it.each([100, 700])("gives what one dense block gives, with a window of %i", (window) => {
    const plan = attentionBlocks(tokens, window);
    expect(plan.count * plan.block).toBeGreaterThan(2 * Math.floor(1024 / plan.block) * plan.block);
    const wanted = attended({ ...plan, block: tokens, count: 1, span: tokens });
    const found = attended(plan);
    for (const [name, data] of Object.entries(wanted)) expectClose(found[name]!, data, tolerances.closedForm64, name);
  });
});
