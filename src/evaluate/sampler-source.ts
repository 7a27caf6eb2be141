// Responses from a sampler in this process.

import { invariant } from "../base/invariant.ts";
import type { Problem } from "../data/record.ts";
import type { Sampler } from "../generate/sampler.ts";
import type { ResponseSource } from "./response-source.ts";

export interface SamplerSourceOptions {
  readonly sampler: Pick<Sampler, "sample">;
  readonly endIds: readonly number[];
  /** the whole prompt as token ids; called once for each problem of a batch */
  readonly promptIds: (problem: Problem) => readonly number[];
  /** the text of a response: end token and other special tokens left out */
  readonly textOf: (ids: Int32Array) => string;
}

// Enough to keep any batch full to its last rows, little enough that the prompts of a large evaluation are not all in memory.
const ASKS_A_CALL = 4096;

/** Responses that the sampler draws, each on its own stream. */
export function samplerSource(options: SamplerSourceOptions): ResponseSource {
  return {
    async respond(asks, sampling, onResponse, signal) {
      for (let from = 0; from < asks.length; from += ASKS_A_CALL) {
        signal?.throwIfAborted();
        const part = asks.slice(from, from + ASKS_A_CALL);
        const prompts = new Map(part.map(({ index, problem }) => [index, problem]));
        const idsOf = new Map([...prompts].map(([index, problem]) => [index, options.promptIds(problem)]));
        const requests = part.map((ask) => ({ promptIds: idsOf.get(ask.index) ?? [], ...sampling, seed: ask.seed }));
        await options.sampler.sample(requests, {
          endIds: options.endIds,
          ...(signal === undefined ? {} : { signal }),
          onFinished(index, { ids, finishReason }) {
            const ask = part[index];
            invariant(ask !== undefined, `the sampler finished request ${index} of ${part.length}`);
            onResponse(ask, { text: options.textOf(ids), tokens: ids.length, finishReason, ids });
          },
        });
      }
    },
  };
}
