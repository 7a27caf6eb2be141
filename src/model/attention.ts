// Grouped-query attention over whole sequences: dense for full layers, in blocks for windowed ones.

import { invariant } from "../base/invariant.ts";
import { filled, type GraphNode } from "../graph/node.ts";
import { matmul } from "../graph/ops/contract.ts";
import { add, mul, sub, withGradient } from "../graph/ops/elementwise.ts";
import { concat, pad, reshape, slice, transpose } from "../graph/ops/move.ts";
import { sum } from "../graph/ops/reduce.ts";
import { softmax } from "../graph/ops/rowwise.ts";
import { allRows, CHUNK_TOKENS, inChunks, type Part } from "./chunks.ts";
import type { LayerWindow } from "./config.ts";

/** How the queries of a row are grouped, and which keys a group is multiplied with. */
export interface AttentionBlocks {
  /** the window this plan serves; null is full attention */
  readonly window: LayerWindow;
  /** C, queries in a block */
  readonly block: number;
  /** blocks in a row; block·count >= T, the rest is padding */
  readonly count: number;
  /** keys a block is multiplied with: its own and those before it, a multiple of C */
  readonly span: number;
  /** additive mask [rows·count, C, span]: 0 visible, hugely negative hidden */
  readonly maskName: string;
}

/** Scores of hidden keys get this added: far below any score, yet finite. */
export const HIDDEN = -1e30;

/**
 * The cheapest plan: one dense block when the window reaches over the whole row (full attention, exactly), else blocks of
 * about a window, each with the keys of the blocks before it that the window can reach.
 *
 * @param tokens  T, tokens in a row
 * @param sinkTokens  above 0 the first tokens stay visible, which only the dense plan can show
 */
export function attentionBlocks(tokens: number, window: LayerWindow, sinkTokens = 0): AttentionBlocks {
  if (window === null || window >= tokens) {
    return { window: null, block: tokens, count: 1, span: tokens, maskName: "mask.full" };
  }
  const dense = { window, block: tokens, count: 1, span: tokens, maskName: `mask.${window}` };
  if (sinkTokens > 0) return dense;
  const block = Math.max(window, Math.min(16, tokens));
  const before = Math.ceil((window - 1) / block);
  const span = block * (1 + before);
  return span >= tokens ? dense : { window, block, count: Math.ceil(tokens / block), span, maskName: dense.maskName };
}

/** Tokens of a row that go through a layer together, about: what more of them make outgrows the second cache. Measured at 256, 512 and 1024. */
export const PART_TOKENS = 512;

/**
 * The parts in which rows of T tokens go through a layer of that plan: all at once, or whole blocks of one row at a time where rows are
 * longer than two parts and slide, so that a part needs no more of the one before it than a block. They are about as long as each other.
 */
export function rowParts(plan: AttentionBlocks, rows: number, tokens: number, partTokens: number): readonly Part[] {
  const { block, count } = plan;
  const most = Math.ceil(partTokens / block);
  if (count === 1 || tokens <= 2 * most * block) return [allRows(rows, tokens)];
  const size = Math.ceil(count / Math.ceil(count / most)) * block;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: Math.ceil(tokens / size) }, (_, i) => ({
      start: row * tokens + i * size,
      end: row * tokens + Math.min(tokens, (i + 1) * size),
      goesOn: i > 0,
    })),
  ).flat();
}

/** The blocks of a part that is not all rows: the first of them among all blocks, how many, and the keys that a part going on from it sees. */
export function blocksOfPart(
  plan: AttentionBlocks,
  { start, end }: Part,
  tokens: number,
): { readonly first: number; readonly count: number; readonly seenLater: number } {
  return {
    first: Math.floor(start / tokens) * plan.count + (start % tokens) / plan.block,
    count: Math.ceil((end - start) / plan.block),
    seenLater: end % tokens > 0 ? plan.span - plan.block : 0,
  };
}

export interface AttentionSizes {
  readonly rows: number;
  /** T */
  readonly tokens: number;
  /** H */
  readonly queryHeads: number;
  /** G */
  readonly keyValueHeads: number;
  /** K */
  readonly headWidth: number;
}

/**
 * softmax(QKᵀ/√K + mask)·V with the queries of a key/value head in one matrix.
 *
 * @param query_MHK  rotated queries [rows·T, H·K]; @param key_MGK rotated keys [rows·T, G·K]; @param value_MGK likewise
 * @param mask  [rows·count, C, span]
 * @param before  keys and values of the block before the first, [C, G·K] each, where a single row goes on from another part
 * @returns [rows·T, H·K]
 */
export function attention(
  query_MHK: GraphNode,
  key_MGK: GraphNode,
  value_MGK: GraphNode,
  mask: GraphNode,
  plan: AttentionBlocks & AttentionSizes,
  [keyBefore, valueBefore]: readonly GraphNode[] = [],
): GraphNode {
  const keys = keyBlocks(key_MGK, plan, keyBefore);
  const along = [queryBlocks(query_MHK, plan), keys, keyBlocks(value_MGK, plan, valueBefore)];
  const size = Math.max(1, Math.floor(CHUNK_TOKENS / plan.block));
  const attended = inChunks({ along, fixed: [mask], size }, (q, k, v, seen) => attend(q, k, v, seen, plan));
  return fromBlocks(attended, plan);
}

/** q [N, G, (H/G)·C, K], k and v [N, G, span, K] → [N, G, (H/G)·C, K], with its gradient in closed form. */
function attend(
  q: GraphNode,
  k: GraphNode,
  v: GraphNode,
  mask: GraphNode,
  { headWidth, block, queryHeads, keyValueHeads, span }: AttentionBlocks & AttentionSizes,
): GraphNode {
  const scale = headWidth ** -0.5;
  const scores = matmul(q, k, { transB: true, scale });
  const split = [scores.shape[0]!, keyValueHeads, queryHeads / keyValueHeads, block, span];
  const masked = add(reshape(scores, split), reshape(mask, [scores.shape[0]!, 1, 1, block, span]));
  const weights = softmax(reshape(masked, scores.shape));
  const out = matmul(weights, v);
  return withGradient(out, [q, k, v], (up) => {
    // dV = PᵀdO, dP = dO·Vᵀ, dS = P∘(dP - rowsum(dO∘O)), dQ = dS·K/√K, dK = dSᵀQ/√K
    const toWeights = matmul(up, v, { transB: true });
    const toScores = mul(weights, sub(toWeights, sum(mul(up, out), [3])));
    return [
      matmul(toScores, k, { scale }),
      matmul(toScores, q, { transA: true, scale }),
      matmul(weights, up, { transA: true }),
    ];
  });
}

/** [rows·T, H·K] → [rows·count, G, (H/G)·C, K] */
function queryBlocks(x: GraphNode, plan: AttentionBlocks & AttentionSizes): GraphNode {
  const { rows, count, block, queryHeads: H, keyValueHeads: G, headWidth: K } = plan;
  const split = reshape(padRows(x, plan), [rows * count, block, G, H / G, K]);
  return reshape(transpose(split, [0, 2, 3, 1, 4]), [rows * count, G, (H / G) * block, K]);
}

/** [rows·T, G·K] → [rows·count, G, span, K]: every block after the one it can see, a row's first after `blockBefore` or after zeros */
function keyBlocks(x: GraphNode, plan: AttentionBlocks & AttentionSizes, blockBefore?: GraphNode): GraphNode {
  const { rows, count, block, span, keyValueHeads: G, headWidth: K } = plan;
  const heads = byHead(padRows(x, plan), rows * count, plan);
  if (span === block) return heads;
  invariant(span === 2 * block, `a block of ${block} sees one block before its own, in a span of ${span}`);
  const size = G * block * K;
  const blocks = reshape(heads, [rows, count, size]);
  const others = count > 1 ? [slice(blocks, 1, 0, count - 1)] : [];
  const start = blockBefore === undefined ? filled([rows, 1, size], 0) : byHead(blockBefore, 1, plan);
  const earlier =
    blockBefore === undefined && count > 1
      ? pad(others[0]!, 1, 1, 0)
      : concat([reshape(start, [rows, 1, size]), ...others], 1);
  return concat([reshape(earlier, heads.shape), heads], 2);
}

/** [count·C, G·K] in any shape → [count, G, C, K] */
function byHead(
  x: GraphNode,
  count: number,
  { block, keyValueHeads: G, headWidth: K }: AttentionBlocks & AttentionSizes,
): GraphNode {
  return transpose(reshape(x, [count, block, G, K]), [0, 2, 1, 3]);
}

/** [rows·count, G, (H/G)·C, K] → [rows·T, H·K] */
function fromBlocks(x: GraphNode, plan: AttentionBlocks & AttentionSizes): GraphNode {
  const { rows, tokens, count, block, queryHeads: H, keyValueHeads: G, headWidth: K } = plan;
  const split = reshape(x, [rows * count, G, H / G, block, K]);
  const joined = reshape(transpose(split, [0, 3, 1, 2, 4]), [rows, count * block, H * K]);
  return reshape(slice(joined, 1, 0, tokens), [rows * tokens, H * K]);
}

/** [rows·T, X] → [rows, count·C, X], zeros where a row is shorter than its blocks */
function padRows(x: GraphNode, { rows, tokens, count, block }: AttentionBlocks & AttentionSizes): GraphNode {
  return pad(reshape(x, [rows, tokens, x.shape[1]!]), 1, 0, count * block - tokens);
}
