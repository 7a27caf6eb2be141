// The work of `swarr analyze`: open the model, gather the texts, measure them, and write what was asked for.

import fs from "node:fs";
import os from "node:os";
import { createAttentionProbe, type LayerAttention } from "../analyze/attention-probe.ts";
import { gapFigures, type GapFigures } from "../analyze/figures.ts";
import { createGapMeter, type MeasuredText, type TextGaps } from "../analyze/gap.ts";
import { suggestPlan, type PlanSuggestion } from "../analyze/plan.ts";
import { SwarrError } from "../base/errors.ts";
import { requireWritableFile } from "../base/files.ts";
import { loadCheckpoint, type Checkpoint } from "../checkpoint/load.ts";
import { openModel } from "../checkpoint/open-model.ts";
import { templateFrom } from "../data/template.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { Engine } from "../engine/engine.ts";
import type { ModelConfig } from "../model/config.ts";
import { forwardFlops } from "../model/flops.ts";
import { checkFlags, requireFullAttention } from "./analysis-document.ts";
import type { AnalysisDocument, AnalyzeFlags, MeasuredSet } from "./analysis-document.ts";
import { textFigures, writeFitting, writeRunAnalysis, writeTokens } from "./analysis-files.ts";
import { textsOfData, textsOfRollouts, textsOfRun, type TextSet } from "./analysis-texts.ts";
import { withInterrupt } from "./interrupt.ts";
import { note } from "./output.ts";
import { createProgress } from "./progress.ts";

export async function runAnalysis(model: string, flags: AnalyzeFlags): Promise<AnalysisDocument> {
  checkFlags(flags);
  for (const out of [flags.filter, flags.tokens]) if (out !== undefined) requireWritableFile(out);
  const folder = await openModel(model, note);
  const checkpoint = await loadCheckpoint(folder);
  if (flags.attention === true || flags.suggest !== undefined) requireFullAttention(checkpoint, model);
  const windowedReader =
    flags.windowedModel === undefined ? undefined : await loadCheckpoint(await openModel(flags.windowedModel, note));
  const engine = createEngine({ threads: threadsFor(checkpoint.config) });
  const sets = await gather(checkpoint, flags);
  const isRun = flags.rollouts !== undefined && fs.statSync(flags.rollouts).isDirectory();
  return withInterrupt("Start it again; nothing was written.", async (signal) => {
    const measured = await measureAll(engine, checkpoint, windowedReader, sets, flags.window, signal);
    const pooled = pool(measured, flags.window);
    const attention = await attentionOf(engine, checkpoint, pooled, flags, signal);
    const document: AnalysisDocument = {
      ...pooled.figures,
      window: flags.window,
      scorer: model,
      windowedReader: flags.windowedModel ?? null,
      ...(isRun ? { texts: textFigures(measured, flags.window) } : {}),
      ...attention,
      ...(flags.filter === undefined ? {} : { filter: writeFitting(flags.filter, measured[0]!, flags.maxGap) }),
    };
    if (flags.tokens !== undefined) writeTokens(flags.tokens, measured, checkpoint);
    if (isRun) writeRunAnalysis(flags.rollouts ?? "", document, measured);
    return document;
  });
}

/** Floating-point operations a token from which on a second thread works more than it waits. */
const LARGE_MODEL_FLOPS = 1e7;

/** A text at a time: a small model on two threads took six times the processor time of one (miniature, busy machine). */
function threadsFor(config: ModelConfig): number {
  return forwardFlops(config, 1) < LARGE_MODEL_FLOPS ? 1 : os.availableParallelism();
}

async function gather(checkpoint: Checkpoint, flags: AnalyzeFlags): Promise<readonly TextSet[]> {
  const { data, rollouts = "", limit } = flags;
  if (data !== undefined) {
    const mapping = {
      ...(flags.questionField === undefined ? {} : { questionField: flags.questionField }),
      ...(flags.answerField === undefined ? {} : { answerField: flags.answerField }),
    };
    const template = templateFrom(flags.template);
    return [await textsOfData(data, checkpoint, { template, mapping, ...(limit === undefined ? {} : { limit }) })];
  }
  if (!fs.existsSync(rollouts)) {
    throw new SwarrError("FILE_MISSING", {
      what: `There is nothing at ${rollouts}.`,
      expected: "a run folder, or a file of rollouts.",
      fix: "Check the path.",
    });
  }
  const sets = fs.statSync(rollouts).isDirectory()
    ? await textsOfRun(rollouts, checkpoint, note, limit)
    : [textsOfRollouts(rollouts, rollouts, checkpoint, limit)];
  const uncertain = sets.reduce((total, { retokenised = 0 }) => total + retokenised, 0);
  if (uncertain > 0) note(`${uncertain} rollouts were tokenised anew: their token texts name no tokens for certain.`);
  return sets;
}

async function measureAll(
  engine: Engine,
  reader: Checkpoint,
  windowedReader: Checkpoint | undefined,
  sets: readonly TextSet[],
  window: number,
  signal: AbortSignal,
): Promise<readonly MeasuredSet[]> {
  const meter = createGapMeter({ engine, reader, window, ...(windowedReader === undefined ? {} : { windowedReader }) });
  const total = sets.reduce((sum, { texts }) => sum + texts.length, 0);
  const progress = createProgress({ label: "analyze", total, unit: "texts" });
  let done = 0;
  try {
    const all: MeasuredSet[] = [];
    for (const set of sets) {
      const measured: TextGaps[] = [];
      for (const text of set.texts) {
        signal.throwIfAborted();
        measured.push(await meter.measure(text));
        progress.update(++done);
      }
      all.push({ ...set, measured, figures: gapFigures(measured, window) });
    }
    return all;
  } finally {
    progress.end();
    await meter.dispose();
  }
}

/** What the figures at the top are about: the data, or all rollouts of evaluations together (those of RL steps if there are no others). */
function pool(
  sets: readonly MeasuredSet[],
  window: number,
): { readonly texts: readonly MeasuredText[]; readonly measured: readonly TextGaps[]; readonly figures: GapFigures } {
  const sampled = sets.filter(({ rows }) => rows !== undefined);
  const finals = sampled.filter(({ step }) => step === undefined);
  const chosen = finals.length > 0 ? finals : sampled;
  const measured = chosen.flatMap((set) => set.measured);
  return { texts: chosen.flatMap(({ texts }) => texts), measured, figures: gapFigures(measured, window) };
}

async function attentionOf(
  engine: Engine,
  checkpoint: Checkpoint,
  { texts, measured }: { readonly texts: readonly MeasuredText[]; readonly measured: readonly TextGaps[] },
  flags: AnalyzeFlags,
  signal: AbortSignal,
): Promise<{ readonly attention?: readonly LayerAttention[]; readonly plan?: PlanSuggestion }> {
  if (flags.attention !== true && flags.suggest === undefined) return {};
  const { window, suggest, search = false } = flags;
  const probe = createAttentionProbe(engine, checkpoint.config, checkpoint.weights, window);
  try {
    for (const [index, text] of texts.entries()) {
      signal.throwIfAborted();
      await probe.add(text.ids, measured[index]!);
    }
    const attention = probe.layers();
    if (attention === null) throw nothingBeyond(window);
    if (suggest === undefined) return { attention };
    const plan = await suggestPlan({
      engine,
      reader: checkpoint,
      window,
      texts,
      measured,
      attention,
      fullLayerCount: suggest,
      search,
      onPlan: ({ fullAttentionLayers, meanGapNats }) =>
        note(`full ${fullAttentionLayers.join(",")}: ${meanGapNats.toFixed(4)} nats a token`),
      signal,
    });
    return { attention, plan };
  } finally {
    await probe.dispose();
  }
}

function nothingBeyond(window: number): SwarrError {
  return new SwarrError("BAD_DATA", {
    what: `No response token stands at position ${window} or beyond.`,
    expected: "texts longer than the window.",
    fix: "Give longer texts, or a smaller window.",
  });
}
