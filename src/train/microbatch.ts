// The shape of a step's microbatches: what wastes the fewest places, small enough to keep the engine's caches warm.

import type { ModelConfig } from "../model/config.ts";
import { forwardFlops } from "../model/flops.ts";
import type { SequenceShape } from "../model/sequence.ts";
import { rowsNeeded } from "../tokens/pack.ts";

/** What a pass takes unless a recipe says otherwise: quickest, or within 3 % of it, on the two processors measured (docs/log.md). */
export const MICROBATCH_TOKENS = 512;

export interface MicrobatchLimits {
  /** tokens of one pass, about; a single longer row is allowed */
  readonly microbatchTokens: number;
  /** passes that run side by side */
  readonly threads: number;
}

/** Shorter rows are kept unless longer ones cost this much less: attention over short rows is gentler on the caches. */
const WORTHWHILE = 0.97;

/**
 * Rows for sequences of these lengths, and how many a pass takes: all lengths up to twice the shortest possible one are
 * tried, and what costs the least work, padding included, is taken. Equal for equal lengths, so that a resumed run repeats it.
 */
export function microbatchShape(
  config: ModelConfig,
  lengths: readonly number[],
  { microbatchTokens, threads }: MicrobatchLimits,
): SequenceShape {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  const unit = rowUnit(config, longest);
  const least = Math.ceil(longest / unit);
  const room = 1.1 * microbatchTokens;
  let best: SequenceShape | null = null;
  let bestCost = Infinity;
  for (let units = least; units <= 2 * least; units++) {
    const tokens = units * unit;
    if (best !== null && tokens > room) break;
    const wanted = rowsNeeded(lengths, tokens);
    const atMost = Math.max(1, Math.floor(room / tokens));
    const passes = Math.ceil(Math.ceil(wanted / atMost) / threads) * threads;
    const rows = Math.max(1, Math.ceil(wanted / passes));
    const cost = Math.ceil(wanted / rows / threads) * rows * forwardFlops(config, tokens);
    if (best !== null && cost >= WORTHWHILE * bestCost) continue;
    best = { rows, tokens };
    bestCost = cost;
  }
  return best!;
}

/**
 * Row lengths are multiples of this. Coarse, so that few programs are compiled; where layers slide, whole blocks of the
 * window, so that no block is half padding.
 */
function rowUnit(config: ModelConfig, longest: number): number {
  const widest = config.windows.reduce<number>((most, window) => Math.max(most, window ?? 0), 0);
  let unit = widest >= 16 && widest < longest ? widest : 32;
  while (8 * unit < longest) unit *= 2;
  return unit;
}
