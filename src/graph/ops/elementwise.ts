// Ops that treat every element alone.

import { invariant } from "../../base/invariant.ts";
import { broadcastOffsets, broadcastShape, sameShape } from "../../tensor/shape.ts";
import { sizeOf, type ElementType } from "../../tensor/tensor.ts";
import { makeNode, scalar, type GraphNode, type Op } from "../node.ts";
import { sumTo } from "./reduce.ts";

type Binary = (a: number, b: number) => number;
type BinaryGradient = (
  upstream: GraphNode,
  a: GraphNode,
  b: GraphNode,
  node: GraphNode,
) => readonly [GraphNode | null, GraphNode | null];

function defineBinary(
  name: string,
  meaning: Binary,
  gradient: BinaryGradient,
): (a: GraphNode, b: GraphNode) => GraphNode {
  const op: Op = {
    name,
    signature: ([a, b]) => {
      invariant(a!.type === b!.type, `${name} takes two operands of one type, not ${a!.type} and ${b!.type}`);
      return { type: a!.type, shape: broadcastShape(a!.shape, b!.shape) };
    },
    value: ([a, b], node) => {
      const out = new Float64Array(sizeOf(node.shape));
      const left = broadcastOffsets(node.inputs[0]!.shape, node.shape);
      const right = broadcastOffsets(node.inputs[1]!.shape, node.shape);
      for (let i = 0; i < out.length; i++) out[i] = meaning(a![left[i]!]!, b![right[i]!]!);
      return out;
    },
    gradient: (node, upstream) => {
      const [a, b] = node.inputs;
      const [toA, toB] = gradient(upstream, a!, b!, node);
      return [toA && sumTo(toA, a!.shape), toB && sumTo(toB, b!.shape)];
    },
  };
  return (a, b) => makeNode(op, [a, b]);
}

type UnaryGradient = (upstream: GraphNode, x: GraphNode, y: GraphNode) => GraphNode | null;

function defineUnary(
  name: string,
  meaning: (x: number) => number,
  gradient: UnaryGradient,
): (x: GraphNode) => GraphNode {
  const op: Op = {
    name,
    signature: ([x]) => ({ type: x!.type, shape: x!.shape }),
    value: ([x]) => x!.map(meaning),
    gradient: (node, upstream) => [gradient(upstream, node.inputs[0]!, node)],
  };
  return (x) => makeNode(op, [x]);
}

export const add = defineBinary(
  "add",
  (a, b) => a + b,
  (up) => [up, up],
);

export function isAdd(node: GraphNode): boolean {
  return node.op.name === "add";
}

export const sub = defineBinary(
  "sub",
  (a, b) => a - b,
  (up) => [up, neg(up)],
);

export const mul = defineBinary(
  "mul",
  (a, b) => a * b,
  (up, a, b) => [mul(up, b), mul(up, a)],
);

export const div = defineBinary(
  "div",
  (a, b) => a / b,
  // d(a/b) = da/b - db·(a/b)/b
  (up, _, b, node) => [div(up, b), neg(div(mul(up, node), b))],
);

/** 1 where a > b, else 0; no gradient flows. */
export const greater = defineBinary(
  "greater",
  (a, b) => (a > b ? 1 : 0),
  () => [null, null],
);

/** The larger of two; at a tie the gradient goes to the first. */
export const maximum = defineBinary("maximum", Math.max, (up, a, b) => {
  const second = greater(b, a);
  return [mul(up, sub(scalar(1), second)), mul(up, second)];
});

/** The smaller of two; at a tie the gradient goes to the first. */
export const minimum = defineBinary("minimum", Math.min, (up, a, b) => {
  const second = greater(a, b);
  return [mul(up, sub(scalar(1), second)), mul(up, second)];
});

export const neg = defineUnary(
  "neg",
  (x) => -x,
  (up) => neg(up),
);

export const exp = defineUnary("exp", Math.exp, (up, _, y) => mul(up, y));

export const log = defineUnary("log", Math.log, (up, x) => div(up, x));

export const sqrt = defineUnary("sqrt", Math.sqrt, (up, _, y) => div(mul(up, scalar(0.5)), y));

export const sigmoid = defineUnary(
  "sigmoid",
  (x) => 1 / (1 + Math.exp(-x)),
  // dσ = σ(1 - σ)
  (up, _, y) => mul(up, mul(y, sub(scalar(1), y))),
);

/** x·σ(x) */
export const silu = defineUnary(
  "silu",
  (x) => x / (1 + Math.exp(-x)),
  (up, x, y) => {
    // d/dx [x·σ(x)] = σ + xσ(1 - σ) = σ + y - yσ
    const s = sigmoid(x);
    return mul(up, add(s, sub(y, mul(y, s))));
  },
);

/** The same values, through which no gradient flows. */
export const stopGradient = defineUnary(
  "stopGradient",
  (x) => x,
  () => null,
);

const castOp: Op = {
  name: "cast",
  signature: ([x], { type }) => ({ type: type as ElementType, shape: x!.shape }),
  value: ([x], node) => (node.type === "int32" ? x!.map(Math.trunc) : x!.slice()),
  gradient: () => [null],
};

/** The same numbers in another element type; no gradient flows. */
export function cast(x: GraphNode, type: ElementType): GraphNode {
  return x.type === type ? x : makeNode(castOp, [x], { type });
}

/** A forward value whose gradient is given in closed form, cheaper than what the rules of its parts would build. */
const closedFormOp: Op = {
  name: "closedForm",
  signature: ([forward]) => ({ type: forward!.type, shape: forward!.shape }),
  value: ([forward]) => forward!,
  gradient: () => {
    throw new Error("autodiff reads the closed form itself");
  },
};

export type ClosedGradient = (upstream: GraphNode) => readonly (GraphNode | null)[];

const closedForms = new WeakMap<GraphNode, ClosedGradient>();

/**
 * Gives `forward` a gradient of its own with respect to `sources`: autodiff will not look inside.
 *
 * @param gradient  from the upstream gradient (same shape as `forward`) to one gradient a source
 */
export function withGradient(forward: GraphNode, sources: readonly GraphNode[], gradient: ClosedGradient): GraphNode {
  const node = makeNode(closedFormOp, [forward, ...sources]);
  closedForms.set(node, (upstream) => {
    const gradients = gradient(upstream);
    for (const [i, item] of gradients.entries()) {
      invariant(item === null || sameShape(item.shape, sources[i]!.shape), `gradient ${i} has the shape of its source`);
    }
    return [null, ...gradients];
  });
  return node;
}

export function isClosedForm(node: GraphNode): boolean {
  return node.op === closedFormOp;
}

/** The gradient rule of a node: its closed form where it has one, else its op's. */
export function gradientsOf(node: GraphNode, upstream: GraphNode): readonly (GraphNode | null)[] {
  return (closedForms.get(node) ?? ((up: GraphNode) => node.op.gradient(node, up)))(upstream);
}
