// The files that `swarr analyze` writes: the rows that fit, a line a token, and a run's analysis.json.

import path from "node:path";
import { fits, gapFigures, type GapFigures } from "../analyze/figures.ts";
import { writeFileAtomic } from "../base/files.ts";
import type { Checkpoint } from "../checkpoint/load.ts";
import type { AnalysisDocument, MeasuredSet, TextFigures } from "./analysis-document.ts";
import { spellerOf } from "./analysis-texts.ts";
import { jsonText, note } from "./output.ts";

/** The texts of a run by name, without the rollouts of RL steps. */
export function textFigures(sets: readonly MeasuredSet[], window: number): Readonly<Record<string, TextFigures>> {
  const named = sets.filter(({ step }) => step === undefined);
  return Object.fromEntries(
    named.map(({ name, figures, measured, right }) => {
      if (right === undefined) return [name, figures];
      const part = (wanted: boolean): Pick<GapFigures, "tokens" | "meanGapNats"> => {
        const some = measured.filter((_, i) => right[i] === wanted);
        const { tokens, meanGapNats } = gapFigures(some, window);
        return { tokens, meanGapNats };
      };
      return [name, { ...figures, byVerdict: { right: part(true), other: part(false) } }];
    }),
  );
}

/** The rows that fit, as JSON Lines. */
export function writeFitting(
  out: string,
  set: MeasuredSet,
  maxGap: number | undefined,
): AnalysisDocument["filter"] & object {
  const { rows } = set.figures;
  // Every row costs something to a model that never saw a window, so what is little is judged by the data themselves.
  const maxGapNats = maxGap ?? set.figures.meanGapNats ?? 0;
  const kept = (set.rows ?? []).filter((_, index) => fits(rows[index]!, maxGapNats));
  writeFileAtomic(out, kept.map((row) => `${JSON.stringify(row)}\n`).join(""));
  if (kept.length === 0) note(`No row fits: raise --max-gap above ${maxGapNats}.`);
  return { out, maxGapNats, kept: kept.length, dropped: rows.length - kept.length };
}

/** One line a token. */
export function writeTokens(out: string, sets: readonly MeasuredSet[], { tokenizer }: Checkpoint): void {
  const spell = spellerOf(tokenizer);
  const lines = sets.flatMap(({ name, texts, measured }) =>
    measured.flatMap(({ positions, distances, full, gaps }, row) =>
      Array.from(positions, (position, i) => {
        const id = texts[row]!.ids[position]!;
        const [fullLogprob, gapNats] = [full[i]!, gaps[i]!];
        const distance = distances[i]! > 0 ? distances[i]! : null;
        return `${JSON.stringify({ text: name, row, position, id, token: spell(id), distance, fullLogprob, gapNats })}\n`;
      }),
    ),
  );
  writeFileAtomic(out, lines.join(""));
}

/** Without the rows, which would make it long: the report and the dashboard read it. */
export function writeRunAnalysis(folder: string, document: AnalysisDocument, sets: readonly MeasuredSet[]): void {
  const { window, scorer, windowedReader, attention, plan } = document;
  const texts = Object.entries(document.texts ?? {}).map(([name, { rows: _, ...figures }]) => [name, figures] as const);
  const bySteps = sets.flatMap(({ step, figures: { tokens, meanGapNats, byReach } }) =>
    step === undefined ? [] : [{ ...step, tokens, meanGapNats, byReach }],
  );
  const file = path.join(folder, "analysis.json");
  const analysis = { window, scorer, windowedReader, texts: Object.fromEntries(texts), bySteps, attention, plan };
  writeFileAtomic(file, `${jsonText(analysis)}\n`);
  note(`Written: ${file}; \`swarr report ${folder}\` shows it.`);
}
