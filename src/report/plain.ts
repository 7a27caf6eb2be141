// The report as Markdown and as CSV: the same figures for a text editor and for a spreadsheet.

import { honestNotes } from "./notes.ts";
import { rlRows, type ReportData } from "./gather.ts";
import {
  ARM_NAMES,
  MODES,
  MODE_NAMES,
  STAGE_NAMES,
  COST_HEADS,
  costCells,
  costRows,
  costStageName,
  gapSentence,
  modesOf,
  resultRows,
  scoreText,
} from "./rows.ts";
import { flattened, rerunCommand } from "./recipe-section.ts";
import { MISMATCH_HEADS, mismatchCells } from "./mismatch-section.ts";
import { tracePairs } from "./traces.ts";

export function reportMarkdown(data: ReportData): string {
  const { run, results } = data;
  const parts = [`# ${run.name}`, "", ...honestNotes(data).map((note) => `- ${note}`), ""];
  for (const mode of results === null ? [] : modesOf(results)) {
    if (results === null) continue;
    parts.push(`## Accuracy in % ${MODE_NAMES[mode]} [95% interval]`, "");
    const head = ["Stage", ARM_NAMES.sa, `${ARM_NAMES.swa}, W = ${results.window}`];
    parts.push(
      ...markdownTable(
        head,
        resultRows(results, mode).map((row) => [STAGE_NAMES[row.stage], scoreText(row.sa), scoreText(row.swa)]),
      ),
    );
    const sentence = gapSentence(results, mode);
    parts.push("", ...(sentence === null ? [] : [sentence, ""]));
  }
  parts.push(...mismatchMarkdown(data), ...costMarkdown(data));
  for (const { before, after } of tracePairs(data)) {
    parts.push(`## Trace of ${inlineCode(before.prompt)}, answer ${inlineCode(before.gold)}`, "");
    for (const [when, record] of [
      ["After SFT", before],
      ["After RL", after],
    ] as const) {
      parts.push(`${when}: ${record.verdict}, ${record.length} tokens`, "", ...codeBlock(record.response), "");
    }
  }
  parts.push("## Run it again", "", ...codeBlock(rerunCommand(data)), "");
  if (run.recipeText !== null) parts.push("## Recipe", "", ...codeBlock(run.recipeText.trimEnd(), "yaml"), "");
  if (run.manifest !== null) {
    parts.push(
      "## Environment",
      "",
      ...markdownTable(
        ["", ""],
        flattened(run.manifest).map(([name, value]) => [name, value]),
      ),
      "",
    );
  }
  return parts.join("\n");
}

function mismatchMarkdown({ mismatch }: ReportData): readonly string[] {
  if (mismatch.texts.length === 0) return [];
  const rows = mismatch.texts.map((text) => [text.name, ...mismatchCells(text)]);
  return ["## Mismatch with the window", "", ...markdownTable(["Text", ...MISMATCH_HEADS], rows), ""];
}

function costMarkdown({ results }: ReportData): readonly string[] {
  const costs = results === null ? [] : costRows(results);
  if (costs.length === 0) return [];
  const rows = costs.map(([arm, stage, cost]) => [`${arm.toUpperCase()}, ${costStageName(stage)}`, ...costCells(cost)]);
  return ["## Cost", "", ...markdownTable(["Cell", ...COST_HEADS], rows), ""];
}

/** One figure a line: `table,arm,stage,metric,value,low,high,n`; RL steps as `step` rows. */
export function reportCsv(data: ReportData): string {
  const rows: (readonly (string | number)[])[] = [["table", "arm", "stage", "metric", "value", "low", "high", "n"]];
  const { results } = data;
  if (results !== null) {
    for (const mode of MODES) {
      for (const row of resultRows(results, mode)) {
        for (const arm of ["sa", "swa"] as const) {
          const score = row[arm];
          if (score === null) continue;
          rows.push(["accuracy", arm, row.stage, mode, score.accuracy, score.ci95[0], score.ci95[1], score.n]);
        }
      }
    }
    for (const [cell, figures] of Object.entries(results.dependency ?? {})) {
      const arm = cell.startsWith("swa") ? "swa" : "sa";
      const stage = cell.slice(arm.length).toLowerCase();
      for (const [name, value] of Object.entries(figures))
        rows.push(["dependency", arm, stage, name, value ?? "", "", "", ""]);
    }
    for (const [arm, stage, cost] of costRows(results)) {
      for (const [name, value] of Object.entries(cost)) rows.push(["cost", arm, stage, name, value, "", "", ""]);
    }
  }
  for (const text of data.mismatch.texts)
    rows.push(["mismatch", "", text.name, "meanGapNats", text.meanGapNats, "", "", text.tokens]);
  for (const arm of ["sa", "swa"] as const) {
    for (const step of rlRows(data.timeline, arm)) {
      rows.push([`step ${step.step}`, arm, "rl", "rewardMean", step.rewardMean, "", "", ""]);
    }
  }
  return `${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

/** RFC 4180 quoting; a text that a spreadsheet would run as a formula gets an apostrophe before it. */
export function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? ":--" : "--:"))), ...rows.map(line)];
}

/** A fence longer than any run of backticks inside, so that the text cannot close it. */
function codeBlock(text: string, language = "text"): readonly string[] {
  const fence = "`".repeat(1 + Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length)));
  return [fence + language, text, fence];
}

function inlineCode(text: string): string {
  const fence = "`".repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map((run) => run[0].length)));
  return `${fence} ${text.replaceAll(/\s+/g, " ").slice(0, 200)} ${fence}`;
}
