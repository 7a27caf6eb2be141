// Rollouts with advantages → optimizer steps, minibatch by minibatch; what is not trained on is scored in part, to be watched.

import { invariant } from "../base/invariant.ts";
import { shuffle, type RandomStream } from "../base/seeds.ts";
import { forwardFlops } from "../model/flops.ts";
import type { ModelConfig } from "../model/config.ts";
import { packSequences, unpackResponses, type PackedSequences, type PackSequence } from "../tokens/pack.ts";
import { microbatchShape } from "../train/microbatch.ts";
import type { UpdateSettings } from "../replicas/member.ts";
import type { ReplicatedModel } from "../replicas/model.ts";
import type { TokenResults } from "../train/step.ts";
import { clippedPolicyLoss, type ClipRange } from "../train/policy-loss-oracle.ts";
import type { Rollout } from "./rollout.ts";

/** A rollout and what it is worth; the advantage of a degenerate group's is 0 and it is not trained on. */
export interface WeighedRollout {
  readonly rollout: Rollout;
  readonly advantage: number;
  readonly informative: boolean;
}

export interface UpdateOptions {
  readonly config: ModelConfig;
  readonly padId: number;
  readonly microbatchTokens: number;
  readonly minibatches: number;
  readonly clip: ClipRange;
  /** the split of the informative rollouts into minibatches */
  readonly stream: RandomStream;
  readonly update: Omit<UpdateSettings, "gradientScale">;
}

/** What the updates of a step showed. */
export interface UpdateFigures {
  /** |trainer's log-prob - sampler's| before the first update, nats: the largest of the tokens looked at (see `Stratum`) */
  readonly mismatchMax: number;
  /** its mean over all response tokens, estimated from those looked at */
  readonly mismatchMean: number;
  /** mean over all response tokens before the first update, nats; estimated likewise */
  readonly entropy: number;
  /** mean over the step's trained tokens, nats */
  readonly loss: number;
  readonly clippedLow: number;
  readonly clippedHigh: number;
  /** of the last minibatch: k3 estimate against the policy that sampled */
  readonly kl: number;
  /** mean over the step's optimizer steps; 0 when nothing was informative */
  readonly gradientNorm: number;
  readonly tokensTrained: number;
  /** of the training passes; the scoring pass measures and trains nothing */
  readonly flops: number;
}

/** Per-token results of rollouts, in their order. */
interface TokenFigures {
  readonly logProbs: readonly Float32Array[];
  readonly entropies: readonly Float32Array[];
}

type Pass = "score" | "accumulate";

/** Two of a group of eight, so that every prompt is looked at. */
const PROBED_ONE_IN = 4;

export async function updatePolicy(
  model: ReplicatedModel,
  weighed: readonly WeighedRollout[],
  options: UpdateOptions,
): Promise<UpdateFigures> {
  const minibatches = split(weighed, options);
  const settled = weighed.filter((one) => !one.informative);
  const probed = settled.filter((_, i) => i % PROBED_ONE_IN === 0);
  const fresh = [new Stratum(settled, probed, await runPass(model, probed, "score", options))];
  const sums = { loss: 0, low: 0, high: 0, tokens: 0, norm: 0, kl: 0, tokensTrained: 0 };
  for (const [index, minibatch] of minibatches.entries()) {
    const figures = await runPass(model, minibatch, "accumulate", options);
    if (index === 0) fresh.push(new Stratum(minibatches.flat(), minibatch, figures));
    const { loss, clippedLow, clippedHigh, kl, count } = lossOf(minibatch, figures, options.clip);
    sums.norm += await model.update({ ...options.update, gradientScale: 1 / count });
    sums.loss += loss * count;
    sums.low += clippedLow * count;
    sums.high += clippedHigh * count;
    sums.tokens += count;
    sums.kl = kl;
    for (const { rollout } of minibatch) sums.tokensTrained += rollout.promptIds.length + rollout.response.ids.length;
  }
  const perToken = sums.tokens === 0 ? 0 : 1 / sums.tokens;
  return {
    ...freshFigures(fresh),
    loss: sums.loss * perToken,
    clippedLow: sums.low * perToken,
    clippedHigh: sums.high * perToken,
    kl: sums.kl,
    gradientNorm: minibatches.length === 0 ? 0 : sums.norm / minibatches.length,
    tokensTrained: sums.tokensTrained,
    flops: minibatches.flat().reduce((total, one) => total + 3 * flopsOf(one, options.config), 0),
  };
}

/** The informative rollouts, shuffled, in as equal parts as they go; fewer parts when there are fewer rollouts. */
function split(weighed: readonly WeighedRollout[], { minibatches, stream }: UpdateOptions): WeighedRollout[][] {
  const informative = shuffle(
    weighed.filter((one) => one.informative),
    stream,
  );
  const parts = Math.min(minibatches, informative.length);
  return Array.from({ length: parts }, (_, part) => {
    const at = (i: number): number => Math.floor((i * informative.length) / parts);
    return informative.slice(at(part), at(part + 1));
  });
}

function flopsOf({ rollout }: WeighedRollout, config: ModelConfig): number {
  return forwardFlops(config, rollout.promptIds.length + rollout.response.ids.length);
}

async function runPass(
  model: ReplicatedModel,
  weighed: readonly WeighedRollout[],
  pass: Pass,
  { config, padId, microbatchTokens }: UpdateOptions,
): Promise<TokenFigures> {
  if (weighed.length === 0) return { logProbs: [], entropies: [] };
  const sequences = weighed.map(sequenceOf);
  const lengths = sequences.map(({ ids }) => ids.length);
  const shape = microbatchShape(config, lengths, { microbatchTokens, threads: model.threads });
  const packed = packSequences(sequences, { rowTokens: shape.tokens, rowsPerMicrobatch: shape.rows, padId });
  const batches = packed.microbatches.map((batch) => {
    const { advantage, behaviourLogProb } = batch.fields;
    return { ...batch, shape, extras: { advantage: advantage!, behaviourLogProb: behaviourLogProb! } };
  });
  const results = await (pass === "score" ? model.score(batches) : model.accumulate(batches));
  return unpacked(packed, results);
}

function sequenceOf({ rollout, advantage }: WeighedRollout): PackSequence {
  const { promptIds, response } = rollout;
  return {
    ids: [...promptIds, ...response.ids],
    promptLength: promptIds.length,
    fields: { advantage, behaviourLogProb: response.logProbs },
  };
}

function unpacked(packed: PackedSequences, results: readonly TokenResults[]): TokenFigures {
  return {
    logProbs: unpackResponses(
      packed,
      results.map(({ logProb }) => logProb),
    ),
    entropies: unpackResponses(
      packed,
      results.map(({ entropy }) => entropyOf(entropy)),
    ),
  };
}

function entropyOf(entropy: Float32Array | null): Float32Array {
  invariant(entropy !== null, "the policy loss comes with entropies");
  return entropy;
}

function lossOf(
  minibatch: readonly WeighedRollout[],
  { logProbs }: TokenFigures,
  clip: ClipRange,
): ReturnType<typeof clippedPolicyLoss> & { readonly count: number } {
  const count = logProbs.reduce((total, each) => total + each.length, 0);
  const all = {
    logProbs: new Float64Array(count),
    behaviourLogProbs: new Float64Array(count),
    advantages: new Float64Array(count),
  };
  let at = 0;
  for (const [i, { rollout, advantage }] of minibatch.entries()) {
    all.logProbs.set(logProbs[i]!, at);
    all.behaviourLogProbs.set(rollout.response.logProbs, at);
    all.advantages.fill(advantage, at, at + logProbs[i]!.length);
    at += logProbs[i]!.length;
  }
  return { ...clippedPolicyLoss(all, clip), count };
}

/**
 * Rollouts of which some were scored with the weights that sampled them: of the informative ones the first minibatch, a
 * random part whose pass is needed anyway; of the others one in `PROBED_ONE_IN`. Scoring them all would add up to a third to a step.
 */
class Stratum {
  readonly mismatchMax: number;
  readonly mismatchMean: number;
  readonly entropyMean: number;
  /** response tokens of all its rollouts */
  readonly tokens: number;

  constructor(all: readonly WeighedRollout[], scored: readonly WeighedRollout[], figures: TokenFigures) {
    let [max, sum, entropy, count] = [0, 0, 0, 0];
    for (const [i, { rollout }] of scored.entries()) {
      for (const [t, sampled] of rollout.response.logProbs.entries()) {
        const difference = Math.abs(figures.logProbs[i]![t]! - sampled);
        max = Math.max(max, difference);
        sum += difference;
        entropy += figures.entropies[i]![t]!;
        count += 1;
      }
    }
    this.mismatchMax = max;
    this.mismatchMean = sum / Math.max(1, count);
    this.entropyMean = entropy / Math.max(1, count);
    this.tokens = all.reduce((total, { rollout }) => total + rollout.response.ids.length, 0);
  }
}

/** Every stratum counts by the tokens it stands for. */
function freshFigures(strata: readonly Stratum[]): Pick<UpdateFigures, "mismatchMax" | "mismatchMean" | "entropy"> {
  const tokens = strata.reduce((total, stratum) => total + stratum.tokens, 0);
  const mean = (of: (stratum: Stratum) => number): number =>
    strata.reduce((total, stratum) => total + (of(stratum) * stratum.tokens) / tokens, 0);
  return {
    mismatchMax: Math.max(...strata.map(({ mismatchMax }) => mismatchMax)),
    mismatchMean: mean(({ mismatchMean }) => mismatchMean),
    entropy: mean(({ entropyMean }) => entropyMean),
  };
}
