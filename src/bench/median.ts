// What all timings here share: the clock, the median, the pause before.

import { setTimeout as sleep } from "node:timers/promises";

/** Median; the mean of the middle two for an even count. @param values  at least one */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Waits until the threads of what ran before have stopped spinning: they would take the cores from what is timed next. */
export async function settled(): Promise<void> {
  await sleep(100);
}
