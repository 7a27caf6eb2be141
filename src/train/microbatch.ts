// The shape of a step's microbatches: rows just long enough, as many of them as keep the engine's caches warm.

import { rungAbove } from "../tensor/ladder.ts";
import type { ModelConfig } from "../model/config.ts";
import type { SequenceShape } from "../model/sequence.ts";

/**
 * Rows for sequences of up to `longest` tokens. Row lengths come from a ladder, so that few programs are compiled; where
 * layers slide they are whole blocks of the window, so that no block is half padding.
 *
 * @param microbatchTokens  tokens of one pass, about; a single longer row is allowed
 */
export function rowShape(config: ModelConfig, longest: number, microbatchTokens: number): SequenceShape {
  const widest = config.windows.reduce<number>((most, window) => Math.max(most, window ?? 0), 0);
  const rung = rungAbove(Math.max(longest, 16));
  const tokens = widest >= 16 && widest < rung ? rungAbove(Math.ceil(longest / widest)) * widest : rung;
  return { rows: Math.max(1, Math.round(microbatchTokens / tokens)), tokens };
}
