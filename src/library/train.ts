// The two stages on a model in memory: supervised fine-tuning, then on-policy RL. Both change its weights in place.

import type { z } from "zod";
import type { UnstampedEvent } from "../run/event-log.ts";
import { runSft } from "../stage1-sft/run.ts";
import { sftSettings } from "../stage1-sft/settings.ts";
import { runRl } from "../stage2-rl/run.ts";
import type { Rollout } from "../stage2-rl/rollout.ts";
import { rlSettings } from "../stage2-rl/settings.ts";
import type { Task } from "../tasks/task.ts";
import type { StageContext, StageTotals } from "../train/stage.ts";
import type { RewardModule } from "../verify/reward-module.ts";
import { workingsOf, type Model } from "./model.ts";
import { problemTask, trainingTask, type ProblemRow, type RowOptions, type TrainingRow } from "./rows.ts";
import { checkedSettings } from "./settings.ts";

/** What a stage says while it runs: one typed record a step, and one at its start and end. */
export type StageEvent = UnstampedEvent;

interface StageOptions extends RowOptions {
  /** names every random draw; default 1 */
  readonly seed?: number;
  readonly onEvent?: (event: StageEvent) => void;
  /** stops after the current step; the call then throws the signal's reason, the weights as that step left them */
  readonly signal?: AbortSignal;
}

/** The stage's own settings (see its README), the rows or the task, and how to listen and stop. */
export interface SftOptions extends z.input<typeof sftSettings>, StageOptions {
  /** a JSON Lines or Parquet file, or rows; exactly one of `rows` and `task` is given */
  readonly rows?: string | readonly TrainingRow[];
  readonly task?: Task;
}

export interface RlOptions extends z.input<typeof rlSettings>, StageOptions {
  /** a JSON Lines or Parquet file, or problems; exactly one of `problems` and `task` is given */
  readonly problems?: string | readonly ProblemRow[];
  readonly task?: Task;
  /** of problems: scores each response; absent: 1 when the final answer is right, else 0 */
  readonly reward?: RewardModule;
  /** sees the graded responses of every step before the update */
  readonly onRollouts?: (step: number, rollouts: readonly Rollout[]) => void;
}

/**
 * Stage 1: cross-entropy on the rows' responses under the model's window.
 *
 * @returns what it cost
 * @throws `BAD_ARGUMENT` naming the setting; `BAD_DATA`, `BAD_JSON` or `FILE_MISSING` naming the row
 */
export async function sft(model: Model, options: SftOptions): Promise<StageTotals> {
  const { rows, task, template, questionField, answerField, seed = 1, onEvent, signal, ...given } = options;
  const settings = checkedSettings(sftSettings, given, "sft");
  const context = contextOf(model, "sft", { seed, onEvent, signal });
  const source = await trainingTask(model, definedOnly({ rows, task, template, questionField, answerField }), seed);
  return runSft(context, { settings, task: source, purpose: "sft", snapshotEvery: Infinity });
}

/**
 * Stage 2: groups of responses sampled under the model's window, rewarded, and learned from.
 *
 * @returns what it cost
 * @throws as `sft`; `BAD_REWARD` when a reward is no finite number
 */
export async function rl(model: Model, options: RlOptions): Promise<StageTotals> {
  const { problems, task, reward, template, questionField, answerField, ...rest } = options;
  const { seed = 1, onEvent, signal, onRollouts = () => {}, ...given } = rest;
  const settings = checkedSettings(rlSettings, given, "rl");
  const context = contextOf(model, "rl", { seed, onEvent, signal });
  const source = definedOnly({ problems, task, reward, template, questionField, answerField });
  const opened = await problemTask(model, source, { seed, maxTokens: settings.maxNewTokens });
  try {
    const window = Math.min(...model.config.windows.map((each) => each ?? Infinity));
    return await runRl(context, { settings, task: opened.task, window, snapshotEvery: Infinity, onRollouts });
  } finally {
    await opened.close();
  }
}

interface Listening {
  readonly seed: number;
  readonly onEvent: ((event: StageEvent) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

function contextOf(model: Model, stage: "sft" | "rl", { seed, onEvent, signal }: Listening): StageContext {
  const { config, weights, tokenizer, endIds } = model;
  return {
    config,
    weights,
    adapter: null,
    tokenizer,
    endIds,
    padId: 0,
    threads: workingsOf(model).threads,
    device: "cpu",
    precision: "float32",
    arm: config.windows.some((window) => window !== null) ? "swa" : "sa",
    stage,
    seed,
    log: (event) => onEvent?.(event),
    resume: null,
    // Nothing to resume from: whoever wants a checkpoint calls model.save.
    save: () => {},
    signal: signal ?? new AbortController().signal,
  };
}

type Defined<Given> = { [Name in keyof Given]?: Exclude<Given[Name], undefined> };

/** Without the settings that were left out. */
function definedOnly<Given extends object>(given: Given): Defined<Given> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<Given>;
}
