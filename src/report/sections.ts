// The parts of the HTML report that come from figures: headline numbers, tables, accuracy charts, cost.

import type { Score } from "../run/results.ts";
import { intervalChart, type IntervalPoint, type SeriesKind } from "./charts.ts";
import { legend } from "./curves.ts";
import type { ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { formatSeconds } from "./metrics.ts";
import {
  ARM_NAMES,
  MODE_NAMES,
  STAGE_NAMES,
  COST_HEADS,
  costCells,
  costRows,
  costStageName,
  gapRecovered,
  gapSentence,
  modesOf,
  percent,
  resultRows,
  type Mode,
} from "./rows.ts";

export function headline(data: ReportData): Markup | null {
  const { results } = data;
  const mode = results === null ? undefined : modesOf(results)[0];
  if (results === null || mode === undefined) return null;
  const rows = resultRows(results, mode);
  const cell = (stage: string, arm: "sa" | "swa"): Score | null =>
    rows.find((row) => row.stage === stage)?.[arm] ?? null;
  const recovered = gapRecovered(results, mode);
  return html`<dl class="figures">
    ${figure("Full attention after SFT", cell("sft", "sa"))}
    ${figure(`Window ${results.window} after SFT`, cell("sft", "swa"))}
    ${figure(`Window ${results.window} after RL`, cell("rl", "swa"))}
    ${
      recovered === null
        ? null
        : html`<div>
            <dt>Gap recovered by RL</dt>
            <dd>${percent(recovered, 0)} %</dd>
          </div>`
    }
  </dl>`;
}

function figure(name: string, score: Score | null): Markup | null {
  if (score === null) return null;
  return html`<div>
    <dt>${name}</dt>
    <dd>${percent(score.accuracy)} %<small>95 %: ${percent(score.ci95[0])} to ${percent(score.ci95[1])}</small></dd>
  </div>`;
}

export function accuracySection(data: ReportData): Markup | null {
  const { results } = data;
  if (results === null) return null;
  const modes = modesOf(results);
  if (modes.length === 0) return null;
  const parts = modes.map((mode) => {
    const rows = resultRows(results, mode);
    const n = Math.max(...rows.flatMap((row) => [row.sa?.n ?? 0, row.swa?.n ?? 0]));
    const lines = rows.map(
      (row) =>
        html`<tr>
          <th scope="row">${STAGE_NAMES[row.stage]}</th>
          ${scoreCell(row.sa)}${scoreCell(row.swa)}
        </tr>`,
    );
    const sentence = gapSentence(results, mode);
    return html`<div class="pair">
      <div class="scroll" tabindex="0" role="region" aria-label="Accuracy ${MODE_NAMES[mode]}">
        <table>
          <caption>
            Accuracy in % ${MODE_NAMES[mode]}, ${n} held-out problems, 95 % interval
          </caption>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Full attention (SA)</th>
              <th scope="col">Window ${results.window} (SWA)</th>
            </tr>
          </thead>
          <tbody>
            ${lines}
          </tbody>
        </table>
        ${sentence === null ? null : html`<p>${sentence}</p>`}
      </div>
      <figure>
        ${accuracyChart(data, mode)}${legend(["sa", "swa", ...(hasControl(data) ? (["control"] as const) : [])])}
      </figure>
    </div>`;
  });
  return html`<h2 id="accuracy">Accuracy, stage by arm</h2>
    ${parts}`;
}

function hasControl(data: ReportData): boolean {
  return data.results?.arms.swa?.moreSft !== undefined;
}

function scoreCell(score: Score | null): Markup {
  if (score === null) return html`<td>–</td>`;
  const interval = `[${percent(score.ci95[0])}, ${percent(score.ci95[1])}]`;
  return html`<td>${percent(score.accuracy)} <span class="interval">${interval}</span></td>`;
}

function accuracyChart(data: ReportData, mode: Mode): Markup | null {
  if (data.results === null) return null;
  const rows = resultRows(data.results, mode);
  const points = rows.flatMap((row, column) =>
    (["sa", "swa"] as const).flatMap((arm): readonly IntervalPoint[] => {
      const score = row[arm];
      if (score === null) return [];
      const kind: SeriesKind = row.stage === "moreSft" ? "control" : arm;
      const label = `${ARM_NAMES[arm]}, ${STAGE_NAMES[row.stage]}: ${percent(score.accuracy)} %, ${percent(score.ci95[0])} to ${percent(score.ci95[1])}`;
      return [{ kind, label, column, value: score.accuracy, low: score.ci95[0], high: score.ci95[1] }];
    }),
  );
  const title = `Accuracy by stage ${MODE_NAMES[mode]}: ${points.map((point) => point.label).join("; ")}`;
  return intervalChart(
    rows.map((row) => STAGE_NAMES[row.stage]),
    points,
    { title, yLabel: "" },
  );
}

export function costSection(data: ReportData): Markup | null {
  const rows = data.results === null ? [] : costRows(data.results);
  if (rows.length === 0) return null;
  const lines = rows.map(
    ([arm, stage, cost]) =>
      html`<tr>
        <th scope="row">${arm.toUpperCase()}, ${costStageName(stage)}</th>
        ${costCells(cost).map((text) => html`<td>${text}</td>`)}
      </tr>`,
  );
  const total = data.results?.seconds?.["total"];
  return html`<h2 id="cost">Cost</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Cost">
      <table>
        <thead>
          <tr>
            <th scope="col">Cell</th>
            ${COST_HEADS.map((text) => html`<th scope="col">${text}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>
    ${total === undefined ? null : html`<p>In all ${formatSeconds(total)}.</p>`}`;
}
