// One chart: curves on a canvas, their values in a legend, one sentence on what they mean. Drag or press + to zoom.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { formatMetric, type MetricUnit } from "../../report/metrics.ts";
import { joinedCurves, lowerBound, smoothed, type Curve } from "./series.ts";
import { colour, useThemeVersion } from "./theme.ts";

export interface ChartSeries {
  readonly label: string;
  /** of the style sheet, such as `--swa` */
  readonly colour: string;
  readonly dash: readonly number[];
  /** one a stage, in order of x */
  readonly curves: readonly Curve[];
}

export type Range = readonly [from: number, to: number];

export interface ChartProps {
  readonly title: string;
  readonly explain: string;
  readonly unit: MetricUnit;
  readonly series: readonly ChartSeries[];
  readonly smoothing: number;
  readonly range: Range | null;
  readonly onRange: (range: Range | null) => void;
  /** the whole of x, where charts have to line up; null leaves it to the data */
  readonly extent: Range | null;
  readonly xLabel: string;
  /** where stages begin, drawn as upright lines */
  readonly marks: readonly { readonly x: number; readonly label: string }[];
}

const HEIGHT = 190;
const SYNC = uPlot.sync("steps");

export function Chart(props: ChartProps) {
  const { title, explain, unit, series, smoothing, range, onRange } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const theme = useThemeVersion();
  const width = useWidth(host);

  useEffect(() => {
    if (host.current === null || width === 0) return;
    const view = plotOf(props, width, { setCursor, onRange });
    plot.current = new uPlot(view.options, view.data, host.current);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [series, smoothing, range, width, theme, props.marks]);

  return (
    <figure class="metric">
      <figcaption>
        <h2>{title}</h2>
        <p class="explain">{explain}</p>
      </figcaption>
      <ul class="legend">
        {series.map((one) => (
          <li key={one.label}>
            <DashSample colour={one.colour} dash={one.dash} />
            {one.label} <b>{formatMetric(valueAt(one.curves, smoothing, cursor), unit)}</b>
          </li>
        ))}
        <li class="quiet">{cursor === null ? "last" : `${props.xLabel} ${Number(cursor.toFixed(1))}`}</li>
      </ul>
      <div
        class="plot"
        ref={host}
        tabIndex={0}
        role="img"
        aria-label={`${title}: ${series.map((one) => `${one.label} ${formatMetric(valueAt(one.curves, smoothing, null), unit)}`).join(", ")}. Plus and minus zoom, arrows move, zero shows all.`}
        onKeyDown={(event) => onKey(event, props)}
      />
    </figure>
  );
}

/** The value at or before x; the last one when x is null. Smoothed as drawn. */
function valueAt(curves: readonly Curve[], smoothing: number, x: number | null): number | null {
  const curve = x === null ? curves.at(-1) : (curves.findLast((one) => (one.x[0] ?? Infinity) <= x) ?? curves[0]);
  if (curve === undefined) return null;
  const end = x === null ? curve.x.length : Math.max(1, lowerBound(curve.x, x + 1e-9));
  // Older values weigh less than the last digit shown.
  const recent = smoothing === 0 ? 1 : Math.ceil(-12 / Math.log10(smoothing));
  return smoothed(curve.y.slice(Math.max(0, end - recent), end), smoothing).at(-1) ?? null;
}

function onKey(event: KeyboardEvent, { series, range, onRange }: ChartProps): void {
  const xs = series.flatMap(({ curves }) => [curves[0]?.x[0] ?? 0, curves.at(-1)?.x.at(-1) ?? 0]);
  const all: Range = [Math.min(...xs), Math.max(...xs)];
  const [from, to] = range ?? all;
  const span = to - from;
  const moves: Readonly<Record<string, Range | null>> = {
    "+": [from + span / 4, to - span / 4],
    "=": [from + span / 4, to - span / 4],
    "-": [Math.max(all[0], from - span / 2), Math.min(all[1], to + span / 2)],
    ArrowLeft: [Math.max(all[0], from - span / 5), Math.max(all[0] + span, to - span / 5)],
    ArrowRight: [Math.min(all[1] - span, from + span / 5), Math.min(all[1], to + span / 5)],
    "0": null,
    Escape: null,
  };
  const next = moves[event.key];
  if (next === undefined) return;
  event.preventDefault();
  if (next === null || next[1] - next[0] >= 2) onRange(next);
}

interface Hooks {
  readonly setCursor: (x: number | null) => void;
  readonly onRange: (range: Range | null) => void;
}

function plotOf(
  props: ChartProps,
  width: number,
  hooks: Hooks,
): { readonly options: uPlot.Options; readonly data: uPlot.AlignedData } {
  const { series, smoothing, range, unit } = props;
  const buckets = Math.max(100, Math.floor(width / 2));
  const faint = smoothing > 0;
  const tables: uPlot.AlignedData[] = [];
  const lines: uPlot.Series[] = [];
  for (const one of series) {
    const raw = joinedCurves(one.curves, { smoothing: 0, range, buckets });
    const strong = faint ? joinedCurves(one.curves, { smoothing, range, buckets }) : raw;
    const stroke = colour(one.colour);
    if (faint) {
      tables.push([[...raw.x], [...raw.y]]);
      lines.push({ label: `${one.label} raw`, stroke, alpha: 0.25, width: 1, points: { show: false } });
    }
    tables.push([[...strong.x], [...strong.y]]);
    lines.push({
      label: one.label,
      stroke,
      width: 1.8,
      dash: [...one.dash],

      points: { show: strong.x.length === 1 },
    });
  }
  const data = tables.length === 0 ? ([[]] as uPlot.AlignedData) : uPlot.join(tables);
  const shown = range ?? props.extent;
  const quiet = colour("--quiet");
  const axis = {
    stroke: quiet,
    grid: { stroke: colour("--rule"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const options: uPlot.Options = {
    width,
    height: HEIGHT,
    legend: { show: false },
    scales: { x: { time: false, ...(shown === null ? {} : { range: [shown[0], shown[1]] }) } },
    axes: [
      { ...axis, size: 26, grid: { show: false } },
      { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => axisText(tick, unit)) },
    ],
    series: [{}, ...lines],
    cursor: {
      sync: { key: SYNC.key, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
    },
    hooks: {
      setCursor: [(view) => hooks.setCursor(cursorX(view))],
      setSelect: [(view) => onSelect(view, hooks.onRange)],
      ready: [(view) => view.over.addEventListener("dblclick", () => hooks.onRange(null))],
      draw: [(view) => drawMarks(view, props.marks)],
    },
  };
  return { options, data };
}

function cursorX(view: uPlot): number | null {
  const { left } = view.cursor;
  return left === undefined || left < 0 ? null : view.posToVal(left, "x");
}

function onSelect(view: uPlot, onRange: (range: Range | null) => void): void {
  const { left, width } = view.select;
  // A click is no zoom.
  if (width < 6) return;
  onRange([view.posToVal(left, "x"), view.posToVal(left + width, "x")]);
}

function drawMarks(view: uPlot, marks: ChartProps["marks"]): void {
  const { ctx, bbox } = view;
  ctx.save();
  ctx.strokeStyle = colour("--quiet");
  ctx.fillStyle = colour("--quiet");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  const places = marks.map(({ x, label }) => ({ at: view.valToPos(x, "x", true), label }));
  for (const [i, { at, label }] of places.entries()) {
    if (at < bbox.left - 1 || at > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    // A name that would run into the next stage is left out; the stage can be zoomed into.
    const room = (places[i + 1]?.at ?? bbox.left + bbox.width) - at;
    if (ctx.measureText(label).width + 6 * devicePixelRatio < room) {
      ctx.fillText(label, at + 4 * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
    }
  }
  ctx.restore();
}

function axisText(value: number, unit: MetricUnit): string {
  if (unit === "share") return `${Number((100 * value).toFixed(2))} %`;
  if (unit === "small") return value === 0 ? "0" : Number(value.toPrecision(2)).toExponential();
  if (unit === "rate" || unit === "tokens")
    return value >= 1000 ? `${Number((value / 1000).toFixed(1))}k` : String(Number(value.toFixed(1)));
  return String(Number(value.toPrecision(4)));
}

function DashSample({ colour: name, dash }: { readonly colour: string; readonly dash: readonly number[] }) {
  return (
    <svg class={`sample ${name.slice(2)}`} viewBox="0 0 24 8" aria-hidden="true">
      <path d="M0 4H24" stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}

/** The host's width, rounded so that a scroll bar coming and going does not redraw for ever. */
function useWidth(host: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth / 4) * 4));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}
