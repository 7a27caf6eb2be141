// Who answers the problems of an evaluation: what is asked, and what comes back.

import type { Problem } from "../data/record.ts";

/** One sample of one problem. */
export interface Ask {
  /** the problem's index from 0 */
  readonly index: number;
  readonly problem: Problem;
  /** which of the K samples, from 0 */
  readonly sample: number;
  /** names the sample's random stream */
  readonly seed: number;
}

export interface SamplingSettings {
  /** 0 is greedy */
  readonly temperature: number;
  /** nucleus; 1 keeps all */
  readonly topP: number;
  /** at most this many new tokens, the end token included */
  readonly maxNewTokens: number;
}

export interface Response {
  readonly text: string;
  /** new tokens, the end token included; null when nobody counted them */
  readonly tokens: number | null;
  /** "length" when the response was cut off; null when nobody knows */
  readonly finishReason: "stop" | "length" | null;
  /** the new tokens themselves, where the source works with them */
  readonly ids?: Int32Array;
}

/** Anything that answers: a sampler in this process, a server, a file. */
export interface ResponseSource {
  /**
   * Answers every ask once, in any order; `onResponse` is called as soon as a response is there.
   * Stops early, throwing the signal's reason, when the signal is aborted.
   */
  respond(
    asks: readonly Ask[],
    sampling: SamplingSettings,
    onResponse: (ask: Ask, response: Response) => void,
    signal?: AbortSignal,
  ): Promise<void>;
}
