// The curves of a run, alone or over others: by stage or end to end, smoothed, zoomed together.

import { useMemo, useState } from "preact/hooks";
import { METRICS, type Metric } from "../../report/metrics.ts";
import type { RunSummary, StageColumns } from "../api.ts";
import { Chart, type ChartSeries, type Range } from "./chart.tsx";
import { useSteps } from "./client.ts";
import { CurveControls, type Choice } from "./curve-controls.tsx";
import { STAGE_LABELS, armName } from "./parts.tsx";
import { stageOffsets, type Curve } from "./series.ts";

const RUN_COLOURS = ["--run-1", "--run-2", "--run-3", "--run-4", "--run-5", "--run-6"];
const SA_DASH = [6, 4];

export function CurvesView({ run, runs }: { readonly run: RunSummary; readonly runs: readonly RunSummary[] }) {
  const [choice, setChoice] = useState<Choice>({
    stage: "",
    arms: ["sa", "swa"],
    smoothing: 0.6,
    more: false,
    others: [],
  });
  const [range, setRange] = useState<Range | null>(null);
  const shown = [run.id, ...choice.others.filter((id) => runs.some((other) => other.id === id))];
  const { value: steps, error } = useSteps(shown);
  const stages = useMemo(() => [...(steps ?? new Map<string, readonly StageColumns[]>()).values()].flat(), [steps]);
  const names = ["pretrain", "sft", "more-sft", "rl"].filter((name) =>
    stages.some((one) => one.stage === name && one.step.length > 0),
  );
  const stage = choice.stage === "" ? (names.includes("rl") ? "rl" : (names.at(-1) ?? "all")) : choice.stage;
  const charts = useMemo(() => chartsOf(steps ?? new Map(), stage, choice, shown), [steps, stage, choice]);
  const extent: Range | null = useMemo(() => (stage === "all" ? [0, lastStep(stages)] : null), [stage, stages]);
  const change = (part: Partial<Choice>): void => {
    setChoice({ ...choice, ...part });
    if (part.stage !== undefined) setRange(null);
  };
  return (
    <>
      <CurveControls
        names={names}
        stage={stage}
        choice={choice}
        change={change}
        run={run}
        runs={runs}
        range={range}
        showAll={() => setRange(null)}
      />
      {error !== null && <p class="problem">{error}</p>}
      {steps !== null && charts.length === 0 && <p class="quiet">No step has been logged for this choice yet.</p>}
      <div class="charts">
        {charts.map(({ metric, series, marks }) => (
          <Chart
            key={metric.key}
            title={metric.label}
            explain={metric.explain}
            unit={metric.unit}
            series={series}
            smoothing={choice.smoothing}
            range={range}
            onRange={setRange}
            xLabel="step"
            marks={marks}
            extent={extent}
          />
        ))}
      </div>
    </>
  );
}

/** Where the last stage ends when all are laid end to end. */
function lastStep(stages: readonly StageColumns[]): number {
  const offsets = stageOffsets(stages);
  return Math.max(1, ...stages.map((stage) => (offsets.get(stage.stage) ?? 0) + (stage.step.at(-1) ?? 0)));
}

interface ChartData {
  readonly metric: Metric;
  readonly series: readonly ChartSeries[];
  readonly marks: readonly { readonly x: number; readonly label: string }[];
}

function chartsOf(
  steps: ReadonlyMap<string, readonly StageColumns[]>,
  stage: string,
  choice: Choice,
  shown: readonly string[],
): readonly ChartData[] {
  const offsets = stage === "all" ? stageOffsets([...steps.values()].flat()) : new Map<string, number>([[stage, 0]]);
  const marks = stage === "all" ? [...offsets].map(([name, x]) => ({ x, label: STAGE_LABELS[name] ?? name })) : [];
  // End to end, a metric that only RL has would be a sliver; it has RL's own view.
  const wanted = METRICS.filter((metric) => (metric.main || choice.more) && (stage !== "all" || metric.of !== "rl"));
  return wanted.flatMap((metric) => {
    const series = shown.flatMap((id, index) =>
      choice.arms.flatMap((arm) =>
        seriesOf(steps.get(id) ?? [], { metric, arm, offsets, id, index, several: shown.length > 1 }),
      ),
    );
    return series.length === 0 ? [] : [{ metric, series, marks }];
  });
}

function seriesOf(
  stages: readonly StageColumns[],
  place: {
    readonly metric: Metric;
    readonly arm: string;
    readonly offsets: ReadonlyMap<string, number>;
    readonly id: string;
    readonly index: number;
    readonly several: boolean;
  },
): readonly ChartSeries[] {
  const { metric, arm, offsets, several } = place;
  const own = stages.filter((stage) => stage.arm === arm && offsets.has(stage.stage));
  const offsetOf = (stage: StageColumns): number => offsets.get(stage.stage) ?? 0;
  const curves = [...own]
    .sort((a, b) => offsetOf(a) - offsetOf(b))
    .flatMap((stage): readonly Curve[] => {
      const y = stage.metrics[metric.key];
      if (y?.some((value) => value !== null) !== true) return [];
      return [{ x: stage.step.map((step) => offsetOf(stage) + step), y }];
    });
  if (curves.length === 0) return [];
  const label = several ? `${place.id} ${armName(arm)}` : armName(arm);
  const colour = several ? (RUN_COLOURS[place.index % RUN_COLOURS.length] ?? "--swa") : `--${arm}`;
  return [{ label, colour, dash: arm === "sa" ? SA_DASH : [], curves }];
}
