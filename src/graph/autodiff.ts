// Reverse-mode differentiation: from a graph to the graph of its gradients.

import { invariant } from "../base/invariant.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { filled, nodesInOrder, scalar, type GraphNode } from "./node.ts";
import { add, gradientsOf, isClosedForm } from "./ops/elementwise.ts";

/**
 * The gradient of a scalar `loss` with respect to each of `sources`, which are taken as independent of each other (see `pullbackAll`).
 *
 * @returns one node a source, of the source's shape; zeros where the loss does not depend on it
 */
export function gradients(loss: GraphNode, sources: readonly GraphNode[]): readonly GraphNode[] {
  invariant(loss.shape.length === 0, `the loss is a scalar, not ${show(loss.shape)}`);
  return pullback(loss, scalar(1), sources);
}

/** The gradients of Σ upstream·output with respect to each of `sources`, independent of each other, for an `upstream` of the output's shape. */
export function pullback(output: GraphNode, upstream: GraphNode, sources: readonly GraphNode[]): readonly GraphNode[] {
  return pullbackAll([[output, upstream]], sources);
}

/**
 * The same for several outputs, each with its upstream, whose sums are added up. Sources are taken as independent of each other: what
 * one of them is made of is not looked at.
 */
export function pullbackAll(
  outputs: readonly (readonly [output: GraphNode, upstream: GraphNode])[],
  sources: readonly GraphNode[],
): readonly GraphNode[] {
  const given = new Set(sources);
  const order = nodesInOrder(
    outputs.map(([output]) => output),
    given,
  );
  const leads = nodesLeadingTo(sources, order);
  const upstreams = new Map<GraphNode, GraphNode>();
  const send = (target: GraphNode, gradient: GraphNode): void => {
    const sofar = upstreams.get(target);
    upstreams.set(target, sofar === undefined ? gradient : add(sofar, gradient));
  };
  for (const [output, upstream] of outputs) {
    invariant(sameShape(upstream.shape, output.shape), `the upstream gradient has the shape ${show(output.shape)}`);
    send(output, upstream);
  }
  for (const node of [...order].reverse()) {
    const upstream = upstreams.get(node);
    if (upstream === undefined || !leads.has(node) || given.has(node)) continue;
    for (const [i, gradient] of gradientsOf(node, upstream).entries()) {
      const target = node.inputs[i]!;
      if (gradient === null || !leads.has(target)) continue;
      invariant(sameShape(gradient.shape, target.shape), `${node.op.name} gives input ${i} a gradient of its shape`);
      send(target, gradient);
    }
  }
  return sources.map((source) => upstreams.get(source) ?? filled(source.shape, 0));
}

/** The nodes of `order` that depend on a source; a closed form depends on its declared sources only. */
function nodesLeadingTo(sources: readonly GraphNode[], order: readonly GraphNode[]): ReadonlySet<GraphNode> {
  const leads = new Set<GraphNode>(sources);
  for (const node of order) {
    const paths = isClosedForm(node) ? node.inputs.slice(1) : node.inputs;
    if (paths.some((child) => leads.has(child))) leads.add(node);
  }
  return leads;
}
