// Gradients against central differences, both in float64 through the interpreter.

import { gradients } from "../../src/graph/autodiff.ts";
import { graphOf } from "../../src/graph/check.ts";
import { interpret } from "../../src/graph/interpret.ts";
import { constant, nameOfInput, type GraphNode } from "../../src/graph/node.ts";
import { mul } from "../../src/graph/ops/elementwise.ts";
import { total } from "../../src/graph/ops/reduce.ts";
import { randomStream } from "../../src/base/seeds.ts";
import { sizeOf } from "../../src/tensor/tensor.ts";
import { expectClose } from "./expect-close.ts";
import { tolerances } from "./tolerances.ts";

export type Values = Readonly<Record<string, Float64Array>>;

/** Seeded values in [low, high) for every input node. */
export function randomValues(
  nodes: readonly GraphNode[],
  seed: number,
  low = -1.5,
  high = 1.5,
): Record<string, Float64Array> {
  return Object.fromEntries(
    nodes.map((node, item) => {
      const stream = randomStream({ root: seed, purpose: "test-values", item });
      const limit = node.type === "int32" ? undefined : high - low;
      const draw = (): number => (limit === undefined ? stream.integer(3) : low + limit * stream.uniform());
      return [nameOfInput(node), Float64Array.from({ length: sizeOf(node.shape) }, draw)];
    }),
  );
}

/** A scalar that weighs every element of `output` differently, so that no gradient term can cancel. */
export function weighedTotal(output: GraphNode, seed: number): GraphNode {
  const stream = randomStream({ root: seed, purpose: "test-weights" });
  const data = Float32Array.from(
    { length: sizeOf(output.shape) },
    () => Math.round(64 * (0.5 + stream.uniform())) / 64,
  );
  return total(mul(output, constant({ type: "float32", shape: output.shape, data })));
}

/** Checks the gradient of every float input of `output` against central differences. */
export function expectGradients(output: GraphNode, inputs: readonly GraphNode[], values: Values, label: string): void {
  const loss = weighedTotal(output, 7);
  const sources = inputs.filter((node) => node.type === "float32");
  const named = Object.fromEntries(gradients(loss, sources).map((node, i) => [nameOfInput(sources[i]!), node]));
  const actual = interpret(graphOf(named), values);
  const lossGraph = graphOf({ loss });
  const h = 1e-5;
  for (const source of sources) {
    const name = nameOfInput(source);
    const point = values[name]!;
    const numeric = point.map((x, i) => {
      const at = (value: number): number =>
        interpret(lossGraph, { ...values, [name]: point.map((old, j) => (i === j ? value : old)) })["loss"]![0]!;
      return (at(x + h) - at(x - h)) / (2 * h);
    });
    expectClose(actual[name]!, numeric, tolerances.gradient64, `${label}: d/d${name}`);
  }
}
