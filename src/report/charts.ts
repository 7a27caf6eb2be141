// Charts as SVG text: curves, accuracies with intervals, histograms. Colours are CSS classes; shape and dash repeat what colour says.

import { html, type Markup } from "./markup.ts";

/** How a series is drawn: `sa` and `swa` are the arms, `control` the more-SFT control. */
export type SeriesKind = "sa" | "swa" | "control";

export interface Series {
  readonly kind: SeriesKind;
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChartOptions {
  /** what a screen reader says */
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yRange: readonly [number, number];
  readonly yText: (value: number) => string;
}

const WIDTH = 560;
const HEIGHT = 240;
const LEFT = 46;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 40;

interface Scale {
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
}

/** Curves over steps, each labelled at its end as well as in the legend. */
export function lineChart(series: readonly Series[], options: LineChartOptions): Markup {
  const xs = series.flatMap((one) => one.points.map(([x]) => x));
  const range: readonly [number, number] = [Math.min(...xs), Math.max(...xs)];
  const scale = scaleOf(range, options.yRange);
  const paths = series.map((one) => {
    const [first] = one.points;
    if (first !== undefined && one.points.length === 1) {
      return html`<g class="${one.kind}">${marker(one.kind, Number(scale.x(first[0])), Number(scale.y(first[1])))}</g>`;
    }
    const path = one.points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${scale.x(x)} ${scale.y(y)}`).join("");
    return html`<path class="line ${one.kind}" d="${path}" />`;
  });
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${options.title}">
    ${yAxis(scale, ticks(...options.yRange), options)} ${xAxis(scale, ticks(...range, 6), options.xLabel)} ${paths}
  </svg>`;
}

/** One accuracy with its interval, in 0 .. 1. */
export interface IntervalPoint {
  readonly kind: SeriesKind;
  readonly label: string;
  /** which column, from 0 */
  readonly column: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Accuracy by stage: a point with its 95% interval for each arm, arms joined from stage to stage. */
export function intervalChart(
  columns: readonly string[],
  points: readonly IntervalPoint[],
  options: { readonly title: string; readonly yLabel: string },
): Markup {
  const scale = scaleOf([-0.5, columns.length - 0.5], [0, 1]);
  const shift: Readonly<Record<SeriesKind, number>> = { sa: -0.07, swa: 0.07, control: 0.07 };
  const joined = (["sa", "swa"] as const).map((kind) => {
    const own = points.filter((point) => point.kind === kind);
    const path = own.map((p, i) => `${i === 0 ? "M" : "L"}${scale.x(p.column + shift[kind])} ${scale.y(p.value)}`);
    return html`<path class="line thin ${kind}" d="${path.join("")}" />`;
  });
  const marks = points.map((point) => {
    const x = Number(scale.x(point.column + shift[point.kind]));
    const y = Number(scale.y(point.value));
    const side = point.kind === "sa" ? -1 : 1;
    return html`<g class="${point.kind}">
      <title>${point.label}</title>
      <path class="whisker" d="M${x} ${scale.y(point.low)}V${scale.y(point.high)}" />
      ${marker(point.kind, x, y)}
      <text class="value" x="${x + side * 9}" y="${y + 4}" text-anchor="${side < 0 ? "end" : "start"}">
        ${(100 * point.value).toFixed(1)}
      </text>
    </g>`;
  });
  const names = columns.map(
    (name, i) =>
      html`<text class="tick" x="${scale.x(i)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${name}</text>`,
  );
  const yText = (value: number): string => (100 * value).toFixed(0);
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${options.title}">
    ${yAxis(scale, [0, 0.25, 0.5, 0.75, 1], { yLabel: options.yLabel, yText })} ${names} ${joined} ${marks}
  </svg>`;
}

/** A histogram of dependency distances: bars beyond the window are hatched, and the window is a labelled line. */
export function distanceHistogram(
  distances: readonly number[],
  options: {
    readonly title: string;
    readonly window: number;
    readonly binWidth: number;
    readonly maxDistance: number;
    /** top of the share axis, so that several histograms compare */
    readonly topShare: number;
    readonly kind: SeriesKind;
    /** of the hatching; unique on the page */
    readonly id: string;
  },
): Markup {
  const { window, binWidth } = options;
  const shares = binShares(distances, binWidth, options.maxDistance);
  const scale = scaleOf([0, shares.length * binWidth], [0, options.topShare]);
  const bars = shares.map((share, i) => {
    if (share === 0) return null;
    const x = Number(scale.x(i * binWidth)) + 0.5;
    const width = Number(scale.x((i + 1) * binWidth)) - x - 0.5;
    const y = Number(scale.y(share));
    // A bin is beyond when its smallest distance is.
    const place = i * binWidth + 1 > window ? "beyond" : "within";
    const text = `distance ${i * binWidth + 1} to ${(i + 1) * binWidth}: ${(100 * share).toFixed(1)} %`;
    return html`<rect
      class="bar ${options.kind} ${place}"
      fill="${place === "beyond" ? `url(#${options.id})` : "currentColor"}"
      x="${x}"
      y="${y}"
      width="${width}"
      height="${HEIGHT - BOTTOM - y}"
    >
      <title>${text}</title>
    </rect>`;
  });
  const yText = (value: number): string => `${(100 * value).toFixed(0)} %`;
  const edge = scale.x(window);
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${options.title}">
    ${hatchPattern(options.id, options.kind)}
    ${yAxis(scale, ticks(0, options.topShare), { yLabel: "share of look-ups", yText })}
    ${xAxis(scale, ticks(0, shares.length * binWidth, 7), "tokens back to the previous occurrence")} ${bars}
    <path class="window-edge" d="M${edge} ${TOP}V${HEIGHT - BOTTOM}" />
    <text class="window-label" x="${Number(edge) + 5}" y="${TOP + 10}">window ${window}</text>
  </svg>`;
}

/** Share of distances in each bin; bin i holds i*binWidth+1 .. (i+1)*binWidth, the last one also all that is farther. */
export function binShares(distances: readonly number[], binWidth: number, maxDistance: number): readonly number[] {
  const bins = new Array<number>(Math.max(1, Math.ceil(maxDistance / binWidth))).fill(0);
  for (const distance of distances) {
    const bin = Math.min(bins.length - 1, Math.max(0, Math.ceil(distance / binWidth) - 1));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins.map((count) => (distances.length === 0 ? 0 : count / distances.length));
}

/** The look-ups of one trace as arcs over its tokens; those beyond the window are thicker and dashed. */
export function arcStrip(
  arcs: readonly (readonly [from: number, to: number])[],
  tokens: number,
  promptTokens: number,
  window: number,
): Markup {
  const width = 720;
  const pitch = width / Math.max(1, tokens);
  const height = Math.min(90, 12 + (pitch * Math.max(1, ...arcs.map(([from, to]) => to - from))) / 3);
  const base = height - 6;
  const paths = arcs.map(([from, to]) => {
    const rise = Math.min(base - 3, ((to - from) * pitch) / 3);
    const [x1, x2] = [((from + 0.5) * pitch).toFixed(1), ((to + 0.5) * pitch).toFixed(1)];
    const beyond = to - from > window;
    const path = `M${x1} ${base}C${x1} ${(base - 1.33 * rise).toFixed(1)} ${x2} ${(base - 1.33 * rise).toFixed(1)} ${x2} ${base}`;
    return html`<path class="arc ${beyond ? "beyond" : "within"}" d="${path}" />`;
  });
  const far = arcs.filter(([from, to]) => to - from > window).length;
  const title = `${arcs.length} look-ups, ${far} of them beyond the window of ${window}`;
  return html`<svg class="arcs" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    <path class="prompt-rule" d="M0 ${base + 2}H${(promptTokens * pitch).toFixed(1)}" />
    <path class="response-rule" d="M${(promptTokens * pitch).toFixed(1)} ${base + 2}H${width}" />
    ${paths}
  </svg>`;
}

/** Round values that cover a range, about `count` of them. */
export function ticks(low: number, high: number, count = 5): readonly number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? 10 * power;
  const found: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * span; k++)
    found.push(Number((k * step).toPrecision(12)));
  return found;
}

function scaleOf(x: readonly [number, number], y: readonly [number, number]): Scale {
  const xSpan = x[1] - x[0] || 1;
  const ySpan = y[1] - y[0] || 1;
  return {
    x: (value) => (LEFT + ((value - x[0]) / xSpan) * (WIDTH - LEFT - RIGHT)).toFixed(1),
    y: (value) => (HEIGHT - BOTTOM - ((value - y[0]) / ySpan) * (HEIGHT - TOP - BOTTOM)).toFixed(1),
  };
}

function yAxis(
  scale: Scale,
  values: readonly number[],
  options: { readonly yLabel: string; readonly yText: (value: number) => string },
): Markup {
  const lines = values.map(
    (value) =>
      html`<path class="grid" d="M${LEFT} ${scale.y(value)}H${WIDTH - RIGHT}" /><text
          class="tick"
          x="${LEFT - 6}"
          y="${Number(scale.y(value)) + 4}"
          text-anchor="end"
        >
          ${options.yText(value)}
        </text>`,
  );
  return html`${lines}<text class="axis" x="${LEFT - 40}" y="9">${options.yLabel}</text>`;
}

function xAxis(scale: Scale, values: readonly number[], label: string): Markup {
  const names = values.map(
    (value) =>
      html`<text class="tick" x="${scale.x(value)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${value}</text>`,
  );
  return html`${names}<text class="axis" x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${label}</text>`;
}

function marker(kind: SeriesKind, x: number, y: number): Markup {
  if (kind === "sa")
    return html`<path class="mark" d="M${x} ${y - 5.5}L${x + 5.5} ${y}L${x} ${y + 5.5}L${x - 5.5} ${y}Z" />`;
  return html`<circle class="mark ${kind === "control" ? "hollow" : ""}" cx="${x}" cy="${y}" r="4.5" />`;
}

function hatchPattern(id: string, kind: SeriesKind): Markup {
  return html`<defs>
    <pattern id="${id}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect class="hatch-ground ${kind}" width="5" height="5" />
      <path class="hatch-line ${kind}" d="M0 0V5" />
    </pattern>
  </defs>`;
}
