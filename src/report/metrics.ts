// The metrics of a run: name, unit, one sentence of meaning each, and which events carry them.

import type { StepEvent } from "../run/timeline.ts";

/** How a value is written. */
export type MetricUnit = "share" | "nats" | "tokens" | "rate" | "number" | "small";

export interface Metric {
  /** the field of the event */
  readonly key: string;
  readonly label: string;
  readonly unit: MetricUnit;
  /** one sentence: what it is and how to read it */
  readonly explain: string;
  readonly of: "rl" | "sft" | "both";
  /** shown without asking for more */
  readonly main: boolean;
}

/** In the order they are shown. */
export const METRICS: readonly Metric[] = [
  metric("rewardMean", "Reward", "number", "rl", true, "Mean reward over the rollouts of the step; it should rise."),
  metric(
    "accuracy",
    "Accuracy",
    "share",
    "rl",
    true,
    "Share of the step's rollouts whose final answer is right, sampled at the training temperature; held-out accuracy is on the overview page.",
  ),
  metric(
    "lossNatsPerToken",
    "Loss",
    "nats",
    "both",
    true,
    "Supervised: mean cross-entropy of the response tokens, which should fall. RL: about 0 and free to rise is normal, because on-policy the ratio is 1 and a group's advantages sum to 0; watch the reward instead.",
  ),
  metric(
    "beyondWindow",
    "Dependencies beyond the window",
    "share",
    "rl",
    true,
    "Share of rollouts that look something up farther back than the window reaches; under a window RL should bring it down.",
  ),
  metric(
    "restating",
    "Steps restated",
    "share",
    "rl",
    true,
    "Share of reasoning steps that repeat what is still needed, which brings it back inside the window.",
  ),
  metric(
    "meanLength",
    "Response length",
    "tokens",
    "rl",
    true,
    "Mean response length, cut-off responses counted at the cap; keeping things inside a window costs some length.",
  ),
  metric(
    "entropyNats",
    "Entropy",
    "nats",
    "rl",
    true,
    "Mean entropy of the next-token distribution over the whole vocabulary; a fall to nearly 0 means the policy no longer explores.",
  ),
  metric(
    "gradientNorm",
    "Gradient norm",
    "number",
    "both",
    true,
    "Global norm of the gradient before clipping; spikes come before trouble.",
  ),
  metric(
    "samplerTrainerMaxDifference",
    "Sampler and trainer, worst token",
    "small",
    "rl",
    true,
    "Largest difference between a token's log-prob when sampled and when trained, before the first update; above 1e-4 the gradient belongs to another policy.",
  ),
  metric(
    "samplingTokensPerSecond",
    "Sampling speed",
    "rate",
    "rl",
    true,
    "Tokens sampled a second, prompts not counted.",
  ),
  metric(
    "trainingTokensPerSecond",
    "Training speed",
    "rate",
    "rl",
    true,
    "Tokens through forward and backward passes a second, the optimizer's time included.",
  ),
  metric(
    "tokensPerSecond",
    "Training speed",
    "rate",
    "sft",
    true,
    "Tokens through forward and backward passes a second, the optimizer's time included.",
  ),
  metric(
    "learningRate",
    "Learning rate",
    "small",
    "both",
    true,
    "The optimizer's learning rate at this step, after warm-up and decay.",
  ),
  metric(
    "degenerateGroups",
    "Groups without a signal",
    "share",
    "rl",
    false,
    "Share of groups whose rewards are all equal: they teach nothing and are dropped; near 1 the problems are too easy or too hard.",
  ),
  metric(
    "rewardStd",
    "Reward spread",
    "number",
    "rl",
    false,
    "Standard deviation of the reward over the step's rollouts.",
  ),
  metric(
    "meanTerminatedLength",
    "Length of finished responses",
    "tokens",
    "rl",
    false,
    "Mean length of the responses that ended by themselves.",
  ),
  metric(
    "truncated",
    "Cut off at the cap",
    "share",
    "rl",
    false,
    "Share of rollouts that reached the length cap before they ended; they can hardly be right.",
  ),
  metric(
    "clippedLow",
    "Clipped below",
    "share",
    "rl",
    false,
    "Share of trained tokens whose probability ratio fell under the lower clip bound, where their gradient stops.",
  ),
  metric(
    "clippedHigh",
    "Clipped above",
    "share",
    "rl",
    false,
    "Share of trained tokens whose probability ratio passed the upper clip bound, where their gradient stops.",
  ),
  metric(
    "klToBehaviour",
    "KL to the sampling policy",
    "small",
    "rl",
    false,
    "How far the step's later updates moved from the policy that sampled, as mean of ratio - 1 - log ratio; 0 before the first update.",
  ),
  metric(
    "samplerTrainerMeanDifference",
    "Sampler and trainer, mean",
    "small",
    "rl",
    false,
    "Mean absolute difference between a token's log-prob when sampled and when trained; float32 rounding is about 1e-7.",
  ),
  metric("tokensSampled", "Tokens sampled", "tokens", "rl", false, "Response tokens sampled in this step."),
  metric(
    "tokensTrained",
    "Tokens trained",
    "tokens",
    "both",
    false,
    "Tokens that went through forward and backward passes in this step, prompts included.",
  ),
  metric("lossTokens", "Tokens in the loss", "tokens", "sft", false, "Response tokens the loss was taken over."),
];

/** The metrics that an event of this type may carry. */
export function metricsOf(type: StepEvent["type"]): readonly Metric[] {
  const stage = type === "rl-step" ? "rl" : "sft";
  return METRICS.filter((one) => one.of === "both" || one.of === stage);
}

/** A step's value of a metric; null when the step has none. */
export function metricValue(row: StepEvent, key: string): number | null {
  const value = (row as unknown as Readonly<Record<string, unknown>>)[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A value as a person reads it: `92.5 %`, `1.4 M`, `4.1e-6`. */
export function formatMetric(value: number | null, unit: MetricUnit): string {
  if (value === null) return "–";
  switch (unit) {
    case "share":
      return `${(100 * value).toFixed(1)} %`;
    case "nats":
      return fixed(value);
    case "tokens":
      return compactNumber(value);
    case "rate":
      return `${compactNumber(value)}/s`;
    case "number":
      return Math.abs(value) >= 1000 ? compactNumber(value) : fixed(value);
    case "small":
      return value === 0 ? "0" : value.toExponential(1);
    default:
      return unit satisfies never;
  }
}

/** `853 k`, `1.40 M`, `2.6 T`: three significant digits. */
export function compactNumber(value: number): string {
  const size = Math.abs(value);
  for (const [limit, letter] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= limit * 0.9995) return `${threeDigits(value / limit)} ${letter}`;
  }
  return Number.isInteger(value) ? String(value) : threeDigits(value);
}

/** `58 s`, `4 min 45 s`, `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** Three decimals, without a sign on zero. */
function fixed(value: number): string {
  return value.toFixed(3).replace(/^-(?=0\.000$)/, "");
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function metric(
  key: string,
  label: string,
  unit: MetricUnit,
  of: Metric["of"],
  main: boolean,
  explain: string,
): Metric {
  return { key, label, unit, of, main, explain };
}
