// All settings of a run, side by side; each room defines its own part.

import { z } from "zod";
import { DEVICES, type Device } from "../engine/device.ts";
import { PRECISIONS } from "../engine/precision.ts";
import { evalSettings } from "../evaluate/settings.ts";
import { MOST_TOKENS } from "../model/config.ts";
import { moreSftSettings, sftSettings } from "../stage1-sft/settings.ts";
import { rlSettings } from "../stage2-rl/settings.ts";
import { loraSettings } from "../train/settings.ts";
import { initSettings } from "./model-settings.ts";

/** Problems the project makes itself. */
const runningTotalData = z.strictObject({
  task: z.literal("running-total"),
  testCount: z.int().min(1).max(1_000_000).default(512),
  /** chance of a restatement after each step of a training trace but the last */
  restateProbability: z.number().min(0).max(1).default(0.2),
});

/** Rows of files, JSON Lines or Parquet; paths are relative to where swarr is started. */
const fileData = z.strictObject({
  task: z.literal("file"),
  /** worked solutions: prompt/completion, messages, or question/answer */
  train: z.string().min(1).nullable().default(null),
  /** problems with gold answers for RL; null takes them from `train` */
  rl: z.string().min(1).nullable().default(null),
  /** problems with gold answers, never trained on */
  test: z.string().min(1).nullable().default(null),
  /** how a question becomes a prompt: a built-in name, text with {question}, or a file of such text */
  template: z.string().min(1).default("plain"),
  questionField: z.string().min(1).nullable().default(null),
  answerField: z.string().min(1).nullable().default(null),
});

export const recipeSchema = z.strictObject({
  /** names every random draw of the run */
  seed: z.int().default(1),
  /** a Hugging Face folder, or sizes of a model to draw at random */
  model: z.union([z.string().min(1), z.strictObject({ init: initSettings })]),
  /** W, keys a query sees, itself counted; for the SWA arm */
  window: z.int().min(1).max(MOST_TOKENS),
  /** layers of the SWA arm that keep full attention */
  fullAttentionLayers: z.array(z.int().min(0)).default([]),
  /** the first so many positions that stay visible; no other program reads this, so exports say so */
  sinkTokens: z.int().min(0).max(MOST_TOKENS).default(0),
  /** `swa` is converted, `sa` is the control under full attention */
  arms: z
    .array(z.enum(["sa", "swa"]))
    .min(1)
    .default(["sa", "swa"]),
  data: z.discriminatedUnion("task", [fileData, runningTotalData]),
  /** trains a model drawn at random under full attention first, so that there is something to convert */
  pretrain: sftSettings.nullable().default(null),
  /** null skips the stage */
  sft: sftSettings.nullable(),
  /** null skips the stage */
  rl: rlSettings.nullable(),
  /** a module of one's own, such as ./mine.ts, that rewards rollouts of file data (docs/verifier.md); null is the answer alone */
  rewards: z.string().min(1).nullable().default(null),
  /** the control of the SWA arm; null leaves it out */
  moreSft: moreSftSettings.nullable().default(null),
  /** trains a low-rank adapter in sft, moreSft and rl, and merges it; null trains the weights themselves */
  lora: loraSettings.nullable().default(null),
  eval: evalSettings.prefault({}),
  /** where the engine runs; auto takes the usable one with the fastest product (`swarr doctor` lists them) */
  device: z.enum(DEVICES).default("cpu"),
  /** of linear maps: float32-plain sums plainly even where training has a quicker way; bfloat16 rounds the factors, is quicker where the processor has it, and refused elsewhere */
  precision: z.enum(PRECISIONS).default("float32"),
  /** of the engine; null takes what the machine has when the run is started */
  threads: z.int().min(1).max(256).nullable().default(null),
  /** steps between snapshots; one is taken at the end of every stage too */
  snapshotEverySteps: z.int().min(1).default(50),
  /** RL steps between stored rollouts */
  rolloutsEverySteps: z.int().min(1).default(10),
});

export type Recipe = Readonly<z.output<typeof recipeSchema>>;
export type RecipeData = Recipe["data"];

/** A recipe that leaves nothing to the machine it runs on. */
export interface SettledRecipe extends Recipe {
  readonly device: Device;
  readonly threads: number;
}
