// Reading what a model wrote for the running-total task: its answer, its look-ups, its restatements.

import { LABEL_COUNT, RUNNING_TOTAL_ALPHABET, labelIndex, tokenId } from "./running-total-alphabet.ts";
import type { DependencyStats, Graded } from "./task.ts";

const HASH = tokenId("#");
const COLON = tokenId(":");
const EQUALS = tokenId("=");
const OPEN = tokenId("[");
const ZERO = tokenId("0");
const NINE = tokenId("9");
const END = RUNNING_TOTAL_ALPHABET.endId;

/** Reward 1 when the first `#` is followed by exactly the gold digit and then the end token; nothing else counts. */
export function gradeTrace(responseIds: ArrayLike<number>, gold: string): Graded {
  const answer = answerOf(responseIds);
  const verdict = answer === null ? "unreadable" : answer === gold ? "right" : "wrong";
  const reward = verdict === "right" ? 1 : 0;
  return { reward, terms: { answer: reward }, verdict, answer };
}

function answerOf(ids: ArrayLike<number>): string | null {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] !== HASH) continue;
    const digit = ids[i + 1];
    if (digit === undefined || digit < ZERO || digit > NINE || ids[i + 2] !== END) return null;
    return String(digit - ZERO);
  }
  return null;
}

/**
 * The look-ups of a trace: every label of the response, looking back to its latest earlier occurrence in prompt or response.
 *
 * A step is a `:` with its `=` four tokens later; its look-up is the label three tokens before the `:`. A step counts towards
 * restating when something other than `#` or the end follows it, and restates when `[` does.
 */
export function traceDependencies(
  promptIds: ArrayLike<number>,
  responseIds: ArrayLike<number>,
  window: number,
): DependencyStats {
  const lastAt = new Int32Array(LABEL_COUNT).fill(-1);
  for (let i = 0; i < promptIds.length; i++) {
    const label = labelIndex(promptIds[i]!);
    if (label >= 0) lastAt[label] = i;
  }
  const distances: number[] = [];
  const arcs: (readonly [number, number])[] = [];
  const lookups = { total: 0, count: 0 };
  let [farthest, unseenCount, stepCount, restatingSteps] = [0, 0, 0, 0];
  for (let i = 0; i < responseIds.length; i++) {
    const label = labelIndex(responseIds[i]!);
    if (label >= 0) {
      const from = lastAt[label]!;
      const to = promptIds.length + i;
      lastAt[label] = to;
      if (from < 0) unseenCount += 1;
      else {
        distances.push(to - from);
        arcs.push([from, to]);
        farthest = Math.max(farthest, to - from);
        if (responseIds[i + 3] === COLON) {
          lookups.total += to - from;
          lookups.count += 1;
        }
      }
    } else if (responseIds[i] === COLON && responseIds[i + 4] === EQUALS) {
      const next = responseIds[i + 6];
      if (next === undefined || next === HASH || next === END) continue;
      stepCount += 1;
      if (next === OPEN) restatingSteps += 1;
    }
  }
  return {
    distances,
    arcs,
    farthest: distances.length === 0 ? null : farthest,
    beyondWindow: farthest > window,
    unseenCount,
    meanLookupDistance: lookups.count === 0 ? null : lookups.total / lookups.count,
    stepCount,
    restatingSteps,
  };
}
