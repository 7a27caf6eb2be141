// Parts of the fused weights under names of their own: contiguous rows, so a part is a view and never a copy.

import { invariant } from "../base/invariant.ts";
import { constant, input, type GraphNode } from "../graph/node.ts";
import { float32, sizeOf, type Shape, type Weights } from "../tensor/tensor.ts";
import type { ModelConfig } from "./config.ts";
import { parametersOf } from "./parameters.ts";

/** A run of whole rows of one parameter, as a graph takes it. */
export interface WeightView {
  /** such as `layers.0.q`; a parameter that is not fused keeps its name */
  readonly name: string;
  readonly parameter: string;
  /** first element within the parameter */
  readonly start: number;
  readonly shape: Shape;
}

/** The views of every parameter, in the order of the parameters. */
export function viewsOf(config: ModelConfig): readonly WeightView[] {
  const { headWidth: K, queryHeadCount: H, keyValueHeadCount: G, feedForwardWidth: F } = config;
  const fused: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
    qkv: [
      ["q", H * K],
      ["k", G * K],
      ["v", G * K],
    ],
    gateUp: [
      ["gate", F],
      ["up", F],
    ],
  };
  return parametersOf(config).flatMap(({ name, shape }) => {
    const [, stem = "", last = ""] = /^(layers\.\d+\.)(.*)$/.exec(name) ?? [];
    const parts = fused[last.replace(/Bias$/, "")];
    if (parts === undefined) return [{ name, parameter: name, start: 0, shape }];
    const inner = shape[1] ?? 1;
    let row = 0;
    return parts.map(([part, rows]) => {
      const start = row * inner;
      row += rows;
      const partShape = shape.length === 1 ? [rows] : [rows, inner];
      return { name: `${stem}${part}${last.endsWith("Bias") ? "Bias" : ""}`, parameter: name, start, shape: partShape };
    });
  });
}

/** The arrays behind the views: windows onto `weights`, by view name with `prefix`. */
export function viewArrays(views: readonly WeightView[], weights: Weights, prefix = ""): Record<string, Float32Array> {
  return Object.fromEntries(
    views.map(({ name, parameter, start, shape }) => {
      const data = weights.get(parameter);
      invariant(data !== undefined, `the weights have "${parameter}"`);
      return [prefix + name, data.subarray(start, start + sizeOf(shape))];
    }),
  );
}

export type WeightNodes = (name: string) => GraphNode;

/** Graph inputs for the views, made when first asked for. */
export function weightInputs(views: readonly WeightView[]): {
  readonly nodes: WeightNodes;
  readonly used: Map<string, GraphNode>;
} {
  return nodesByName(views, (name, shape) => input(name, shape));
}

/** The weights as constants of a graph, for programs that outlive no change of them. @param arrays  as of `viewArrays` */
export function weightConstants(
  views: readonly WeightView[],
  arrays: Readonly<Record<string, Float32Array>>,
): WeightNodes {
  return nodesByName(views, (name, shape) => constant(float32(shape, arrays[name]))).nodes;
}

/** One node a view, however often it is asked for. */
function nodesByName(
  views: readonly WeightView[],
  make: (name: string, shape: Shape) => GraphNode,
): { readonly nodes: WeightNodes; readonly used: Map<string, GraphNode> } {
  const shapes = new Map(views.map(({ name, shape }) => [name, shape]));
  const used = new Map<string, GraphNode>();
  const nodes = (name: string): GraphNode => {
    const known = used.get(name);
    if (known !== undefined) return known;
    const shape = shapes.get(name);
    invariant(shape !== undefined, `the model has a weight "${name}"`);
    const node = make(name, shape);
    used.set(name, node);
    return node;
  };
  return { nodes, used };
}
