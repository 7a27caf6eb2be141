// STAGE 1, top to bottom: batches of examples, cross-entropy on their responses, AdamW. Pretraining is the same loop.

import { forwardFlops } from "../model/flops.ts";
import type { ExamplePurpose, Task } from "../tasks/task.ts";
import { packSequences, type PackedSequences } from "../tokens/pack.ts";
import { rowShape } from "../train/microbatch.ts";
import { learningRateAt } from "../train/schedule.ts";
import { scheduleOf } from "../train/settings.ts";
import { runSteps, type StageContext, type StageTotals } from "../train/stage.ts";
import { createTrainer, type Trainer } from "../train/step.ts";
import { crossEntropy } from "../train/token-loss.ts";
import { nextBatch } from "./dataset.ts";
import type { SftSettings } from "./settings.ts";

export interface SftRun {
  readonly settings: SftSettings;
  readonly task: Task;
  readonly purpose: ExamplePurpose;
  readonly snapshotEvery: number;
}

/** Trains `context.weights` in place. @returns what it cost */
export async function runSft(context: StageContext, run: SftRun): Promise<StageTotals> {
  const { engine, config, weights, tokenizer, arm, stage } = context;
  const { settings, task, purpose, snapshotEvery } = run;
  const schedule = scheduleOf(settings, settings.steps);
  const trainer = createTrainer({ engine, config, weights, loss: crossEntropy });
  let cursor = context.resume === null ? 0 : (context.resume.state["cursor"] as number);

  const runStep = async (step: number, totals: StageTotals): Promise<void> => {
    const started = performance.now();
    const endId = context.endIds[0]!;
    const batch = nextBatch(task, tokenizer, { ...settings, purpose, cursor, endId });
    cursor = batch.cursor;
    const longest = batch.sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const shape = rowShape(config, longest, settings.microbatchTokens);
    const packed = packSequences(batch.sequences, {
      rowTokens: shape.tokens,
      rowsPerMicrobatch: shape.rows,
      padId: context.padId,
    });
    const loss = await accumulateAll(trainer, packed);
    const learningRate = learningRateAt(schedule, step);
    const gradientNorm = trainer.update({
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
      lossNatsPerToken: loss / packed.targetCount,
      gradientNorm,
      learningRate,
      lossTokens: packed.targetCount,
      tokensTrained: packed.tokenCount,
      tokensPerSecond: (1000 * packed.tokenCount) / (performance.now() - started),
    });
  };

  try {
    return await runSteps(context, trainer, {
      steps: settings.steps,
      snapshotEvery,
      runStep,
      state: () => ({ cursor }),
    });
  } finally {
    await trainer.dispose();
  }
}

/** @returns the summed loss over response tokens, nats, in double arithmetic */
async function accumulateAll(trainer: Trainer, packed: PackedSequences): Promise<number> {
  let loss = 0;
  for (const microbatch of packed.microbatches) {
    const shape = { rows: microbatch.rows, tokens: microbatch.rowTokens };
    const { logProb } = await trainer.accumulate({ ...microbatch, shape, extras: { weight: microbatch.weight } });
    for (let i = 0; i < logProb.length; i++) loss -= microbatch.weight[i]! * logProb[i]!;
  }
  return loss;
}
