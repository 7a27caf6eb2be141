// What a process does with a job: open the checkpoint, run the stage, save, evaluate.

import fs from "node:fs";
import path from "node:path";
import { invariant } from "../base/invariant.ts";
import { loadCheckpoint, type Checkpoint } from "../checkpoint/load.ts";
import { saveLora } from "../checkpoint/lora.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { latestSnapshot, saveSnapshot } from "../checkpoint/snapshot.ts";
import { initialLora, type LoraAdapter } from "../model/lora.ts";
import { runPaths, type CheckpointStage, type RunPaths } from "../run/folder.ts";
import type { UnstampedEvent } from "../run/event-log.ts";
import { runSft } from "../stage1-sft/run.ts";
import { runRl } from "../stage2-rl/run.ts";
import type { Task } from "../tasks/task.ts";
import type { StageContext } from "../train/stage.ts";
import { drawnModel } from "./base-models.ts";
import { evaluateStage } from "./evaluate-stage.ts";
import type { Job } from "./job.ts";
import { sourceStage } from "./plan.ts";
import { saveRollouts } from "./rollout-records.ts";
import { openTask } from "./task.ts";

export interface JobHooks {
  readonly log: (event: UnstampedEvent) => void;
  readonly onSampled: (tokens: number) => void;
  readonly signal: AbortSignal;
}

/** Runs a job to its end; what an earlier attempt finished is not done again. */
export async function runJob(job: Job, hooks: JobHooks): Promise<void> {
  const paths = runPaths(job.folder);
  const done = paths.checkpoint(job.arm, checkpointStage(job));
  const finished = fs.existsSync(done);
  const source = finished ? done : sourceOf(job, paths);
  const checkpoint = await loadCheckpoint(source);
  const context = contextOf(job, checkpoint, paths, hooks);
  const task = await openTask(job.recipe, checkpoint.tokenizer);
  try {
    if (!finished) {
      await trainStage(job, context, task, paths);
      await saveStage(job, context, checkpoint, done, paths);
    }
    if (job.stage === "pretrain") return;
    const evaluated = await evaluateStage(context, job.recipe, task, hooks.onSampled);
    const shown = evaluated.find(({ mode }) => mode === "sampled") ?? evaluated[0];
    invariant(shown !== undefined, "a recipe evaluates in at least one mode");
    saveRollouts(paths.finalRollouts(job.arm, job.stage), shown.rollouts, checkpoint.tokenizer);
  } finally {
    await task.close();
  }
}

function sourceOf({ recipe, arm, stage }: Job, paths: RunPaths): string {
  return stage === "pretrain" ? drawnModel(paths) : paths.checkpoint(arm, sourceStage(recipe, stage));
}

/** Pretraining makes the base. */
function checkpointStage({ stage }: Job): CheckpointStage {
  return stage === "pretrain" ? "base" : stage;
}

function contextOf(job: Job, checkpoint: Checkpoint, paths: RunPaths, hooks: JobHooks): StageContext {
  const { arm, stage, recipe, recipeHash } = job;
  const snapshot = latestSnapshot(paths.snapshots, { arm, stage, recipeHash });
  return {
    config: checkpoint.config,
    weights: checkpoint.weights,
    adapter: adapterOf(job, checkpoint),
    tokenizer: checkpoint.tokenizer,
    endIds: checkpoint.endIds,
    padId: 0,
    threads: job.threads,
    device: recipe.device,
    precision: recipe.precision,
    arm,
    stage,
    seed: recipe.seed,
    log: hooks.log,
    resume: snapshot !== null && snapshot.stage === stage ? snapshot : null,
    save: ({ step, tensors, state }) => {
      const file = saveSnapshot(paths.snapshots, { recipeHash, arm, stage, step, tensors, state });
      hooks.log({ type: "snapshot", arm, stage, step, path: path.relative(paths.folder, file) });
    },
    signal: hooks.signal,
  };
}

/** Every stage trains an adapter of its own on the merged weights of the one before. */
function adapterOf({ recipe, stage }: Job, { config }: Checkpoint): LoraAdapter | null {
  const { lora, seed } = recipe;
  if (lora === null || stage === "pretrain" || stage === "base") return null;
  return { lora, adapter: initialLora(config, lora, seed, `lora ${stage}`) };
}

async function trainStage(job: Job, context: StageContext, task: Task, paths: RunPaths): Promise<void> {
  const { recipe, arm, stage } = job;
  const snapshotEvery = recipe.snapshotEverySteps;
  switch (stage) {
    case "pretrain":
      invariant(recipe.pretrain !== null, "the recipe pretrains");
      await runSft(context, { settings: recipe.pretrain, task, purpose: "pretrain", snapshotEvery });
      return;
    case "sft":
      invariant(recipe.sft !== null, "the recipe has an SFT stage");
      await runSft(context, { settings: recipe.sft, task, purpose: "sft", snapshotEvery });
      return;
    case "more-sft": {
      invariant(recipe.sft !== null && job.steps !== null, "the control's steps are known");
      const settings = { ...recipe.sft, steps: job.steps };
      await runSft(context, { settings, task, purpose: "more-sft", snapshotEvery });
      return;
    }
    case "rl":
      invariant(recipe.rl !== null, "the recipe has an RL stage");
      await runRl(context, {
        settings: recipe.rl,
        task,
        window: recipe.window,
        snapshotEvery,
        onRollouts: (step, rollouts) => {
          if (step % recipe.rolloutsEverySteps !== 0 && step !== 1) return;
          saveRollouts(paths.rollouts(arm, step), rollouts, context.tokenizer);
        },
      });
      return;
    case "base":
      throw new Error("the base checkpoint exists before its job starts");
    default:
      return stage satisfies never;
  }
}

async function saveStage(
  job: Job,
  context: StageContext,
  source: Checkpoint,
  folder: string,
  paths: RunPaths,
): Promise<void> {
  const { arm, stage } = job;
  const { config, adapter } = context;
  if (adapter !== null) {
    // The checkpoint comes last, because it is what tells that the stage is done.
    const beside = paths.adapter(arm, checkpointStage(job));
    await saveLora({ folder: beside, config, ...adapter, base: source.folder, replace: true });
  }
  await saveCheckpoint({
    folder,
    config,
    weights: context.weights,
    source: source.folder,
    rawConfig: source.rawConfig,
  });
  context.log({ type: "checkpoint", arm, stage, step: null, path: path.relative(paths.folder, folder) });
}
