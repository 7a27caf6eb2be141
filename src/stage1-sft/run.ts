// STAGE 1, top to bottom: batches of examples, cross-entropy on their responses, AdamW. Pretraining is the same loop.

import { forwardFlops } from "../model/flops.ts";
import { replicate, type ReplicatedModel } from "../replicas/model.ts";
import type { ExamplePurpose, Task } from "../tasks/task.ts";
import { endIdOf } from "../tokens/end-id.ts";
import { packSequences, type PackedSequences } from "../tokens/pack.ts";
import { microbatchShape } from "../train/microbatch.ts";
import { learningRateAt } from "../train/schedule.ts";
import { scheduleOf } from "../train/settings.ts";
import { runSteps, type StageContext, type StageTotals } from "../train/stage.ts";
import { nextBatch } from "./dataset.ts";
import type { SftSettings } from "./settings.ts";

export interface SftRun {
  readonly settings: SftSettings;
  readonly task: Task;
  readonly purpose: ExamplePurpose;
  readonly snapshotEvery: number;
}

/** Trains `context.weights` (or its adapter) in place. @returns what it cost */
export async function runSft(context: StageContext, run: SftRun): Promise<StageTotals> {
  const { config, weights, adapter, tokenizer, threads, device, precision, arm, stage } = context;
  const { settings, task, purpose, snapshotEvery } = run;
  const schedule = scheduleOf(settings, settings.steps);
  const endId = endIdOf(context, "The model");
  const loss = { kind: "cross-entropy" } as const;
  const model = await replicate({ config, weights, adapter, loss, threads, device, precision, decodeBatch: 1 });
  let cursor = context.resume === null ? 0 : (context.resume.state["cursor"] as number);

  const runStep = async (step: number, totals: StageTotals): Promise<void> => {
    const started = performance.now();
    const batch = nextBatch(task, tokenizer, { ...settings, purpose, cursor, endId });
    cursor = batch.cursor;
    const lengths = batch.sequences.map(({ ids }) => ids.length);
    const shape = microbatchShape(config, lengths, {
      microbatchTokens: settings.microbatchTokens,
      threads: model.threads,
    });
    const packed = packSequences(batch.sequences, {
      rowTokens: shape.tokens,
      rowsPerMicrobatch: shape.rows,
      padId: context.padId,
    });
    const summedLoss = await accumulateAll(model, packed);
    const learningRate = learningRateAt(schedule, step);
    const gradientNorm = await model.update({
      learningRate,
      gradientScale: 1 / packed.targetCount,
      maxGradientNorm: settings.clipNorm,
      adamw: settings.optimizer,
    });
    totals.tokensTrained += packed.tokenCount;
    totals.tooLong += batch.tooLong;
    totals.flops += batch.sequences.reduce((sum, { ids }) => sum + 3 * forwardFlops(config, ids.length), 0);
    context.log({
      type: "sft-step",
      arm,
      stage,
      step,
      lossNatsPerToken: summedLoss / packed.targetCount,
      gradientNorm,
      learningRate,
      lossTokens: packed.targetCount,
      tokensTrained: packed.tokenCount,
      tokensPerSecond: (1000 * packed.tokenCount) / (performance.now() - started),
    });
  };

  try {
    return await runSteps(context, model, {
      steps: settings.steps,
      snapshotEvery,
      runStep,
      state: () => ({ cursor }),
    });
  } finally {
    await model.dispose();
  }
}

/** @returns the summed loss over response tokens, nats, in double arithmetic */
async function accumulateAll(model: ReplicatedModel, { microbatches }: PackedSequences): Promise<number> {
  const results = await model.accumulate(
    microbatches.map((batch) => ({
      ...batch,
      shape: { rows: batch.rows, tokens: batch.rowTokens },
      extras: { weight: batch.weight },
    })),
  );
  let loss = 0;
  for (const [index, { weight }] of microbatches.entries()) {
    const { logProb } = results[index]!;
    for (let i = 0; i < logProb.length; i++) loss -= weight[i]! * logProb[i]!;
  }
  return loss;
}
