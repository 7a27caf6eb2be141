// What a recipe would need, worked out before it runs: parameters, memory, disk, and the FLOPs and time of every stage.

import { attentionBlocks } from "../model/attention.ts";
import type { ModelConfig } from "../model/config.ts";
import { forwardFlops } from "../model/flops.ts";
import { parameterCount } from "../model/parameters.ts";
import { withWindow } from "../model/window.ts";
import type { ArmName, StageName } from "../run/events.ts";
import type { SftSettings } from "../stage1-sft/settings.ts";
import { sequenceOf } from "../stage1-sft/dataset.ts";
import type { Task } from "../tasks/task.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import { openSmall } from "./open-small.ts";
import { planJobs } from "./plan.ts";
import type { Recipe } from "./recipe.ts";
import { openTask } from "./task.ts";

export interface StageNeeds {
  readonly arm: ArmName;
  readonly stage: StageName;
  readonly trainingFlops: number;
  /** rollouts and the evaluation after the stage */
  readonly samplingFlops: number;
  readonly seconds: number;
}

export interface RecipeNeeds {
  readonly parameters: number;
  /** peak, about: weights, gradients and moments of all replicas, activations, caches */
  readonly memoryBytes: number;
  /** checkpoints and snapshots, at most */
  readonly diskBytes: number;
  readonly stages: readonly StageNeeds[];
  readonly seconds: number;
  /** what the lengths were taken to be */
  readonly meanTokens: { readonly example: number | null; readonly prompt: number | null; readonly response: number };
}

export interface Machine {
  readonly threads: number;
  /** of a large matrix product on all threads */
  readonly gflops: number;
}

/**
 * How much of the matrix product's speed a whole run keeps: training alone keeps 0.7 to 0.9 of it, while evaluations, graders
 * and the short products of decoding keep far less. Rough: within a factor of two.
 */
const SHARE_OF_PRODUCT = 0.4;

/** Examples whose lengths are measured. */
const MEASURED = 128;

/** @throws as opening the recipe's model and data does: what would stop the run stops this too */
export async function recipeNeeds(recipe: Recipe, machine: Machine): Promise<RecipeNeeds> {
  const { config, tokenizer, endId } = await openSmall(recipe);
  const task = await openTask(recipe, tokenizer);
  try {
    const lengths = measureLengths(recipe, task, tokenizer, endId);
    const configs = {
      sa: config,
      swa: withWindow(config, recipe.window, recipe.fullAttentionLayers),
    };
    const stages = stageNeeds(recipe, configs, lengths, task.testProblems().length, machine);
    return {
      parameters: parameterCount(config),
      memoryBytes: memoryBytes(recipe, configs, lengths, machine.threads),
      diskBytes: diskBytes(recipe, parameterCount(config)),
      stages,
      seconds: stages.reduce((total, { seconds }) => total + seconds, 0),
      meanTokens: { example: lengths.example, prompt: lengths.prompt, response: lengths.response },
    };
  } finally {
    await task.close();
  }
}

interface Lengths {
  /** of each measured example, prompt and response */
  readonly examples: readonly number[];
  readonly example: number | null;
  readonly prompt: number | null;
  readonly response: number;
}

/** Rollouts are taken to be as long as the examples' responses, where there are any. */
function measureLengths(recipe: Recipe, task: Task, tokenizer: Tokenizer, endId: number): Lengths {
  const supervised = recipe.sft ?? recipe.pretrain;
  const purpose = recipe.sft === null ? "pretrain" : "sft";
  const longest = supervised?.maxTokens ?? Infinity;
  const measured = supervised === null ? [] : Array.from({ length: MEASURED }, (_, i) => task.example(purpose, i));
  const sequences = measured
    .map((example) => sequenceOf(tokenizer, example, endId))
    .filter(({ ids }) => ids.length <= longest);
  const responses = sequences.map(({ ids, promptLength }) => ids.length - promptLength);
  const problems = [
    ...task.testProblems().slice(0, MEASURED),
    ...(recipe.rl === null ? [] : Array.from({ length: 32 }, (_, i) => task.rlProblem(i))),
  ];
  const prompts = problems.map(({ prompt }) => tokenizer.encode(prompt).length);
  const examples = sequences.map(({ ids }) => ids.length);
  const most = recipe.rl?.maxNewTokens ?? recipe.eval.maxNewTokens;
  return {
    examples,
    example: mean(examples),
    prompt: mean(prompts),
    response: Math.min(mean(responses) ?? most, most),
  };
}

function stageNeeds(
  recipe: Recipe,
  configs: Readonly<Record<ArmName, ModelConfig>>,
  lengths: Lengths,
  testCount: number,
  machine: Machine,
): readonly StageNeeds[] {
  const evaluation = (config: ModelConfig): number => {
    const { modes, samples, limit } = recipe.eval;
    const responses = modes.reduce((total, mode) => total + (mode === "greedy" ? 1 : samples), 0);
    return Math.min(testCount, limit ?? testCount) * responses * rolloutFlops(config, lengths);
  };
  const needs = (arm: ArmName, stage: StageName, trainingFlops: number, samplingFlops: number): StageNeeds => {
    const seconds = (trainingFlops + samplingFlops) / (machine.gflops * 1e9 * SHARE_OF_PRODUCT);
    return { arm, stage, trainingFlops, samplingFlops, seconds };
  };
  const { pretrain, sft, rl, moreSft } = recipe;
  const rlFlops = (config: ModelConfig): { training: number; sampling: number } => {
    const rollouts = rl === null ? 0 : rl.steps * rl.promptsPerStep * rl.groupSize;
    const each = rolloutFlops(config, lengths);
    return { training: 3 * rollouts * each, sampling: rollouts * each };
  };
  const all = pretrain === null ? [] : [needs("sa", "pretrain", supervisedFlops(configs.sa, pretrain, lengths), 0)];
  for (const { arm, stage } of planJobs(recipe)) {
    const config = configs[arm];
    const { training, sampling } = rlFlops(config);
    if (stage === "rl") all.push(needs(arm, stage, training, sampling + evaluation(config)));
    else if (stage === "more-sft" && sft !== null && moreSft !== null) {
      const flops =
        moreSft.steps === "match-rl"
          ? training + sampling
          : supervisedFlops(config, { ...sft, steps: moreSft.steps }, lengths);
      all.push(needs(arm, stage, flops, evaluation(config)));
    } else if (stage === "sft" && sft !== null) {
      all.push(needs(arm, stage, supervisedFlops(config, sft, lengths), evaluation(config)));
    } else all.push(needs(arm, stage, 0, evaluation(config)));
  }
  return all;
}

/** A supervised stage over examples like the measured ones. */
function supervisedFlops(config: ModelConfig, settings: SftSettings, { examples, example }: Lengths): number {
  const each = mean(examples.map((tokens) => 3 * forwardFlops(config, tokens))) ?? 0;
  const perStep = settings.batchExamples ?? (settings.batchTokens ?? 0) / (example ?? 1);
  return settings.steps * perStep * each;
}

function rolloutFlops(config: ModelConfig, { prompt, response }: Lengths): number {
  return forwardFlops(config, Math.round((prompt ?? 0) + response));
}

function memoryBytes(
  recipe: Recipe,
  configs: Readonly<Record<ArmName, ModelConfig>>,
  lengths: Lengths,
  threads: number,
): number {
  const atOnce = Math.min(recipe.arms.length, threads);
  const replicas = Math.max(1, Math.floor(threads / atOnce));
  const arms = recipe.arms.map((arm) => {
    const config = configs[arm];
    // Weights, gradient and its parts of every replica; one shared set of weights and two of moments.
    const sets = 4 * parameterCount(config) * (3 + 3 * replicas);
    return sets + replicas * activationBytes(recipe, config, lengths) + cacheBytes(recipe, config, lengths);
  });
  return [...arms]
    .sort((a, b) => b - a)
    .slice(0, atOnce)
    .reduce((total, bytes) => total + bytes, 0);
}

/** What a training pass keeps for its way back, about. */
function activationBytes(recipe: Recipe, config: ModelConfig, { examples }: Lengths): number {
  const longest = examples.reduce((most, tokens) => Math.max(most, tokens), 16);
  const stage = recipe.sft ?? recipe.rl ?? recipe.pretrain;
  const tokens = Math.max(longest, stage?.microbatchTokens ?? 0);
  const { width: D, headWidth: K, queryHeadCount: H, keyValueHeadCount: G, feedForwardWidth: F } = config;
  const layers = config.windows.reduce<number>((total, window) => {
    const { span } = attentionBlocks(longest, window);
    return total + 6 * D + 2 * (H + 2 * G) * K + 6 * F + 3 * H * span;
  }, 0);
  return 4 * tokens * (layers + 3 * config.vocabularySize);
}

function cacheBytes({ rl, eval: evaluation }: Recipe, config: ModelConfig, { prompt }: Lengths): number {
  const sequences = rl?.decodeBatch ?? evaluation.decodeBatch;
  const longest = Math.round(prompt ?? 0) + (rl?.maxNewTokens ?? evaluation.maxNewTokens);
  const slots = config.windows.reduce<number>((total, window) => total + Math.min(longest, window ?? longest), 0);
  return 2 * 4 * sequences * slots * config.keyValueHeadCount * config.headWidth;
}

/** Every stage's checkpoint in float32, and the last two snapshots of each arm with their moments. */
function diskBytes(recipe: Recipe, parameters: number): number {
  const drawn = typeof recipe.model === "string" ? 0 : 1;
  return 4 * parameters * (drawn + planJobs(recipe).length + recipe.arms.length * 2 * 3);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length;
}
