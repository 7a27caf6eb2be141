// The figures of a pretended run: its scores, results, mismatch measurement, recipe and manifest.

import type { ArmName, StageName } from "../../src/run/events.ts";
import type { RunResults, Score } from "../../src/run/results.ts";

export const WINDOW = 36;
/** accuracy by arm and stage */
export const LEVEL: Readonly<
  Record<ArmName, { readonly [stage in StageName]?: readonly [greedy: number, sampled: number] }>
> = {
  sa: { base: [1, 0.98], sft: [1, 0.99], rl: [0.996, 0.988] },
  swa: { base: [0.31, 0.28], sft: [0.39, 0.44], "more-sft": [0.52, 0.6], rl: [0.975, 0.925] },
};

/** Wilson at n = 512. */
export function scoreOf(accuracy: number): Score {
  const n = 512;
  const z = 1.96;
  const middle = (accuracy + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((accuracy * (1 - accuracy)) / n + (z * z) / (4 * n * n));
  return { accuracy, ci95: [Math.max(0, middle - half), Math.min(1, middle + half)], n };
}

export function results(seed: number): RunResults {
  const cell = (arm: ArmName, stage: StageName) => {
    const [greedy, sampled] = LEVEL[arm][stage] ?? [0, 0];
    return { greedy: scoreOf(greedy), sampled: scoreOf(sampled) };
  };
  const greedy = { gapAfterSft: 0.61, gapAfterRl: 0.021, gapRecovered: 0.966 };
  return {
    seed,
    window: WINDOW,
    arms: {
      sa: { base: cell("sa", "base"), sft: cell("sa", "sft"), rl: cell("sa", "rl") },
      swa: {
        base: cell("swa", "base"),
        sft: cell("swa", "sft"),
        moreSft: cell("swa", "more-sft"),
        rl: cell("swa", "rl"),
      },
    },
    ...greedy,
    gaps: { greedy, sampled: { gapAfterSft: 0.55, gapAfterRl: 0.063, gapRecovered: 0.885 } },
    dependency: {
      swaSft: { beyondWindow: 0.62, meanDistance: 26, restating: 0.2 },
      swaRl: { beyondWindow: 0.014, meanDistance: 17, restating: 0.53 },
      saSft: { beyondWindow: 0.63, meanDistance: 26, restating: 0.19 },
      saRl: { beyondWindow: 0.77, meanDistance: 34, restating: 0.03 },
    },
    cost: {
      "sa.pretrain": { tokensTrained: 1.2e6, tokensSampled: 0, flops: 2.2e12, seconds: 61 },
      "sa.sft": { tokensTrained: 4.4e5, tokensSampled: 0, flops: 8e11, seconds: 22 },
      "sa.rl": { tokensTrained: 1.1e5, tokensSampled: 9e5, flops: 9e11, seconds: 50 },
      "swa.sft": { tokensTrained: 4.4e5, tokensSampled: 0, flops: 8e11, seconds: 22 },
      "swa.moreSft": { tokensTrained: 8.5e5, tokensSampled: 0, flops: 1.6e12, seconds: 44 },
      "swa.rl": { tokensTrained: 9e5, tokensSampled: 1.4e6, flops: 2.6e12, seconds: 100 },
    },
    seconds: { total: 285, pretrain: 61, sft: 44, moreSft: 44, rl: 150, evaluation: 15 },
  };
}

export function analysis(): object {
  const byDistance = (scale: number) =>
    [
      [1, 12],
      [13, 24],
      [25, 36],
      [37, 48],
      [49, 67],
    ].map(([from, to], i) => ({ from, to, tokens: 2000 - 300 * i, gapNats: scale * Math.max(0, i - 1.5) ** 2 }));
  const text = (meanGapNats: number, beyondShare: number) => ({
    tokens: 8200,
    meanGapNats,
    standardError: 0.01,
    byVerdict: { right: { tokens: 6000, meanGapNats: meanGapNats + 0.02 }, other: { tokens: 2200, meanGapNats } },
    byReach: { beyond: { tokens: Math.round(8200 * beyondShare), gapNats: 0.6, ofMeanNats: 0.6 * beyondShare } },
    byDistance: byDistance(meanGapNats * 3),
  });
  const texts = {
    "SFT data": text(0.41, 0.12),
    "SWA after SFT": text(0.43, 0.13),
    "SWA after RL": text(-0.05, 0.0004),
    "SA after SFT": text(0.42, 0.12),
    "SA after RL": text(0.6, 0.19),
  };
  const bySteps = [5, 10, 15, 20].flatMap((step) => [
    { arm: "sa", step, tokens: 900, meanGapNats: 0.4 + step / 100 },
    { arm: "swa", step, tokens: 900, meanGapNats: 0.4 * Math.exp(-step / 6) - 0.05 },
  ]);
  const attention = [0, 1].map((layer) => ({
    layer,
    heads: [0.1, 0.2, 0.3, 0.05].map((beyond) => ({ beyond: beyond + layer / 10, rise: 0.1, correlation: 0.2 })),
  }));
  const plan = {
    suggested: { fullAttentionLayers: [1], meanGapNats: 0.12 },
    naive: { fullAttentionLayers: [0], meanGapNats: 0.4 },
  };
  return {
    window: WINDOW,
    scorer: "checkpoints/sa/base",
    windowedReader: "checkpoints/swa/sft",
    texts,
    bySteps,
    attention,
    plan,
  };
}

export function recipeText(options: {
  readonly seed: number;
  readonly sftSteps: number;
  readonly rlSteps: number;
  readonly groupSize: number;
  readonly groups: number;
  readonly learningRate: number;
}): string {
  return `seed: ${options.seed}
model: init
window: ${WINDOW}
arms: [sa, swa]
data:
  train: running-total
  test: running-total
sft:
  steps: ${options.sftSteps}
  lr: 0.001
  batchTokens: 1500
rl:
  steps: ${options.rlSteps}
  groupSize: ${options.groupSize}
  promptsPerStep: ${options.groups}
  lr: ${options.learningRate}
device: cpu
`;
}

export function manifestText(seed: number): string {
  const manifest = {
    swarr: "0.1.0",
    node: "20.19.0",
    onnxruntime: "1.30.0",
    platform: "linux x64",
    device: "cpu",
    kernels: "avx512",
    threads: 2,
    seed,
    inputs: {},
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
