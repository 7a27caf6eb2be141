// The stage-by-arm figures in the order every table, chart and file shows them.

import { compactNumber, formatSeconds } from "./metrics.ts";
import type { Cost, ResultStage, RunResults, Score } from "../run/results.ts";

export type Mode = "sampled" | "greedy";
/** Temperature 1 first: greedy decoding before RL never restates, so it flatters the difference. */
export const MODES: readonly Mode[] = ["sampled", "greedy"];
/** To be read after "Accuracy in %" or at the start of a sentence. */
export const MODE_NAMES: Readonly<Record<Mode, string>> = {
  sampled: "at temperature 1",
  greedy: "with greedy decoding",
};

export const STAGE_NAMES: Readonly<Record<ResultStage, string>> = {
  base: "Base",
  sft: "SFT",
  moreSft: "More SFT",
  rl: "RL",
};

export const ARM_NAMES = { sa: "Full attention (SA)", swa: "Sliding window (SWA)" } as const;

/** One line of the table: a stage, both arms, one mode. */
export interface ResultRow {
  readonly stage: ResultStage;
  readonly sa: Score | null;
  readonly swa: Score | null;
}

/** Stages that neither arm has in this mode are left out. */
export function resultRows(results: RunResults, mode: Mode): readonly ResultRow[] {
  const rows: ResultRow[] = [];
  for (const stage of ["base", "sft", "moreSft", "rl"] as const) {
    const sa = results.arms.sa?.[stage]?.[mode] ?? null;
    const swa = results.arms.swa?.[stage]?.[mode] ?? null;
    if (sa !== null || swa !== null) rows.push({ stage, sa, swa });
  }
  return rows;
}

/** The modes that were measured at all. */
export function modesOf(results: RunResults): readonly Mode[] {
  return MODES.filter((mode) => resultRows(results, mode).length > 0);
}

/** `92.5`; accuracies are shown in percent without the sign, which stands in the heading. */
export function percent(share: number, digits = 1): string {
  return (100 * share).toFixed(digits);
}

/** `92.5 [89.9, 94.5]`, or a dash where the cell was not run. */
export function scoreText(score: Score | null): string {
  if (score === null) return "–";
  return `${percent(score.accuracy)} [${percent(score.ci95[0])}, ${percent(score.ci95[1])}]`;
}

/** The share of the gap that RL closed, per mode; null where it is not defined. */
export function gapRecovered(results: RunResults, mode: Mode): number | null {
  const gaps = results.gaps?.[mode] ?? (mode === "greedy" ? results : undefined);
  return gaps?.gapRecovered ?? null;
}

const COST_ORDER = ["pretrain", "base", "sft", "moreSft", "more-sft", "rl"];

/** How a cost cell's stage is called. */
export function costStageName(stage: string): string {
  return (
    { pretrain: "pretrain", base: "base", sft: "SFT", moreSft: "more SFT", "more-sft": "more SFT", rl: "RL" }[stage] ??
    stage
  );
}

/** Cost cells as `[arm, stage, cost]`, arm by arm in stage order; names that follow no such pattern come last. */
export function costRows(results: RunResults): readonly (readonly [arm: string, stage: string, cost: Cost])[] {
  const rows = Object.entries(results.cost ?? {}).map(([name, cost]) => {
    const [arm = "", stage = ""] = name.split(".");
    return [arm, stage, cost] as const;
  });
  const rank = (stage: string): number => (COST_ORDER.includes(stage) ? COST_ORDER.indexOf(stage) : COST_ORDER.length);
  return rows.sort((a, b) => a[0].localeCompare(b[0]) || rank(a[1]) - rank(b[1]));
}

/** Heads of `costCells`. */
export const COST_HEADS = ["Tokens trained", "Tokens sampled", "FLOPs", "Time", "Peak memory"] as const;

/** A cost as every table shows it; the memory is that of the process which ran the stage. */
export function costCells({ tokensTrained, tokensSampled, flops, seconds, peakRssBytes }: Cost): readonly string[] {
  const memory = peakRssBytes === undefined ? "–" : `${compactNumber(peakRssBytes)}B`;
  return [
    compactNumber(tokensTrained),
    compactNumber(tokensSampled),
    compactNumber(flops),
    formatSeconds(seconds),
    memory,
  ];
}

/** A sentence on what RL did to the gap, from the numbers alone; null when a stage is missing. */
export function gapSentence(results: RunResults, mode: Mode): string | null {
  const after = (stage: ResultStage): number | null => {
    const row = resultRows(results, mode).find((one) => one.stage === stage);
    return row?.sa && row.swa ? row.sa.accuracy - row.swa.accuracy : null;
  };
  const sft = after("sft");
  const rl = after("rl");
  if (sft === null || rl === null) return null;
  const recovered = gapRecovered(results, mode);
  const share = recovered === null ? "" : `: ${percent(recovered, 0)} % of it recovered`;
  return `${upperFirst(MODE_NAMES[mode])} the window costs ${percent(sft)} points after SFT and ${percent(rl)} after RL${share}.`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
