// The traces a report shows: which problems, their look-ups over the window, and how far look-ups reach in all of them.

import type { RolloutRecord } from "../run/rollouts.ts";
import { arcStrip, binShares, distanceHistogram, type SeriesKind } from "./charts.ts";
import type { FinalResponses, ReportData } from "./gather.ts";
import { html, type Markup } from "./markup.ts";
import { modesOf, percent } from "./rows.ts";
import { DEPENDENCY_CELLS } from "../run/results.ts";

/** One problem answered before and after RL by the same arm. */
export interface TracePair {
  readonly before: RolloutRecord;
  readonly after: RolloutRecord;
}

/** Shortest, median and longest prompt among the problems both files hold: chosen by the prompt, never by the outcome. */
export function tracePairs(data: ReportData): readonly TracePair[] {
  const before = finalOf(data, "swa", "sft");
  const after = new Map((finalOf(data, "swa", "rl")?.records ?? []).map((record) => [record.problem, record]));
  const pairs = (before?.records ?? [])
    .flatMap((record) => {
      const later = after.get(record.problem);
      return later === undefined ? [] : [{ before: record, after: later }];
    })
    .sort((a, b) => a.before.prompt.length - b.before.prompt.length);
  const chosen = [0, Math.floor((pairs.length - 1) / 2), pairs.length - 1];
  return [...new Set(chosen)].flatMap((i) => pairs[i] ?? []);
}

export function tracesSection(data: ReportData): Markup | null {
  const pairs = tracePairs(data);
  const window = data.results?.window ?? 0;
  if (pairs.length === 0) return null;
  const blocks = pairs.map(
    ({ before, after }) =>
      html`<h3>Problem <code>${short(before.prompt)}</code>, answer <code>${short(before.gold)}</code></h3>
        ${traceBlock("after SFT", before, window)} ${traceBlock("after RL", after, window)}`,
  );
  return html`<h2 id="traces">Three traces before and after RL</h2>
    <p class="quiet">
      ${howDrawn(data)} by the windowed model on held-out problems: the shortest, the median and the longest prompt,
      whatever the outcome. An arc joins a token to the earlier one it looks up; <mark>marked</mark> tokens look up
      something the window no longer shows.
    </p>
    ${blocks}`;
}

/** How far look-ups reach, SFT beside RL, one row an arm; null when no traces were stored. */
export function distanceSection(data: ReportData): Markup | null {
  const window = data.results?.window ?? 0;
  const cells = (["swa", "sa"] as const).flatMap((arm) =>
    (["sft", "rl"] as const).map((stage) => ({ arm, stage, distances: distancesOf(finalOf(data, arm, stage)) })),
  );
  const most = cells.reduce((longest, cell) => Math.max(longest, ...cell.distances.slice(0, 50_000)), 0);
  if (most === 0 || window === 0) return null;
  const binWidth = Math.max(1, Math.ceil(window / 9));
  const shares = cells.flatMap((cell) => binShares(cell.distances, binWidth, most));
  const topShare = Math.max(0.1, Math.ceil(Math.max(...shares) * 10) / 10);
  const figures = cells
    .filter((cell) => cell.distances.length > 0)
    .map(({ arm, stage, distances }) => {
      const beyond = distances.filter((distance) => distance > window).length / distances.length;
      const caption = `${arm.toUpperCase()} after ${stage.toUpperCase()}: ${(100 * beyond).toFixed(1)} % of look-ups reach beyond the window.`;
      const options = {
        title: caption,
        window,
        binWidth,
        maxDistance: most,
        topShare,
        kind: arm as SeriesKind,
        id: `hatch-${arm}-${stage}`,
      };
      return html`<figure>
        <figcaption>${caption}</figcaption>
        ${distanceHistogram(distances, options)}
      </figure>`;
    });
  return html`<h2 id="distances">How far traces look back</h2>
    <p class="quiet">
      Each look-up's distance in tokens, over all traces of the evaluation after each stage, right or wrong. Hatched
      bars lie beyond the window, where the windowed model sees nothing.
    </p>
    ${dependencyTable(data)}
    <div class="pair">${figures}</div>`;
}

function howDrawn({ results }: ReportData): string {
  return results !== null && modesOf(results)[0] === "sampled" ? "Sampled at temperature 1" : "Decoded greedily";
}

/** The run's own dependency statistics, when it wrote them. */
function dependencyTable({ results }: ReportData): Markup | null {
  const names = { swaSft: "SWA after SFT", swaRl: "SWA after RL", saSft: "SA after SFT", saRl: "SA after RL" } as const;
  const rows = DEPENDENCY_CELLS.flatMap((cell) => {
    const figures = results?.dependency?.[cell];
    if (figures === undefined) return [];
    const restating = figures.restating === null ? "–" : `${percent(figures.restating)} %`;
    return [
      html`<tr>
        <th scope="row">${names[cell]}</th>
        <td>${percent(figures.beyondWindow)} %</td>
        <td>${figures.meanDistance.toFixed(1)}</td>
        <td>${restating}</td>
      </tr>`,
    ];
  });
  if (rows.length === 0) return null;
  const heads = ["Model", "Traces with a look-up beyond the window", "Mean distance, tokens", "Steps restated"];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Dependency statistics">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Distances of every look-up; of the farthest one a trace when arcs were not stored. */
export function distancesOf(final: FinalResponses | undefined): readonly number[] {
  return (final?.records ?? []).flatMap((record) => {
    if (record.arcs !== null) return record.arcs.map(([from, to]) => to - from);
    return record.dependency === null ? [] : [record.dependency.distance];
  });
}

function finalOf(data: ReportData, arm: string, stage: string): FinalResponses | undefined {
  return data.finals.find((one) => one.arm === arm && one.stage === stage);
}

function traceBlock(when: string, record: RolloutRecord, window: number): Markup {
  const right = record.verdict === "right";
  const arcs = record.arcs ?? [];
  const promptTokens = record.promptTokens?.length ?? null;
  const strip =
    arcs.length === 0 || promptTokens === null
      ? null
      : arcStrip(arcs, promptTokens + record.tokens.length, promptTokens, window);
  const answer = record.answer === null ? "no readable answer" : `answer ${short(record.answer)}`;
  return html`<div class="trace ${right ? "right" : "other"}">
    <p class="small">
      <strong>${when}</strong>: ${right ? "✓ right" : `✗ ${record.verdict}`}, ${answer}, ${record.length}
      tokens${record.finishReason === "length" ? ", cut off at the cap" : ""}
    </p>
    ${strip}
    <pre>${markedText(record, window, promptTokens)}</pre>
  </div>`;
}

function markedText(record: RolloutRecord, window: number, promptTokens: number | null): Markup {
  const limit = 4000;
  if (record.response.trim() === "") return html`<span class="quiet">(nothing but blanks)</span>`;
  if (record.arcs === null || promptTokens === null) return html`${short(record.response, limit)}`;
  const beyond = new Set(record.arcs.filter(([from, to]) => to - from > window).map(([, to]) => to - promptTokens));
  const pieces = record.tokens
    .slice(0, limit)
    .map((token, i) => (beyond.has(i) ? html`<mark>${token}</mark>` : html`${token}`));
  return html`${pieces}`;
}

function short(text: string, limit = 400): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}
