// The clipped policy-gradient loss as a graph; policy-loss-oracle.ts is the same in plain numbers.

import { input, scalar } from "../graph/node.ts";
import { exp, maximum, minimum, mul, neg, sub } from "../graph/ops/elementwise.ts";
import { total } from "../graph/ops/reduce.ts";
import type { TokenLoss } from "./token-loss.ts";
import type { ClipRange } from "./policy-loss-oracle.ts";

/**
 * -Σ min(r·A, clip(r, 1 - low, 1 + high)·A), r = exp(logProb - behaviourLogProb), over the tokens of a microbatch.
 *
 * Inputs `advantage` and `behaviourLogProb`, [M, 1]; a token with advantage 0 adds nothing. The sum is divided by the tokens
 * of the minibatch in the optimizer step.
 *
 * @source Schulman et al., arXiv 1707.06347, eq. 7; clip-higher: Yu et al. (DAPO), arXiv 2503.14476
 */
export function clippedPolicy({ low, high }: ClipRange): TokenLoss {
  return (logProb) => {
    const advantage = input("advantage", logProb.shape);
    const ratio = exp(sub(logProb, input("behaviourLogProb", logProb.shape)));
    const clipped = minimum(maximum(ratio, scalar(1 - low)), scalar(1 + high));
    return neg(total(minimum(mul(ratio, advantage), mul(clipped, advantage))));
  };
}
