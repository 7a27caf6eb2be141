// What must agree about training: splits, packing, resuming, and the sampler with the trainer.

import { describe, expect, it } from "vitest";
import { sftSettings } from "../../src/stage1-sft/settings.ts";
import { runSft } from "../../src/stage1-sft/run.ts";
import { runRl } from "../../src/stage2-rl/run.ts";
import type { Rollout } from "../../src/stage2-rl/rollout.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { packSequences, unpackResponses, type PackSequence } from "../../src/tokens/pack.ts";
import { replicate } from "../../src/replicas/model.ts";
import { withWindow } from "../../src/model/window.ts";
import { digitsTask, shortRl } from "../support/digits-task.ts";
import { expectClose } from "../support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../support/tiny-model.ts";
import { eventsOf, tinyStage, type TinyStage } from "../support/tiny-stage.ts";
import { tolerances } from "../support/tolerances.ts";

const config = withWindow(tinyConfig({ tiedHead: true, queryKeyValueBias: true }), 6);
const sequences: readonly PackSequence[] = [9, 30, 17, 24, 5, 40, 12].map((length, i) => ({
  ids: tinyIds(length, 70 + i),
  promptLength: 1 + (i % 4),
}));

/** One optimizer step whose move shows the gradient itself: with epsilon 1 a step of rate 1 moves by g / (|g| + 1). */
async function stepWith(
  rowTokens: number,
  rowsPerMicrobatch: number,
  order: readonly PackSequence[],
  threads = 1,
): Promise<{ weights: Weights; logProbs: Map<PackSequence, Float32Array> }> {
  const weights = tinyWeights(config);
  const model = await replicate({ config, weights, loss: { kind: "cross-entropy" }, threads, decodeBatch: 1 });
  const packed = packSequences(order, { rowTokens, rowsPerMicrobatch, padId: 0 });
  const batches = packed.microbatches.map((batch) => ({
    ...batch,
    shape: { rows: batch.rows, tokens: batch.rowTokens },
    extras: { weight: batch.weight },
  }));
  const results = (await model.accumulate(batches)).map(({ logProb }) => logProb);
  await model.update({
    learningRate: 1,
    gradientScale: 1 / packed.targetCount,
    maxGradientNorm: null,
    adamw: { beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0 },
  });
  await model.dispose();
  const unpacked = unpackResponses(packed, results);
  return { weights, logProbs: new Map(order.map((sequence, i) => [sequence, unpacked[i]!])) };
}

describe("a training step", () => {
  it("gives the same log-probs and the same gradient however it is split, packed, ordered, padded and spread over threads", async () => {
    const whole = await stepWith(60, 4, sequences);
    const moved = [...whole.weights].some(([name, data]) =>
      data.some((x, i) => x !== tinyWeights(config).get(name)![i]),
    );
    expect(moved).toBe(true);
    const ways: readonly (readonly [number, number, readonly PackSequence[], number?])[] = [
      [40, 1, sequences],
      [40, 1, sequences, 3],
      [60, 1, [...sequences].reverse()],
      [137, 1, sequences],
      [48, 7, sequences],
    ];
    for (const [rowTokens, rows, order, threads] of ways) {
      const other = await stepWith(rowTokens, rows, order, threads);
      for (const sequence of sequences) {
        expectClose(other.logProbs.get(sequence)!, whole.logProbs.get(sequence)!, tolerances.logProb32, "log-prob");
      }
      for (const [name, data] of whole.weights) expectClose(other.weights.get(name)!, data, tolerances.step32, name);
    }
  });
});

const sft = sftSettings.parse({ steps: 6, batchExamples: 4, lr: 0.003, warmupSteps: 1, microbatchTokens: 256 });

const runs = {
  sft: (stage: TinyStage) =>
    runSft(stage.context, { settings: sft, task: digitsTask, purpose: "sft", snapshotEvery: 100 }),
  rl: (stage: TinyStage, seen: Rollout[] = []) =>
    runRl(stage.context, {
      settings: shortRl,
      task: digitsTask,
      window: 12,
      snapshotEvery: 100,
      onRollouts: (_, rollouts) => seen.push(...rollouts),
    }),
};

describe.each(["sft", "rl"] as const)("the %s stage", (name) => {
  it("ends with the same bytes whether it was interrupted and resumed or not", async () => {
    const straight = tinyStage({ stage: name });
    const totals = await runs[name](straight);
    const first = tinyStage({ stage: name, stopAfter: 2 });
    await expect(runs[name](first)).rejects.toThrow("stopped by the test");
    const [snapshot] = first.snapshots;
    expect(snapshot!.step).toBe(2);
    const second = tinyStage({ stage: name, resume: snapshot! });
    const resumedTotals = await runs[name](second);
    expect(second.context.weights).toEqual(straight.context.weights);
    expect({ ...resumedTotals, seconds: 0 }).toEqual({ ...totals, seconds: 0 });
  });
});

describe("the stages on two threads", () => {
  it("end with the same bytes every time, interrupted or not", async () => {
    for (const name of ["sft", "rl"] as const) {
      const straight = tinyStage({ stage: name, threads: 2 });
      await runs[name](straight);
      const first = tinyStage({ stage: name, threads: 2, stopAfter: 2 });
      await expect(runs[name](first)).rejects.toThrow("stopped by the test");
      const second = tinyStage({ stage: name, threads: 2, resume: first.snapshots[0]! });
      await runs[name](second);
      expect(second.context.weights).toEqual(straight.context.weights);
    }
  });
});

describe("the rl stage", () => {
  it("trains on groups whose rewards differ: a gradient above 0, changed weights, a reward that rises", async () => {
    const stage = tinyStage({ stage: "rl" });
    const before = new Map([...stage.context.weights].map(([name, data]) => [name, data.slice()]));
    await runs.rl(stage);
    const steps = eventsOf(stage, "rl-step");
    expect(steps.length).toBe(shortRl.steps);
    for (const step of steps) {
      expect(step.degenerateGroups).toBeLessThan(1);
      expect(step.gradientNorm).toBeGreaterThan(0);
    }
    expect(stage.context.weights).not.toEqual(before);
    expect(steps.at(-1)!.rewardMean).toBeGreaterThan(steps[0]!.rewardMean + 0.05);
  });

  it("samples with the log-probs it trains with", async () => {
    const seen: Rollout[] = [];
    const stage = tinyStage({ stage: "rl" });
    await runs.rl(stage, seen);
    expect(seen.length).toBe(shortRl.steps * shortRl.promptsPerStep * shortRl.groupSize);
    // Longer than the window of 12, so that the ring has wrapped.
    expect(Math.max(...seen.map(({ response }) => response.ids.length))).toBe(shortRl.maxNewTokens);
    for (const step of eventsOf(stage, "rl-step")) {
      expect(step.samplerTrainerMaxDifference).toBeLessThan(1e-5);
      expect(step.samplerTrainerMaxDifference).toBeGreaterThan(0);
    }
  });
});
