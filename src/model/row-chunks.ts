// Work on rows that do not see each other, some rows at a time: what a chunk makes stays in the caches.

import { pullback } from "../graph/autodiff.ts";
import type { GraphNode } from "../graph/node.ts";
import { add, withGradient } from "../graph/ops/elementwise.ts";
import { concat, slice } from "../graph/ops/move.ts";
import type { WeightNodes } from "./views.ts";

/** Their widest activations fit the last cache at the widths that train on a CPU: measured at 1024, 2048 and 4096 rows. */
const CHUNK_ROWS = 1024;

/**
 * `work` on all rows of `x` [M, D], in chunks where there are more than two chunks of them.
 *
 * @param work  must treat every row alone, and read no weights but through its second argument
 * @returns [M, ...], what `work` makes of the rows, in their order
 */
export function inRowChunks(
  x: GraphNode,
  weights: WeightNodes,
  work: (rows: GraphNode, weights: WeightNodes) => GraphNode,
): GraphNode {
  const rows = x.shape[0]!;
  if (rows <= 2 * CHUNK_ROWS) return work(x, weights);
  const used = new Map<string, GraphNode>();
  const noted: WeightNodes = (name) => {
    const node = weights(name);
    used.set(name, node);
    return node;
  };
  const chunks = Array.from({ length: Math.ceil(rows / CHUNK_ROWS) }, (_, i) => {
    const [start, end] = [i * CHUNK_ROWS, Math.min(rows, (i + 1) * CHUNK_ROWS)];
    const given = slice(x, 0, start, end);
    return { start, end, given, made: work(given, noted) };
  });
  const whole = concat(
    chunks.map(({ made }) => made),
    0,
  );
  const shared = [...used.values()];
  return withGradient(whole, [x, ...shared], (up) => {
    const gradients = chunks.map(({ start, end, given, made }) =>
      pullback(made, slice(up, 0, start, end), [given, ...shared]),
    );
    const toShared = shared.map((_, i) => gradients.map((each) => each[i + 1]!).reduce((a, b) => add(a, b)));
    const toX = concat(
      gradients.map((each) => each[0]!),
      0,
    );
    return [toX, ...toShared];
  });
}
