// Rollouts with advantages → optimizer steps: everything scored once before the first update, then minibatch by minibatch.

import { invariant } from "../base/invariant.ts";
import { shuffle, type RandomStream } from "../base/seeds.ts";
import { forwardFlops } from "../model/flops.ts";
import type { ModelConfig } from "../model/config.ts";
import { packSequences, unpackResponses, type PackedSequences, type PackSequence } from "../tokens/pack.ts";
import { rowShape } from "../train/microbatch.ts";
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
  /** over all response tokens, before the first update: |trainer's log-prob - sampler's|, nats */
  readonly mismatchMax: number;
  readonly mismatchMean: number;
  /** mean over all response tokens, before the first update, nats */
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

export async function updatePolicy(
  model: ReplicatedModel,
  weighed: readonly WeighedRollout[],
  options: UpdateOptions,
): Promise<UpdateFigures> {
  const minibatches = split(weighed, options);
  const trained = new Set(minibatches[0] ?? []);
  const others = weighed.filter((one) => !trained.has(one));
  const fresh = new FreshFigures();
  fresh.add(others, await runPass(model, others, "score", options));
  const sums = { loss: 0, low: 0, high: 0, tokens: 0, norm: 0, kl: 0, tokensTrained: 0 };
  for (const [index, minibatch] of minibatches.entries()) {
    const figures = await runPass(model, minibatch, "accumulate", options);
    if (index === 0) fresh.add(minibatch, figures);
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
    ...fresh.figures(),
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
  const longest = sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const shape = rowShape(config, longest, microbatchTokens);
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

/** Entropy, and how far the trainer's log-probs are from the sampler's, over tokens scored with the weights that sampled them. */
class FreshFigures {
  #max = 0;
  #sum = 0;
  #entropy = 0;
  #count = 0;

  add(weighed: readonly WeighedRollout[], { logProbs, entropies }: TokenFigures): void {
    for (const [i, { rollout }] of weighed.entries()) {
      for (const [t, sampled] of rollout.response.logProbs.entries()) {
        const difference = Math.abs(logProbs[i]![t]! - sampled);
        this.#max = Math.max(this.#max, difference);
        this.#sum += difference;
        this.#entropy += entropies[i]![t]!;
        this.#count += 1;
      }
    }
  }

  figures(): { mismatchMax: number; mismatchMean: number; entropy: number } {
    const count = Math.max(1, this.#count);
    return { mismatchMax: this.#max, mismatchMean: this.#sum / count, entropy: this.#entropy / count };
  }
}
