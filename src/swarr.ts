// The package's one entry: a model, what can be asked of it, and the two stages that change it. See docs/library.md.

export { loadModel, type LoadOptions, type Model, type SaveModelOptions, type Window } from "./library/model.ts";
export { convert, type ConvertModelOptions } from "./library/convert.ts";
export type { Converted } from "./checkpoint/convert.ts";

export { generate, logprobs, type Generated, type GenerateOptions, type TokenLogProbs } from "./library/text.ts";
export { evaluate, type EvaluateOptions, type EvaluateResult } from "./library/evaluate.ts";

export { rl, sft, type RlOptions, type SftOptions, type StageEvent } from "./library/train.ts";
export type { ProblemRow, TrainingRow } from "./library/rows.ts";
export type { StageTotals } from "./train/stage.ts";
export type { Rollout } from "./stage2-rl/rollout.ts";

export { defineTask, type Graded, type Task, type TaskExample, type TaskProblem } from "./tasks/task.ts";
export { defineReward, type RewardModule } from "./verify/reward-module.ts";
export type { Reward, RewardInput } from "./verify/reward.ts";

export { SwarrError, type ErrorCode } from "./base/errors.ts";
