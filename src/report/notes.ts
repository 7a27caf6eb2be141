// What a reader should know before believing a run's figures: sentences that follow from the numbers, good or bad.

import { compactNumber } from "./metrics.ts";
import { rlRows, type ReportData } from "./gather.ts";
import { MODE_NAMES, modesOf, percent, resultRows, type Mode } from "./rows.ts";

/** In order of weight; empty when nothing has been measured. */
export function honestNotes(data: ReportData): readonly string[] {
  const notes = [
    unfinished(data),
    nearZero(data),
    remainingGap(data),
    control(data),
    longerResponses(data),
    greedyNote(data),
    droppedGroups(data),
    oneSeed(data),
    brokenLines(data),
  ];
  return notes.filter((note) => note !== null);
}

function mainMode(data: ReportData): Mode | null {
  return data.results === null ? null : (modesOf(data.results)[0] ?? null);
}

function unfinished({ timeline, run }: ReportData): string | null {
  if (timeline.end?.outcome === "finished" || run.events.length === 0) return null;
  const how = timeline.end === null ? "has not ended" : `was ${timeline.end.outcome}`;
  return `This run ${how}: the figures are those so far, and stages that are missing were not reached.`;
}

function nearZero(data: ReportData): string | null {
  const mode = mainMode(data);
  if (mode === null || data.results === null) return null;
  const scores = resultRows(data.results, mode).flatMap((row) => [row.sa, row.swa].filter((score) => score !== null));
  if (scores.length === 0 || scores.some((score) => score.accuracy >= 0.05)) return null;
  return "Every accuracy is near zero: the model is too small for these problems. The run shows that each part works on this data, not that the method helps.";
}

function remainingGap(data: ReportData): string | null {
  const mode = mainMode(data);
  if (mode === null || data.results === null) return null;
  const rl = resultRows(data.results, mode).find((row) => row.stage === "rl");
  if (!rl?.sa || !rl.swa) return null;
  const gap = rl.sa.accuracy - rl.swa.accuracy;
  if (gap <= 0) return null;
  return `The gap narrows, it does not vanish: after RL the windowed model is still ${percent(gap)} points behind full attention ${MODE_NAMES[mode]}.`;
}

function control(data: ReportData): string | null {
  const mode = mainMode(data);
  if (mode === null || data.results === null) return null;
  const rows = resultRows(data.results, mode);
  const more = rows.find((row) => row.stage === "moreSft")?.swa;
  const rl = rows.find((row) => row.stage === "rl")?.swa;
  if (!more || !rl) return null;
  return `The same budget spent on more SFT instead of RL gives ${percent(more.accuracy)} % ${MODE_NAMES[mode]}, RL ${percent(rl.accuracy)} %.`;
}

function longerResponses(data: ReportData): string | null {
  const meanLength = (stage: string): number | null => {
    const final = data.finals.find((one) => one.arm === "swa" && one.stage === stage);
    if (final === undefined || final.records.length === 0) return null;
    return final.records.reduce((sum, record) => sum + record.length, 0) / final.records.length;
  };
  const before = meanLength("sft");
  const after = meanLength("rl");
  if (before === null || after === null || after <= before * 1.02) return null;
  return `Part of the price is length: the windowed model's responses grow from ${before.toFixed(0)} to ${after.toFixed(0)} tokens (${percent(after / before - 1, 0)} % longer).`;
}

function greedyNote(data: ReportData): string | null {
  if (data.results === null || modesOf(data.results).length < 2) return null;
  return "Temperature 1 is the main figure. Greedy decoding takes the likeliest token each time, so a habit below one half never shows in it.";
}

function droppedGroups(data: ReportData): string | null {
  const rows = rlRows(data.timeline, "swa");
  if (rows.length === 0) return null;
  const mean = rows.reduce((sum, row) => sum + row.degenerateGroups, 0) / rows.length;
  const tokens = rows.reduce((sum, row) => sum + row.tokensSampled, 0);
  return `On average ${percent(mean, 0)} % of RL groups had equal rewards and taught nothing; their part of the ${compactNumber(tokens)} sampled tokens is in the cost.`;
}

function oneSeed(data: ReportData): string | null {
  if (data.results === null) return null;
  return `This is one seed (${data.results.seed}). The intervals cover the draw of the problems, not of the training run; another seed moves the figures by several points.`;
}

function brokenLines({ run }: ReportData): string | null {
  const first = run.broken[0];
  if (first === undefined) return null;
  return `${run.broken.length} line(s) of events.jsonl could not be read and are left out; the first is line ${first.line} (${first.why}).`;
}
