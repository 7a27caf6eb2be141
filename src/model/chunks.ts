// Work on parts that do not see each other, some at a time: what a chunk makes stays in the caches.

import { pullback } from "../graph/autodiff.ts";
import type { GraphNode } from "../graph/node.ts";
import { add, withGradient } from "../graph/ops/elementwise.ts";
import { concat, slice } from "../graph/ops/move.ts";
import type { WeightNodes } from "./views.ts";

/** The widest activations of so many tokens fit the last cache at the widths that train on a CPU: measured at 1024, 2048 and 4096. */
export const CHUNK_TOKENS = 1024;

export interface Chunked {
  /** cut along their first axis, which is as long in each */
  readonly along: readonly GraphNode[];
  /** cut in the same way; no gradient flows to them */
  readonly fixed?: readonly GraphNode[];
  /** of the first axis in a chunk */
  readonly size: number;
  /** what every chunk reads whole, once the chunks are made */
  readonly shared?: () => readonly GraphNode[];
}

/**
 * `work` on all of the first axis, in chunks where there are more than two chunks.
 *
 * @param work  must treat every index of the first axis alone; is handed parts of `along`, then of `fixed`
 * @returns what `work` makes, joined in order
 */
export function inChunks(
  { along, fixed = [], size, shared = () => [] }: Chunked,
  work: (...parts: readonly GraphNode[]) => GraphNode,
): GraphNode {
  const length = along[0]!.shape[0]!;
  if (length <= 2 * size) return work(...along, ...fixed);
  const chunks = Array.from({ length: Math.ceil(length / size) }, (_, i) => {
    const [start, end] = [i * size, Math.min(length, (i + 1) * size)];
    const [given, others] = [along, fixed].map((nodes) => nodes.map((node) => slice(node, 0, start, end)));
    return { start, end, given: given!, made: work(...given!, ...others!) };
  });
  const whole = concat(
    chunks.map(({ made }) => made),
    0,
  );
  const read = shared();
  return withGradient(whole, [...along, ...read], (up) => {
    const gradients = chunks.map(({ start, end, given, made }) =>
      pullback(made, slice(up, 0, start, end), [...given, ...read]),
    );
    const to = (source: number): GraphNode[] => gradients.map((each) => each[source]!);
    return [
      ...along.map((_, i) => concat(to(i), 0)),
      ...read.map((_, i) => to(along.length + i).reduce((a, b) => add(a, b))),
    ];
  });
}

/**
 * `work` on all rows of `along`, [M, ...] each.
 *
 * @param work  must treat every row alone, and read no weights but through its first argument
 */
export function inRowChunks(
  along: readonly GraphNode[],
  weights: WeightNodes,
  work: (weights: WeightNodes, ...rows: readonly GraphNode[]) => GraphNode,
): GraphNode {
  const used = new Map<string, GraphNode>();
  const noted: WeightNodes = (name) => {
    const node = weights(name);
    used.set(name, node);
    return node;
  };
  const shared = (): GraphNode[] => [...used.values()];
  return inChunks({ along, size: CHUNK_TOKENS, shared }, (...rows) => work(noted, ...rows));
}
