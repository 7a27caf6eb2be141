// From the gaps of tokens to the figures of a text: in all, by distance, by position, by row.

import type { TextGaps } from "./gap.ts";

export interface Bin {
  /** both ends included */
  readonly from: number;
  readonly to: number;
  readonly tokens: number;
  /** mean over the tokens */
  readonly gapNats: number;
}

export interface RowGap {
  /** from 0 */
  readonly index: number;
  /** tokens that count; 0 for a row that fits the window whole */
  readonly tokens: number;
  /** mean over them; null when there are none */
  readonly gapNats: number | null;
}

/** Tokens that look beyond the window, within it, or nowhere. */
export const REACHES = ["beyond", "within", "nowhere"] as const;
export type Reach = (typeof REACHES)[number];

export interface ReachPart {
  readonly tokens: number;
  /** mean over them; null when there are none */
  readonly gapNats: number | null;
  /** what they add to the mean over all tokens; the three add up to it */
  readonly ofMeanNats: number;
}

export interface GapFigures {
  /** response tokens at positions >= W */
  readonly tokens: number;
  /** mean over them; null when there are none */
  readonly meanGapNats: number | null;
  /** of the mean, rows taken as independent and tokens within a row not; null with fewer than two rows */
  readonly standardError: number | null;
  /** tokens by how far back they look; distance d is within reach of the window exactly when d <= W */
  readonly byDistance: readonly Bin[];
  /** the mean in three parts */
  readonly byReach: Readonly<Record<Reach, ReachPart>>;
  /** tokens by position in prompt and response together */
  readonly byPosition: readonly Bin[];
  readonly rows: readonly RowGap[];
}

/** @param texts  one a row, in order */
export function gapFigures(texts: readonly TextGaps[], window: number): GapFigures {
  const rows = texts.map(({ gaps }, index) => ({ index, tokens: gaps.length, gapNats: mean(gaps) }));
  const all = texts.flatMap(({ gaps, distances, positions }) =>
    Array.from(gaps, (gap, i) => ({ gap, distance: distances[i]!, position: positions[i]! })),
  );
  const looking = all.filter(({ distance }) => distance > 0);
  const part = (reach: Reach): ReachPart => {
    const gaps = all.filter(({ distance }) => reachOf(distance, window) === reach).map(({ gap }) => gap);
    const gapNats = mean(gaps);
    return { tokens: gaps.length, gapNats, ofMeanNats: ((gapNats ?? 0) * gaps.length) / Math.max(1, all.length) };
  };
  return {
    tokens: all.length,
    meanGapNats: mean(all.map(({ gap }) => gap)),
    standardError: standardError(texts.map(({ gaps }) => gaps)),
    byDistance: binned(
      looking.map(({ gap, distance }) => [distance, gap]),
      1,
      distanceEnds(window),
    ),
    byReach: { beyond: part("beyond"), within: part("within"), nowhere: part("nowhere") },
    byPosition: binned(
      all.map(({ gap, position }) => [position, gap]),
      window,
      positionEnds(window),
    ),
    rows,
  };
}

export function reachOf(distance: number, window: number): Reach {
  return distance === 0 ? "nowhere" : distance > window ? "beyond" : "within";
}

/** The upper ends of the distance bins: thirds of the window, so that W is one, up to 2W; then doubling. */
export function* distanceEnds(window: number): Generator<number> {
  let last = 0;
  for (let third = 1; third <= 6; third++) {
    const end = Math.ceil((window * third) / 3);
    if (end > last) yield end;
    last = end;
  }
  for (let end = 4 * window; ; end *= 2) yield end;
}

/** The upper ends of the position bins, the first of which starts at W: windows, up to 8W; then doubling. */
export function* positionEnds(window: number): Generator<number> {
  for (let windows = 2; windows < 8; windows++) yield windows * window - 1;
  for (let end = 8 * window; ; end *= 2) yield end - 1;
}

/** @param first  the lowest value of the first bin; bins without tokens are left out */
function binned(
  pairs: readonly (readonly [value: number, gap: number])[],
  first: number,
  ends: Iterable<number>,
): readonly Bin[] {
  const most = pairs.reduce((largest, [value]) => Math.max(largest, value), -Infinity);
  const bins: Bin[] = [];
  let from = first;
  for (const to of ends) {
    if (from > most) break;
    const start = from;
    const gaps = pairs.filter(([value]) => value >= start && value <= to).map(([, gap]) => gap);
    const gapNats = mean(gaps);
    if (gapNats !== null) bins.push({ from, to, tokens: gaps.length, gapNats });
    from = to + 1;
  }
  return bins;
}

function mean(values: ArrayLike<number>): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/**
 * Of the mean over all tokens when rows are the draws: with row sums s and row counts n, residuals e = s - mean·n,
 * sqrt(R/(R-1)·Σe²)/Σn.
 *
 * @source the ratio estimator of cluster sampling, as in Cochran, "Sampling Techniques", section 6.3
 */
function standardError(rows: readonly Float32Array[]): number | null {
  const used = rows.filter(({ length }) => length > 0);
  if (used.length < 2) return null;
  const sums = used.map((gaps) => gaps.reduce((sum, gap) => sum + gap, 0));
  const count = used.reduce((total, { length }) => total + length, 0);
  const overall = sums.reduce((total, sum) => total + sum, 0) / count;
  const squares = used.reduce((total, { length }, i) => total + (sums[i]! - overall * length) ** 2, 0);
  return Math.sqrt((used.length / (used.length - 1)) * squares) / count;
}

/** The rows that count for something, worst fit first. */
export function byFit(rows: readonly RowGap[]): readonly (RowGap & { readonly gapNats: number })[] {
  return rows
    .filter((row): row is RowGap & { readonly gapNats: number } => row.gapNats !== null)
    .toSorted((a, b) => b.gapNats - a.gapNats || a.index - b.index);
}

/** Whether a row fits the window: it costs at most `maxGapNats` a token, or lies within the window whole. */
export function fits(row: RowGap, maxGapNats: number): boolean {
  return row.gapNats === null || row.gapNats <= maxGapNats;
}
