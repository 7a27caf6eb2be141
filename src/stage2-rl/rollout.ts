// Prompts → groups of sampled responses, graded: the on-policy data of one step.

import { randomStream } from "../base/seeds.ts";
import type { SampledResponse } from "../generate/sampler.ts";
import type { ReplicatedModel } from "../replicas/model.ts";
import type { DependencyStats, Graded, Task, TaskProblem } from "../tasks/task.ts";
import type { StageContext } from "../train/stage.ts";
import type { RlSettings } from "./settings.ts";

/** One sampled response and what it answers. */
export interface SampledRollout {
  /** which prompt of the step, and which rollout of its group; both from 0 */
  readonly group: number;
  readonly sample: number;
  readonly problem: TaskProblem;
  readonly promptIds: readonly number[];
  readonly response: SampledResponse;
}

/** One sampled response with everything known of it before the update. */
export interface Rollout extends SampledRollout {
  readonly text: string;
  readonly graded: Graded;
  /** null where the task has no such measure */
  readonly dependency: DependencyStats | null;
}

export interface RolloutOptions {
  readonly task: Task;
  readonly settings: RlSettings;
  readonly model: ReplicatedModel;
  /** the recipe's window: dependencies beyond it are counted, in the full-attention arm too */
  readonly window: number;
}

/** The rollouts of step `step`: `promptsPerStep` groups of `groupSize`, in order. */
export async function sampleRollouts(
  context: StageContext,
  step: number,
  options: RolloutOptions,
): Promise<readonly Rollout[]> {
  const { task, settings, model } = options;
  const { promptsPerStep, groupSize, maxNewTokens, temperature, topP } = settings;
  const problems = Array.from({ length: promptsPerStep }, (_, i) => task.rlProblem((step - 1) * promptsPerStep + i));
  const prompts = problems.map(({ prompt }) => context.tokenizer.encode(prompt));
  const requests = prompts.flatMap((promptIds, group) =>
    Array.from({ length: groupSize }, (_, sample) => {
      const name = { root: context.seed, purpose: `rollout ${context.arm}`, step, item: group * groupSize + sample };
      return { promptIds, maxNewTokens, temperature, topP, seed: randomStream(name).integer(2 ** 32) };
    }),
  );
  const { endIds, signal } = context;
  const responses = await model.sample(requests, { endIds, signal });
  return Promise.all(
    responses.map((response, index) => {
      const group = Math.floor(index / groupSize);
      const place = { group, sample: index % groupSize, problem: problems[group]!, promptIds: prompts[group]! };
      return gradedRollout(context, task, options.window, { ...place, response });
    }),
  );
}

/** Reads a response, grades it, and measures how far it looks back. @param window  W of the recipe, whatever the arm */
export async function gradedRollout(
  { tokenizer }: Pick<StageContext, "tokenizer">,
  task: Task,
  window: number,
  sampled: SampledRollout,
): Promise<Rollout> {
  const { problem, promptIds, response } = sampled;
  const ended = response.finishReason === "stop";
  const text = tokenizer.decode(ended ? response.ids.subarray(0, -1) : response.ids);
  const graded = await task.grade(problem, { text, ids: response.ids, ended });
  const dependency = task.dependency?.(promptIds, response.ids, window) ?? null;
  return { ...sampled, text, graded, dependency };
}
