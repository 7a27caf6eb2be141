// What both stages can be told about their optimizer and what it trains; the numbers are checked when the recipe is read.

import { z } from "zod";
import { LORA_TARGETS } from "../model/lora.ts";
import { MICROBATCH_TOKENS } from "./microbatch.ts";
import { SCHEDULE_KINDS, type Schedule } from "./schedule.ts";

/** Without weight decay, whose default differs by stage. */
const moments = {
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.98),
  epsilon: z.number().positive().default(1e-8),
};

export const optimizerWithDecay = z.strictObject({ ...moments, weightDecay: z.number().min(0).default(0.01) });
export const optimizerWithoutDecay = z.strictObject({ ...moments, weightDecay: z.number().min(0).default(0) });

/** The fields of a stage that say how far and how fast it goes. */
export const paceFields = {
  /** optimizer steps of a supervised stage; sample-and-update rounds of an RL stage */
  steps: z.int().min(1),
  /** the highest learning rate */
  lr: z.number().positive(),
  /** a stage cut shorter than this ends during its warm-up */
  warmupSteps: z.int().min(0).default(0),
  /** the longest gradient (global L2 norm); null never clips */
  clipNorm: z.number().positive().nullable().default(1),
  /** tokens of one pass through the engine; a step is split into as many as it takes, which changes no result */
  microbatchTokens: z.int().min(1).default(MICROBATCH_TOKENS),
};

export const scheduleKind = z.enum(SCHEDULE_KINDS);

/** An adapter to train instead of the weights, in both stages. */
export const loraSettings = z.strictObject({
  /** r, the inner size of its products; each is added times alpha / rank */
  rank: z.int().min(1).default(16),
  alpha: z.number().positive().default(32),
  /** the matrices it is put beside, in every layer */
  targets: z
    .array(z.enum(LORA_TARGETS))
    .min(1)
    .refine((targets) => new Set(targets).size === targets.length, "each target once")
    .default([...LORA_TARGETS]),
});

/** The schedule of a stage's own settings. */
export function scheduleOf(
  stage: { readonly lr: number; readonly warmupSteps: number; readonly schedule: Schedule["kind"] },
  totalSteps: number,
): Schedule {
  return { kind: stage.schedule, peak: stage.lr, warmupSteps: stage.warmupSteps, totalSteps };
}
