import { expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { gradients } from "../graph/autodiff.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { input, nodesInOrder, type GraphNode } from "../graph/node.ts";
import { mul } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
import { gatedMlp } from "./blocks.ts";
import { inRowChunks } from "./row-chunks.ts";
import { viewArrays, viewsOf, weightInputs } from "./views.ts";

const config = tinyConfig({ width: 4, feedForwardWidth: 3, headWidth: 2, queryHeadCount: 2, mlpBias: true });

/** The MLP of the first layer over `rows` rows and all gradients, in float64. */
function mlp(rows: number, chunked: boolean): { values: Record<string, Float64Array>; made: GraphNode } {
  const { nodes, used } = weightInputs(viewsOf(config));
  const x = input("x", [rows, config.width]);
  const work = (part: GraphNode, weights = nodes): GraphNode => gatedMlp(part, weights, "layers.0", config);
  const made = chunked ? inRowChunks(x, nodes, work) : work(x);
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
