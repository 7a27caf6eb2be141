// The clipped policy-gradient loss in plain float64 numbers: the oracle of the graph-built one.

import { invariant } from "../base/invariant.ts";

export interface ClipRange {
  /** the ratio is held above 1 - low */
  readonly low: number;
  /** the ratio is held below 1 + high; higher than `low` is DAPO's clip-higher */
  readonly high: number;
}

/** The response tokens of one minibatch, side by side. */
export interface PolicyTokens {
  /** ln p under the policy being trained */
  readonly logProbs: ArrayLike<number>;
  /** ln p under the policy that sampled, at the time it sampled */
  readonly behaviourLogProbs: ArrayLike<number>;
  /** each token has the advantage of its rollout */
  readonly advantages: ArrayLike<number>;
}

export interface PolicyLoss {
  /** nats per token, to be minimised; 0 without tokens */
  readonly loss: number;
  /** share of tokens whose gradient is cut because the ratio fell below 1 - low at a negative advantage */
  readonly clippedLow: number;
  /** share of tokens whose gradient is cut because the ratio rose above 1 + high at a positive advantage */
  readonly clippedHigh: number;
  /** mean of r - 1 - ln r (k3), an estimate of KL(behaviour ‖ policy), never negative */
  readonly kl: number;
  /** d loss / d logProb of each token */
  readonly gradient: Float64Array;
}

/**
 * Token-level clipped loss, averaged over all tokens of the minibatch ("token-mean" in verl, "dapo" in TRL):
 *
 *     r = exp(logProb - behaviourLogProb)
 *     loss = -Σ min(r·A, clip(r, 1 - low, 1 + high)·A) / tokens
 *
 * @source Schulman et al., "Proximal policy optimization", eq. 7; Yu et al., "DAPO", eq. 8 and 10-12
 */
export function clippedPolicyLoss(tokens: PolicyTokens, clip: ClipRange): PolicyLoss {
  const { logProbs, behaviourLogProbs, advantages } = tokens;
  const count = logProbs.length;
  invariant(
    behaviourLogProbs.length === count && advantages.length === count,
    `${count} log-probs meet ${behaviourLogProbs.length} behaviour log-probs and ${advantages.length} advantages`,
  );
  const gradient = new Float64Array(count);
  let [loss, low, high, kl] = [0, 0, 0, 0];
  for (let t = 0; t < count; t++) {
    const logRatio = logProbs[t]! - behaviourLogProbs[t]!;
    const ratio = Math.exp(logRatio);
    const advantage = advantages[t]!;
    const clipped = Math.min(Math.max(ratio, 1 - clip.low), 1 + clip.high);
    loss -= Math.min(ratio * advantage, clipped * advantage);
    kl += ratio - 1 - logRatio;
    if (ratio < 1 - clip.low && advantage < 0) low += 1;
    else if (ratio > 1 + clip.high && advantage > 0) high += 1;
    else gradient[t] = (-ratio * advantage) / count;
  }
  const perToken = count === 0 ? 0 : 1 / count;
  return {
    loss: loss * perToken,
    clippedLow: low * perToken,
    clippedHigh: high * perToken,
    kl: kl * perToken,
    gradient,
  };
}
