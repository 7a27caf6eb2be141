// Curves as numbers: smoothing, thinning to what a chart can show, and stages laid end to end.

import type { StageColumns } from "../api.ts";

export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/**
 * Exponential moving average with its start corrected: the first value is itself, not pulled to 0.
 *
 * @param weight  share of the past kept at each step, 0 (off) to below 1
 */
export function smoothed(values: readonly (number | null)[], weight: number): readonly (number | null)[] {
  if (weight <= 0) return values;
  let mean = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return mean / mass;
  });
}

/**
 * Keeps the points of a range, thinned to at most two a bucket: its lowest and its highest, so that no spike is lost.
 *
 * @param range  of x, ends included; null is everything
 */
export function thinned(curve: Curve, range: readonly [number, number] | null, buckets: number): Curve {
  const [from, to] =
    range === null ? [0, curve.x.length] : [lowerBound(curve.x, range[0]) - 1, lowerBound(curve.x, range[1]) + 2];
  const start = Math.max(0, from);
  const end = Math.min(curve.x.length, to);
  if (end - start <= 2 * buckets) return { x: curve.x.slice(start, end), y: curve.y.slice(start, end) };
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const first = start + Math.floor(((end - start) * bucket) / buckets);
    const last = start + Math.floor(((end - start) * (bucket + 1)) / buckets);
    for (const i of extremes(curve.y, first, last)) {
      x.push(curve.x[i] ?? 0);
      y.push(curve.y[i] ?? null);
    }
  }
  return { x, y };
}

/** Indices of the lowest and the highest value, in order; one when they are the same, none when all are null. */
function extremes(values: readonly (number | null)[], first: number, last: number): readonly number[] {
  let low = -1;
  let high = -1;
  for (let i = first; i < last; i++) {
    const value = values[i] ?? null;
    if (value === null) continue;
    if (low < 0 || value < (values[low] ?? 0)) low = i;
    if (high < 0 || value > (values[high] ?? 0)) high = i;
  }
  if (low < 0) return [];
  return low === high ? [low] : low < high ? [low, high] : [high, low];
}

/** First index whose x is at least `value`; x rises. */
export function lowerBound(x: readonly number[], value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Curves of several stages as one to draw: each smoothed and thinned for itself, with a gap in between. */
export function joinedCurves(
  curves: readonly Curve[],
  options: { readonly smoothing: number; readonly range: readonly [number, number] | null; readonly buckets: number },
): Curve {
  const x: number[] = [];
  const y: (number | null)[] = [];
  for (const curve of curves) {
    const thin = thinned({ x: curve.x, y: smoothed(curve.y, options.smoothing) }, options.range, options.buckets);
    const [last, first] = [x.at(-1), thin.x[0]];
    if (first === undefined) continue;
    if (last !== undefined) {
      x.push((last + first) / 2);
      y.push(null);
    }
    for (const value of thin.x) x.push(value);
    for (const value of thin.y) y.push(value);
  }
  return { x, y };
}

const STAGE_ORDER = ["pretrain", "base", "sft", "rl", "more-sft"];

/** Where each stage starts when the stages of all runs are laid end to end, each as long as its longest. */
export function stageOffsets(stages: readonly StageColumns[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const name of STAGE_ORDER) {
    const lengths = stages.filter((stage) => stage.stage === name).map((stage) => stage.step.at(-1) ?? 0);
    if (lengths.length === 0) continue;
    offsets.set(name, offset);
    offset += Math.max(...lengths);
  }
  return offsets;
}

/** What the page has of a stage, with news joined on. */
export function joinColumns(known: StageColumns | undefined, news: StageColumns): StageColumns {
  if (news.replace || known === undefined) return news;
  if (news.step.length === 0) return known;
  const metrics: Record<string, readonly (number | null)[]> = {};
  for (const [key, values] of Object.entries(news.metrics)) metrics[key] = [...(known.metrics[key] ?? []), ...values];
  return { ...news, step: [...known.step, ...news.step], seconds: [...known.seconds, ...news.seconds], metrics };
}
