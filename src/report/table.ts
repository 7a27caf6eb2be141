// The result table for a terminal: stage by arm, accuracy with 95% intervals.

import type { RunResults } from "../run/results.ts";
import { ARM_NAMES, MODE_NAMES, STAGE_NAMES, gapSentence, modesOf, resultRows, scoreText } from "./rows.ts";

/**
 * The table that ends `swarr demo` and `swarr run`: temperature 1 first, then greedy, with a sentence on the gap under each.
 *
 * @returns lines joined by line breaks, without colour, at most 76 columns; a sentence instead when nothing was measured
 */
export function resultTable(results: RunResults): string {
  const modes = modesOf(results);
  if (modes.length === 0) return "No stage has been evaluated yet.";
  const blocks = modes.map((mode) => {
    const rows = resultRows(results, mode);
    const n = Math.max(...rows.flatMap((row) => [row.sa?.n ?? 0, row.swa?.n ?? 0]));
    const cells = [
      ["stage", ARM_NAMES.sa, `${ARM_NAMES.swa}, W = ${results.window}`],
      ...rows.map((row) => [STAGE_NAMES[row.stage], scoreText(row.sa), scoreText(row.swa)]),
    ];
    const title = `Accuracy in % ${MODE_NAMES[mode]}, ${n} held-out problems [95% interval]`;
    const sentence = gapSentence(results, mode);
    return [title, "", ...alignColumns(cells), ...(sentence === null ? [] : ["", sentence])].join("\n");
  });
  return blocks.join("\n\n");
}

/** First column left, the others right; a rule under the heading. */
function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   "),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("   ");
  return lines
    .flatMap((line, i) => (i === 0 ? [`  ${line}`, `  ${rule}`] : [`  ${line}`]))
    .map((line) => line.trimEnd());
}
