// The report's part on the mismatch: how badly each text fits the window, how that moved during RL, which layers reach farthest.

import { lineChart } from "./charts.ts";
import { legend } from "./curves.ts";
import type { ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { compactNumber } from "./metrics.ts";
import type { Mismatch, MismatchText } from "./mismatch.ts";
import { ARM_NAMES, percent } from "./rows.ts";

export const MISMATCH_HEADS = [
  "Mean gap, nats a token",
  "Right answers only",
  "Tokens that look beyond",
  "Their gap",
  "Tokens",
];

/** The cells of a text under those heads. */
export function mismatchCells(text: MismatchText): readonly string[] {
  const nats = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
  const error = text.standardError === null ? "" : ` ± ${text.standardError.toFixed(3)}`;
  const share = text.beyondShare === null ? "–" : `${percent(text.beyondShare, text.beyondShare < 0.001 ? 2 : 1)} %`;
  return [
    `${nats(text.meanGapNats)}${error}`,
    nats(text.rightGapNats),
    share,
    nats(text.beyondGapNats),
    compactNumber(text.tokens),
  ];
}

/** What the numbers are, with the models' names. */
export function mismatchExplained({ scorer, windowedReader }: Mismatch): string {
  const reader = windowedReader === null ? "the same model under the window" : `${windowedReader} under the window`;
  return (
    `Log-prob under full attention (${scorer ?? "the scorer"}) minus log-prob of ${reader}, over response tokens with more context than the ` +
    "window. Above 0, the window hides what the text needs; near 0 it loses nothing; below 0, full attention finds the text odd, as it does wrong answers."
  );
}

export function mismatchSection({ mismatch }: ReportData): Markup | null {
  if (mismatch.texts.length === 0) return null;
  const rows = mismatch.texts.map(
    (text) =>
      html`<tr>
        <th scope="row">${text.name}</th>
        ${mismatchCells(text).map((cell) => html`<td>${cell}</td>`)}
      </tr>`,
  );
  return html`<h2 id="mismatch">How badly each text fits the window</h2>
    <p class="quiet">${mismatchExplained(mismatch)}</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Mismatch">
      <table>
        <thead>
          <tr>
            ${["Text", ...MISMATCH_HEADS].map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${stepsChart(mismatch)} ${planSentence(mismatch) === null ? null : html`<p>${planSentence(mismatch) ?? ""}</p>`}`;
}

function stepsChart({ steps }: Mismatch): Markup | null {
  const series = (["sa", "swa"] as const).flatMap((arm) => {
    const points = steps.filter((one) => one.arm === arm).map(({ step, meanGapNats }) => [step, meanGapNats] as const);
    return points.length === 0 ? [] : [{ kind: arm, label: ARM_NAMES[arm], points }];
  });
  if (series.length === 0) return null;
  const values = steps.map((one) => one.meanGapNats);
  const yRange = [Math.min(0, ...values) * 1.05, Math.max(0.1, ...values) * 1.05] as const;
  const title = "Mean gap of the rollouts over RL steps";
  return html`<figure>
    <figcaption><strong>Rollouts during RL.</strong> Mean gap of each step's rollouts, nats a token.</figcaption>
    ${lineChart(series, { title, xLabel: "RL step", yLabel: "", yRange, yText: (y) => String(Number(y.toPrecision(2))) })}
    ${legend(series.map((one) => one.kind))}
  </figure>`;
}

/** What the suggested plan gains over evenly spaced full layers; null when none was asked for. */
export function planSentence({ plan }: Mismatch): string | null {
  if (plan === null) return null;
  const count = plan.layers.length === 1 ? "one full layer" : `${plan.layers.length} full layers`;
  return (
    `With ${count}, counted from 0: ${plan.layers.join(" and ")} leaves a gap of ${plan.gapNats.toFixed(3)} nats a token, ` +
    `the evenly spaced choice ${plan.naiveLayers.join(" and ")} one of ${plan.naiveGapNats.toFixed(3)}.`
  );
}
