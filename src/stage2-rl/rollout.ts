// Prompts → groups of sampled responses, graded: the on-policy data of one step.

import { randomStream } from "../base/seeds.ts";
import type { SampledResponse } from "../generate/sampler.ts";
import type { ReplicatedModel } from "../replicas/model.ts";
import type { DependencyStats, Graded, Task, TaskProblem } from "../tasks/task.ts";
import type { StageContext } from "../train/stage.ts";
import type { RlSettings } from "./settings.ts";

/** One sampled response with everything known of it before the update. */
export interface Rollout {
  /** which prompt of the step, and which rollout of its group; both from 0 */
  readonly group: number;
  readonly sample: number;
  readonly problem: TaskProblem;
  readonly promptIds: readonly number[];
  readonly response: SampledResponse;
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
    responses.map(async (response, index) => {
      const group = Math.floor(index / groupSize);
      const problem = problems[group]!;
      const promptIds = prompts[group]!;
      const ended = response.finishReason === "stop";
      const text = context.tokenizer.decode(ended ? response.ids.subarray(0, -1) : response.ids);
      const graded = await task.grade(problem, { text, ids: response.ids, ended });
      const dependency = task.dependency?.(promptIds, response.ids, options.window) ?? null;
      return { group, sample: index % groupSize, problem, promptIds, response, text, graded, dependency };
    }),
  );
}
