// A new model's sizes as a recipe gives them, and the ModelConfig they mean.

import { z } from "zod";
import { checkConfig, FAMILIES, MOST_SIZES, type ModelConfig } from "../model/config.ts";

/** The sizes of a model that is drawn at random; the tokenizer brings the vocabulary. */
export const initSettings = z
  .strictObject({
    family: z.enum(FAMILIES).default("qwen2"),
    width: z.int().min(2).max(MOST_SIZES.width),
    layers: z.int().min(1).max(MOST_SIZES.layers),
    queryHeads: z.int().min(1).max(MOST_SIZES.heads),
    /** shared by groups of query heads; null is as many as query heads */
    keyValueHeads: z.int().min(1).max(MOST_SIZES.heads).nullable().default(null),
    /** null is width / queryHeads */
    headWidth: z.int().min(2).max(MOST_SIZES.width).nullable().default(null),
    feedForwardWidth: z.int().min(1).max(MOST_SIZES.feedForward),
    ropeTheta: z.number().positive().default(10000),
    normEpsilon: z.number().positive().default(1e-6),
    maxPositions: z.int().min(1).default(2048),
    tiedHead: z.boolean().default(false),
  })
  .refine(({ width, queryHeads, headWidth }) => headWidth !== null || width % queryHeads === 0, {
    path: ["headWidth"],
    message: "a head width where width is not a multiple of queryHeads",
  })
  // Written out, so that a resolved recipe says what was built.
  .transform((init) => ({
    ...init,
    keyValueHeads: init.keyValueHeads ?? init.queryHeads,
    headWidth: init.headWidth ?? init.width / init.queryHeads,
  }));

export type InitSettings = Readonly<z.output<typeof initSettings>>;

/**
 * The decoder of these sizes, with full attention in every layer.
 *
 * @throws `BAD_CONFIG` when no decoder can have them
 */
export function configOfInit(init: InitSettings, vocabularySize: number): ModelConfig {
  const config: ModelConfig = {
    family: init.family,
    vocabularySize,
    width: init.width,
    layerCount: init.layers,
    queryHeadCount: init.queryHeads,
    keyValueHeadCount: init.keyValueHeads,
    headWidth: init.headWidth,
    feedForwardWidth: init.feedForwardWidth,
    normEpsilon: init.normEpsilon,
    ropeTheta: init.ropeTheta,
    ropeScaling: { kind: "default" },
    maxPositions: init.maxPositions,
    tiedHead: init.tiedHead,
    queryKeyValueBias: init.family === "qwen2",
    attentionOutputBias: false,
    mlpBias: false,
    queryKeyNorm: init.family === "qwen3",
    windows: Array.from({ length: init.layers }, () => null),
    sinkTokens: 0,
  };
  return checkConfig(config, "model.init");
}
