// Masked cross-entropy: the loss of supervised training, summed here and normalised over the whole step.

import { input, type GraphNode } from "../graph/node.ts";
import { mul, neg } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";

/**
 * From the log-probs of a microbatch's tokens [M, 1] to the sum that is minimised. The step divides by its token count
 * once, in the optimizer, so that a split into microbatches changes nothing.
 */
export type TokenLoss = (logProb: GraphNode) => GraphNode;

/** -Σ weight·ln p(target); input `weight` [M, 1] is 1 on response tokens, else 0. */
export const crossEntropy: TokenLoss = (logProb) => neg(total(mul(logProb, input("weight", logProb.shape))));

/** A loss named as data, so that it can be sent to another thread (see loss-named.ts). */
export type LossName =
  { readonly kind: "cross-entropy" } | { readonly kind: "clipped-policy"; readonly low: number; readonly high: number };
