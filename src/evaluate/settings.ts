// What the evaluation after each stage can be told.

import { z } from "zod";
import { LEAST_TEMPERATURE, MOST_NEW_TOKENS } from "../generate/sampler.ts";
import { MOST_SAMPLES } from "./sample.ts";

export const EVAL_MODES = ["greedy", "sampled"] as const;

export const evalSettings = z.strictObject({
  modes: z.array(z.enum(EVAL_MODES)).min(1).default(["greedy", "sampled"]),
  /** responses of each problem when sampled */
  samples: z.int().min(1).max(MOST_SAMPLES).default(1),
  /** when sampled */
  temperature: z.number().min(LEAST_TEMPERATURE).default(1),
  topP: z.number().gt(0).max(1).default(1),
  /** the end token included */
  maxNewTokens: z.int().min(1).max(MOST_NEW_TOKENS).default(256),
  /** the first so many test problems; null takes all */
  limit: z.int().min(1).nullable().default(null),
  /** sequences decoded side by side */
  decodeBatch: z.int().min(1).default(256),
});
