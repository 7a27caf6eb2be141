// What stage 2 can be told.

import { z } from "zod";
import { MOST_NEW_TOKENS } from "../generate/sampler.ts";
import { optimizerWithoutDecay, paceFields, scheduleKind } from "../train/settings.ts";
import { ADVANTAGE_BASELINES, ADVANTAGE_SCALES, DEFAULT_ADVANTAGES } from "./advantages.ts";

/** Prompts, and rollouts of one, that a step may have. */
const MOST_A_STEP = 2 ** 16;

export const rlSettings = z.strictObject({
  ...paceFields,
  schedule: scheduleKind.default("constant"),
  optimizer: optimizerWithoutDecay.prefault({}),
  promptsPerStep: z.int().min(1).max(MOST_A_STEP),
  /** N, rollouts of one prompt; at least two, as they are compared with each other */
  groupSize: z.int().min(2).max(MOST_A_STEP),
  /** the end token included; a response cut off here is graded as it stands */
  maxNewTokens: z.int().min(1).max(MOST_NEW_TOKENS),
  /** sampled as it is trained: the log-probs of the loss are those of temperature 1 without a nucleus */
  temperature: z.literal(1).default(1),
  topP: z.literal(1).default(1),
  /** sequences decoded side by side; finished ones make room for waiting ones */
  decodeBatch: z.int().min(1).default(256),
  /** optimizer steps that one step's rollouts are split into, shuffled */
  minibatches: z.int().min(1).default(1),
  clipLow: z.number().gt(0).lt(1).default(0.2),
  clipHigh: z.number().gt(0).default(0.28),
  advantage: z
    .strictObject({
      baseline: z.enum(ADVANTAGE_BASELINES).default(DEFAULT_ADVANTAGES.baseline),
      scale: z.enum(ADVANTAGE_SCALES).default(DEFAULT_ADVANTAGES.scale),
      ddof: z.union([z.literal(0), z.literal(1)]).default(DEFAULT_ADVANTAGES.ddof),
      epsilon: z.number().min(0).default(DEFAULT_ADVANTAGES.epsilon),
    })
    .prefault({}),
  /** reward for a response that closes with `#### number`, whatever the number; logged as the term "format" */
  formatWeight: z.number().min(0).default(0),
  /**
   * a penalty for responses near the length cap, logged as the term "overlong": 0 until `bufferTokens` before the cap, then
   * falling linearly to -weight; null leaves it out
   */
  overlong: z
    .strictObject({ bufferTokens: z.int().min(1), weight: z.number().positive().default(1) })
    .nullable()
    .default(null),
});

export type RlSettings = Readonly<z.output<typeof rlSettings>>;
