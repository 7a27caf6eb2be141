// Work on some rows at a time, so that what they make stays in the caches: on chunks that do not see each other, and on parts of a row in turn.

import { invariant } from "../base/invariant.ts";
import { pullback, pullbackAll } from "../graph/autodiff.ts";
import { nodesInOrder, type GraphNode } from "../graph/node.ts";
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
  const { own, used } = noted(weights);
  return inChunks({ along, size: CHUNK_TOKENS, shared: used }, (...rows) => work(own, ...rows));
}

/** Weights, and those of them that were asked for so far, each once. */
function noted(weights: WeightNodes): { readonly own: WeightNodes; readonly used: () => readonly GraphNode[] } {
  const used = new Map<string, GraphNode>();
  const own: WeightNodes = (name) => {
    const node = weights(name);
    used.set(name, node);
    return node;
  };
  return { own, used: () => [...used.values()] };
}

/** Rows that are worked on together, of [M, ...]. */
export interface Part {
  readonly start: number;
  readonly end: number;
  /** whether it goes on where the part before it ends, and reads what that one carries */
  readonly goesOn: boolean;
}

/** All rows as one part. */
export function allRows(rows: number, tokens: number): Part {
  return { start: 0, end: rows * tokens, goesOn: false };
}

export interface PartMade {
  /** a row for each of the part's */
  readonly made: GraphNode;
  /** what the part that goes on from it reads of it, besides its own rows */
  readonly carried: readonly GraphNode[];
}

/**
 * `work` on all rows of `x`, [M, ...], part after part in both directions.
 *
 * @param parts  all rows, in order
 * @param work  must read no weights but through its first argument, and nothing else of other parts than what it is handed as carried
 */
export function inParts(
  x: GraphNode,
  parts: readonly Part[],
  weights: WeightNodes,
  work: (weights: WeightNodes, rows: GraphNode, part: Part, before: readonly GraphNode[]) => PartMade,
): GraphNode {
  if (parts.length === 1) return work(weights, x, parts[0]!, []).made;
  const { own, used } = noted(weights);
  let last: readonly GraphNode[] = [];
  const worked = parts.map((part) => {
    const before = part.goesOn ? last : [];
    const rows = slice(x, 0, part.start, part.end);
    const { made, carried: offered } = work(own, rows, part, before);
    // Nodes of their own: a view of one would be taken from what it is a view of, and its gradient would be lost.
    const carried = offered.map((each) => withGradient(each, [each], (up) => [up]));
    const met = new Set(nodesInOrder([made, ...carried], new Set([rows, ...before, ...used()])));
    invariant(
      before.every((each) => met.has(each)),
      "a part reads what is carried to it as it is",
    );
    last = carried;
    return { ...part, rows, before, made, carried };
  });
  const whole = concat(
    worked.map(({ made }) => made),
    0,
  );
  const read = used();
  return withGradient(whole, [x, ...read], (up) => {
    // From the last part on: what a part carries gets its gradient from the part that reads it.
    let toCarried: readonly GraphNode[] = [];
    const gradients = [...worked].reverse().map(({ start, end, rows, before, made, carried }) => {
      const toLater = toCarried.map((each, i) => [carried[i]!, each] as const);
      const [toRows, ...rest] = pullbackAll([[made, slice(up, 0, start, end)], ...toLater], [rows, ...before, ...read]);
      toCarried = rest.slice(0, before.length);
      return { toRows: toRows!, toRead: rest.slice(before.length) };
    });
    return [
      concat(gradients.map(({ toRows }) => toRows).reverse(), 0),
      ...read.map((_, i) => gradients.map(({ toRead }) => toRead[i]!).reduce((a, b) => add(a, b))),
    ];
  });
}
