// The learning rate of every step.

import { invariant } from "../base/invariant.ts";

export const SCHEDULE_KINDS = ["constant", "linear", "cosine"] as const;
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

export interface Schedule {
  readonly kind: ScheduleKind;
  /** the highest learning rate, reached at the end of the warm-up */
  readonly peak: number;
  /** steps over which the rate rises linearly to the peak; 0 starts there */
  readonly warmupSteps: number;
  /** steps of the whole stage, warm-up included; linear and cosine would reach 0 one step later */
  readonly totalSteps: number;
}

/**
 * The learning rate of one optimizer step.
 *
 * With s the step, w the warm-up and n the total: s <= w gives peak·s/w. Later, with x = (s - 1 - w)/(n - w) in [0, 1),
 * linear gives peak·(1 - x) and cosine peak·(1 + cos πx)/2. Other systems count from 0 and warm up by s/w, so that their
 * first step has rate 0 and moves nothing; here every step moves.
 *
 * @param step counts from 1
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, peak, warmupSteps, totalSteps } = schedule;
  invariant(step >= 1 && step <= totalSteps, `step ${step} lies in 1 .. ${totalSteps}`);
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  const done = (step - 1 - warmupSteps) / (totalSteps - warmupSteps);
  switch (kind) {
    case "constant":
      return peak;
    case "linear":
      return peak * (1 - done);
    case "cosine":
      return (peak * (1 + Math.cos(Math.PI * done))) / 2;
    default:
      return kind satisfies never;
  }
}
