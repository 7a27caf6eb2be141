// The parts of the HTML report that come from figures: headline numbers, tables, charts, cost, recipe, environment.

import type { JsonObject } from "../base/json.ts";
import type { Score } from "../run/results.ts";
import { intervalChart, lineChart, type IntervalPoint, type SeriesKind } from "./charts.ts";
import { rlRows, type ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { compactNumber, formatSeconds, metricValue } from "./metrics.ts";
import {
  ARM_NAMES,
  MODE_NAMES,
  STAGE_NAMES,
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

export function curvesSection(data: ReportData): Markup | null {
  const charts = [
    rlChart(data, "rewardMean", "Reward", "Mean reward of each RL step's rollouts."),
    rlChart(data, "restating", "Steps restated", "Share of steps that repeat what is still needed."),
    rlChart(
      data,
      "beyondWindow",
      "Traces beyond the window",
      "Share of rollouts with a look-up the window cannot reach.",
    ),
  ].filter((chart) => chart !== null);
  if (charts.length === 0) return null;
  return html`<h2 id="rl">During RL</h2>
    <div class="pair three">${charts}</div>`;
}

function rlChart(data: ReportData, key: string, name: string, meaning: string): Markup | null {
  const series = (["sa", "swa"] as const).flatMap((arm) => {
    const points = rlRows(data.timeline, arm).flatMap((row) => {
      const value = metricValue(row, key);
      return value === null || row.step === null ? [] : [[row.step, value] as const];
    });
    return points.length === 0 ? [] : [{ kind: arm, label: ARM_NAMES[arm], points }];
  });
  if (series.length === 0) return null;
  const values = series.flatMap((one) => one.points.map(([, y]) => y));
  const top = Math.max(1, ...values);
  const low = Math.min(0, ...values);
  const last = series.map((one) => `${one.label} ends at ${one.points.at(-1)?.[1].toFixed(2)}`).join(", ");
  const title = `${name} over RL steps: ${last}`;
  return html`<figure>
    <figcaption><strong>${name}.</strong> ${meaning}</figcaption>
    ${lineChart(series, { title, xLabel: "RL step", yLabel: "", yRange: [low, top], yText: (y) => y.toFixed(2) })}
    ${legend(series.map((one) => one.kind))}
  </figure>`;
}

const LEGEND_NAMES: Readonly<Record<SeriesKind, string>> = {
  sa: "SA: dashed, diamonds",
  swa: "SWA: solid, circles",
  control: "SWA with more SFT, the control: hollow",
};

function legend(kinds: readonly SeriesKind[]): Markup {
  const items = kinds.map((kind) => {
    const mark =
      kind === "control"
        ? html`<circle class="mark hollow" cx="15" cy="6" r="4" />`
        : html`<path class="line ${kind}" d="M0 6H30" />`;
    return html`<li>
      <span class="${kind}"><svg viewBox="0 0 30 12" aria-hidden="true">${mark}</svg></span>${LEGEND_NAMES[kind]}
    </li>`;
  });
  return html`<ul class="key">
    ${items}
  </ul>`;
}

export function mismatchSection(data: ReportData): Markup | null {
  if (data.mismatch.length === 0) return null;
  const rows = data.mismatch.map(
    (text) =>
      html`<tr>
        <th scope="row">${text.name}</th>
        <td>${text.meanGapNats.toFixed(3)}</td>
        <td>${compactNumber(text.tokens)}</td>
      </tr>`,
  );
  return html`<h2 id="mismatch">How badly each text fits the window</h2>
    <p class="quiet">
      Log-prob under full attention minus log-prob under the window, both from one full-attention scorer, averaged over
      response tokens that have more context than the window. Near 0, the window loses nothing.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Mismatch">
      <table>
        <thead>
          <tr>
            <th scope="col">Text</th>
            <th scope="col">Mean gap, nats a token</th>
            <th scope="col">Tokens</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

export function costSection(data: ReportData): Markup | null {
  const rows = data.results === null ? [] : costRows(data.results);
  if (rows.length === 0) return null;
  const lines = rows.map(
    ([arm, stage, cost]) =>
      html`<tr>
        <th scope="row">${arm.toUpperCase()}, ${costStageName(stage)}</th>
        <td>${compactNumber(cost.tokensTrained)}</td>
        <td>${compactNumber(cost.tokensSampled)}</td>
        <td>${compactNumber(cost.flops)}</td>
        <td>${formatSeconds(cost.seconds)}</td>
      </tr>`,
  );
  const total = data.results?.seconds?.["total"];
  return html`<h2 id="cost">Cost</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Cost">
      <table>
        <thead>
          <tr>
            <th scope="col">Cell</th>
            <th scope="col">Tokens trained</th>
            <th scope="col">Tokens sampled</th>
            <th scope="col">FLOPs</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>
    ${total === undefined ? null : html`<p>In all ${formatSeconds(total)}.</p>`}`;
}

export function recipeSection(data: ReportData): Markup {
  const { run } = data;
  return html`<h2 id="recipe">Recipe, environment, and how to run it again</h2>
    <pre>${rerunCommand(data)}</pre>
    ${
      run.recipeText === null
        ? null
        : html`<details>
            <summary>Recipe, every default written out</summary>
            <pre>${run.recipeText}</pre>
          </details>`
    }
    ${
      run.manifest === null
        ? null
        : html`<details open>
            <summary>Environment</summary>
            ${manifestTable(run.manifest)}
          </details>`
    }`;
}

/** The command of the manifest when it names one; else the command that runs the folder's own recipe. */
export function rerunCommand({ run }: ReportData): string {
  const command = run.manifest?.["command"];
  if (typeof command === "string") return command;
  return `npx swarr run ${run.name}/recipe.yaml --out ${run.name}-again`;
}

function manifestTable(manifest: JsonObject): Markup {
  const rows = flattened(manifest).map(
    ([name, value]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td class="text">${value}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Environment">
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** `{a: {b: 1}}` as `[["a.b", "1"]]`; empty parts are left out. */
export function flattened(value: JsonObject, prefix = ""): readonly (readonly [name: string, value: string])[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof item === "object" && item !== null && !Array.isArray(item)) return flattened(item as JsonObject, name);
    if (typeof item === "number" && key.endsWith("Bytes")) return [[name, `${compactNumber(item)}B`] as const];
    return [[name, typeof item === "string" ? item : JSON.stringify(item)] as const];
  });
}
