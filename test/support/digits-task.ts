// A task on which RL has something to do with any model, and settings that make it short.

import { rlSettings } from "../../src/stage2-rl/settings.ts";
import { runningTotalTask } from "../../src/tasks/running-total.ts";
import type { Task } from "../../src/tasks/task.ts";

/** Rewards that differ between rollouts of any model: the share of digits among the response's tokens. */
export const digitsTask: Task = {
  ...runningTotalTask({ seed: 4, testCount: 2 }),
  grade: (_, { text }) => {
    const reward = (text.match(/\d/g)?.length ?? 0) / Math.max(1, text.length);
    return { reward, terms: { digits: reward }, verdict: "wrong", answer: null };
  },
};

export const shortRl = rlSettings.parse({
  steps: 4,
  promptsPerStep: 3,
  groupSize: 4,
  maxNewTokens: 24,
  minibatches: 2,
  lr: 0.01,
  microbatchTokens: 128,
});
