// The report's small charts of training: one metric each, both arms, a sentence of meaning.

import type { ArmName, StageName } from "../run/events.ts";
import type { StepEvent } from "../run/timeline.ts";
import { lineChart, type SeriesKind } from "./charts.ts";
import { stageRows, type ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { compactNumber, metricValue } from "./metrics.ts";
import { ARM_NAMES } from "./rows.ts";

interface CurveOptions {
  readonly key: string;
  readonly name: string;
  readonly meaning: string;
  /** shares run from 0 to 1, others from 0 to their largest value */
  readonly share: boolean;
  readonly yText: (value: number) => string;
}

const twoDigits = (value: number): string => String(Number(value.toPrecision(2)));

const RL_CURVES: readonly CurveOptions[] = [
  curve("rewardMean", "Reward.", "Mean reward of each RL step's rollouts.", true, twoDigits),
  curve("restating", "Steps restated.", "Share of steps that repeat what is still needed.", true, twoDigits),
  curve(
    "beyondWindow",
    "Traces beyond the window.",
    "Share of rollouts with a look-up the window cannot reach.",
    true,
    twoDigits,
  ),
  curve("meanLength", "Response length.", "Mean tokens of a response.", false, compactNumber),
  curve("entropyNats", "Entropy.", "Mean nats of the next-token distribution.", false, twoDigits),
  curve(
    "samplerTrainerMaxDifference",
    "Sampler and trainer.",
    "Largest log-prob difference of a token before the update.",
    false,
    (value) => (value === 0 ? "0" : Number(value.toPrecision(2)).toExponential()),
  ),
];
const SFT_LOSS = curve(
  "lossNatsPerToken",
  "SFT loss.",
  "Nats a response token; both arms see the same data.",
  false,
  twoDigits,
);

function curve(
  key: string,
  name: string,
  meaning: string,
  share: boolean,
  yText: (value: number) => string,
): CurveOptions {
  return { key, name, meaning, share, yText };
}

export function curvesSection(data: ReportData): Markup | null {
  const rowsOf = (stage: StageName) => (arm: ArmName) => stageRows(data.timeline, arm, stage);
  const charts = [
    ...RL_CURVES.map((options) => stepChart(rowsOf("rl"), options, "RL step")),
    stepChart(rowsOf("sft"), SFT_LOSS, "SFT step"),
  ].filter((chart) => chart !== null);
  if (charts.length === 0) return null;
  return html`<h2 id="curves">During training</h2>
    <div class="pair three">${charts}</div>`;
}

function stepChart(
  rowsOf: (arm: ArmName) => readonly StepEvent[],
  options: CurveOptions,
  xLabel: string,
): Markup | null {
  const series = (["sa", "swa"] as const).flatMap((arm) => {
    const points = rowsOf(arm).flatMap((row) => {
      const value = metricValue(row, options.key);
      return value === null || row.step === null ? [] : [[row.step, value] as const];
    });
    return points.length === 0 ? [] : [{ kind: arm, label: ARM_NAMES[arm], points }];
  });
  if (series.length === 0) return null;
  const values = series.flatMap((one) => one.points.map(([, y]) => y));
  const top = options.share ? Math.max(1, ...values) : Math.max(...values) * 1.05 || 1;
  const low = Math.min(0, ...values);
  const last = series.map((one) => `${one.label} ends at ${options.yText(one.points.at(-1)?.[1] ?? 0)}`).join(", ");
  return html`<figure>
    <figcaption><strong>${options.name}</strong> ${options.meaning}</figcaption>
    ${lineChart(series, { title: `${options.name} ${last}`, xLabel, yLabel: "", yRange: [low, top], yText: options.yText })}
    ${legend(series.map((one) => one.kind))}
  </figure>`;
}

const LEGEND_NAMES: Readonly<Record<SeriesKind, string>> = {
  sa: "SA: dashed, diamonds",
  swa: "SWA: solid, circles",
  control: "SWA with more SFT, the control: hollow",
};

export function legend(kinds: readonly SeriesKind[]): Markup {
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
