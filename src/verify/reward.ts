// Verdict to reward: correctness, and beside it the shaping terms that a recipe may ask for, each logged by name.

import { SwarrError } from "../base/errors.ts";
import { boxesIn } from "./boxes.ts";
import type { Verdict } from "./verdict.ts";

/** Everything a reward may look at. */
export interface RewardInput {
  readonly question: string;
  readonly gold: string;
  readonly response: string;
  readonly verdict: Verdict;
  /** response tokens, the end token included; null where nobody counted */
  readonly tokens: number | null;
  /** the cap on response tokens; null where there is none */
  readonly maxTokens: number | null;
}

/** The number the policy is trained on, and what it is the sum of. */
export interface Reward {
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
}

export interface RewardSettings {
  /** weight of the format term (1 for one closed answer at the end, else 0); 0 leaves it out */
  readonly formatWeight: number;
  /** null leaves the term out */
  readonly overlong: OverlongSettings | null;
}

export interface OverlongSettings {
  /** tokens before the cap over which the penalty grows from 0 to 1 */
  readonly bufferTokens: number;
  readonly weight: number;
}

export const CORRECTNESS_ONLY: RewardSettings = { formatWeight: 0, overlong: null };

/** Correctness alone: an unreadable answer and a timeout earn what a wrong answer earns. */
export function rewardOf(verdict: Pick<Verdict, "kind">): number {
  switch (verdict.kind) {
    case "right":
      return 1;
    case "wrong":
    case "unreadable":
    case "timeout":
      return 0;
    default:
      return verdict.kind satisfies never;
  }
}

/**
 * The sum of correctness and the terms asked for. Groups are to be dropped by equal *correctness*, not by equal totals: a
 * shaping term makes every group look informative.
 */
export function shapedReward(input: RewardInput, settings: RewardSettings): Reward {
  const terms: Record<string, number> = { correct: rewardOf(input.verdict) };
  if (settings.formatWeight !== 0) terms["format"] = settings.formatWeight * formatTerm(input.response);
  const { overlong } = settings;
  if (overlong !== null) {
    const known = input.tokens !== null && input.maxTokens !== null;
    terms["overlong"] = known
      ? overlong.weight * overlongTerm(input.tokens, input.maxTokens, overlong.bufferTokens)
      : 0;
  }
  return { total: Object.values(terms).reduce((sum, term) => sum + term, 0), terms };
}

/** 1 when the response, reasoning aside, holds one closed box (or one `####` line) near its end; else 0. */
export function formatTerm(response: string): 0 | 1 {
  const opened = response.split("<think>").length;
  const closed = response.split("</think>").length;
  if (opened > 2 || closed > 2 || opened > closed) return 0;
  const spoken = response.slice(response.lastIndexOf("</think>") + 1);
  const boxes = boxesIn(spoken);
  const marks = spoken.split("####").length - 1;
  if (boxes.length + marks !== 1) return 0;
  const [box] = boxes;
  if (box === undefined) return /####\s*\S[^\n]{0,100}\s*$/.test(spoken.slice(-200)) ? 1 : 0;
  return box.closed && box.content !== "" && spoken.length - box.end <= 100 ? 1 : 0;
}

/**
 * 0 up to `maxTokens - bufferTokens`, then linearly down to -1 at the cap and beyond.
 *
 * @source DAPO, soft overlong punishment
 */
export function overlongTerm(tokens: number, maxTokens: number, bufferTokens: number): number {
  if (!Number.isSafeInteger(bufferTokens) || bufferTokens < 1 || bufferTokens > maxTokens) {
    throw new SwarrError("BAD_REWARD", {
      what: `The overlong buffer is ${bufferTokens} tokens with a cap of ${maxTokens}.`,
      expected: "an integer from 1 to the cap.",
      fix: "Lower bufferTokens or raise the cap on response tokens.",
    });
  }
  const free = maxTokens - bufferTokens;
  return tokens <= free ? 0 : Math.max(-1, (free - tokens) / bufferTokens);
}
