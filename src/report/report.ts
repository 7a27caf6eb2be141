// Writes the report of a run folder: report.html (self-contained), report.md and report.csv.

import path from "node:path";
import { writeFileAtomic } from "../base/files.ts";
import { gatherReport, type ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { formatSeconds } from "./metrics.ts";
import { honestNotes } from "./notes.ts";
import { reportCsv, reportMarkdown } from "./plain.ts";
import { mismatchSection } from "./mismatch-section.ts";
import { accuracySection, costSection, headline } from "./sections.ts";
import { curvesSection } from "./curves.ts";
import { recipeSection } from "./recipe-section.ts";
import { REPORT_STYLE } from "./style.ts";
import { distanceSection, tracesSection } from "./traces.ts";

export interface ReportFiles {
  readonly html: string;
  readonly markdown: string;
  readonly csv: string;
}

/**
 * Reads the run folder, which may be unfinished, and writes its three reports into it; parts the run has no figures for are left out.
 *
 * @returns the paths written
 * @throws `FILE_MISSING` when the folder is no run; `BAD_JSON` when one of its files is damaged
 */
export function writeReport(runFolder: string): ReportFiles {
  const data = gatherReport(runFolder);
  const files = {
    html: path.join(runFolder, "report.html"),
    markdown: path.join(runFolder, "report.md"),
    csv: path.join(runFolder, "report.csv"),
  };
  writeFileAtomic(files.html, reportHtml(data));
  writeFileAtomic(files.markdown, reportMarkdown(data));
  writeFileAtomic(files.csv, reportCsv(data));
  return files;
}

/** One file without scripts; its policy forbids every request. */
export function reportHtml(data: ReportData): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <title>${data.run.name}: swarr report</title>
        <style>
          ${{ markup: REPORT_STYLE }}
        </style>
      </head>
      <body>
        <main>
          ${header(data)} ${headline(data)} ${accuracySection(data)} ${notesSection(data)} ${curvesSection(data)}
          ${distanceSection(data)} ${tracesSection(data)} ${mismatchSection(data)} ${costSection(data)}
          ${recipeSection(data)}
        </main>
      </body>
    </html> `;
  return page.markup;
}

function header({ run, timeline, results }: ReportData): Markup {
  const facts = [
    results === null ? null : `window ${results.window}`,
    results === null ? null : `seed ${results.seed}`,
    timeline.firstTime === null ? null : timeline.firstTime.slice(0, 10),
    timeline.end === null ? null : `${timeline.end.outcome} after ${formatSeconds(timeline.end.seconds)}`,
  ].filter((fact) => fact !== null);
  return html`<header>
    <h1>${run.name}</h1>
    <p class="quiet">
      From full attention to a sliding window, stage by stage${facts.length === 0 ? "" : `: ${facts.join(", ")}`}.
    </p>
  </header>`;
}

function notesSection(data: ReportData): Markup | null {
  const notes = honestNotes(data);
  if (notes.length === 0) return null;
  return html`<h2 id="notes">Before you believe it</h2>
    <ul>
      ${notes.map((note) => html`<li>${note}</li>`)}
    </ul>`;
}
