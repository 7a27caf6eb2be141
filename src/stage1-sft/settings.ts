// What stage 1 (and pretraining, and the more-SFT control) can be told.

import { z } from "zod";
import { optimizerWithDecay, paceFields, scheduleKind } from "../train/settings.ts";

/**
 * A step's batch is `batchExamples` examples, or as many as fit `batchTokens` tokens; exactly one of the two is given.
 * The loss is the mean over all the step's response tokens.
 */
export const sftSettings = z
  .strictObject({
    ...paceFields,
    batchExamples: z.int().min(1).nullable().default(null),
    batchTokens: z.int().min(1).nullable().default(null),
    /** examples longer than this are left out, and counted; null leaves none out */
    maxTokens: z.int().min(2).nullable().default(null),
    schedule: scheduleKind.default("cosine"),
    optimizer: optimizerWithDecay.prefault({}),
  })
  .refine(({ batchExamples, batchTokens }) => (batchExamples === null) !== (batchTokens === null), {
    path: ["batchTokens"],
    message: "exactly one of batchExamples and batchTokens, the other null or left out",
  });

export type SftSettings = Readonly<z.output<typeof sftSettings>>;

/** The control: the windowed arm goes on with SFT instead of RL. Everything not named here is as in `sft`. */
export const moreSftSettings = z.strictObject({
  /** `match-rl`: as many steps as cost the FLOPs that the RL stage spent, sampling included */
  steps: z.union([z.literal("match-rl"), z.int().min(1)]).default("match-rl"),
});
