// One graded response of an evaluation, as it is kept in memory and in sample files.

import type { VerdictKind } from "./score.ts";

/** K, samples of one problem; all are held in memory. */
export const MOST_SAMPLES = 2 ** 16;

export interface Sample {
  /** the problem's index from 0, and its id */
  readonly index: number;
  readonly id: string;
  /** which of the K samples, from 0 */
  readonly sample: number;
  readonly seed: number;
  readonly text: string;
  readonly tokens: number | null;
  readonly finishReason: "stop" | "length" | null;
  readonly verdict: VerdictKind;
  /** the extracted answer; null when there is none */
  readonly answer: string | null;
  readonly reason: string;
}

/** By problem, then by sample: the order of sample files and of every figure that depends on order. */
export function inOrder(samples: readonly Sample[]): readonly Sample[] {
  return samples.toSorted((a, b) => a.index - b.index || a.sample - b.sample);
}
