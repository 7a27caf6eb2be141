// The additive masks of a microbatch, worked out on the host from where each segment starts.

import { HIDDEN, type AttentionBlocks } from "./attention.ts";
import { visible } from "./window.ts";

/**
 * Writes the mask of one plan for rows of packed segments: a query sees a key when the window says so and both are of one
 * segment. Every query sees itself, also in padding, so that no softmax is empty.
 *
 * @param segmentStart_RT  for every token the row-local index of the first token of its segment; padding names itself
 * @param out  [rows·count, C, span]
 */
export function writeMask(
  out: Float32Array,
  segmentStart_RT: Int32Array,
  plan: AttentionBlocks,
  tokens: number,
  sinkTokens = 0,
): void {
  const { block, count, span, window } = plan;
  const rows = segmentStart_RT.length / tokens;
  out.fill(HIDDEN);
  for (let row = 0; row < rows; row++) {
    for (let query = 0; query < count * block; query++) {
      const firstKey = (Math.floor(query / block) + 1) * block - span;
      const at = (row * count * block + query) * span - firstKey;
      if (query >= tokens) {
        out[at + query] = 0;
        continue;
      }
      const start = segmentStart_RT[row * tokens + query]!;
      // Within the segment positions count from its start, which is what sinks refer to; distances are the same.
      const oldest = window === null ? start : Math.max(start, query - window + 1);
      out.fill(0, at + oldest, at + query + 1);
      for (let sink = start; sink < Math.min(start + sinkTokens, oldest); sink++) {
        if (visible(query - start, sink - start, window, sinkTokens)) out[at + sink] = 0;
      }
    }
  }
}

/** Elements of a plan's mask. */
export function maskSize(plan: AttentionBlocks, rows: number): number {
  return rows * plan.count * plan.block * plan.span;
}
