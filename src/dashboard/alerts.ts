// Watches a run's figures for what usually goes wrong, and says it in a sentence with a remedy.

import type { ArmName, RlStep, SftStep } from "../run/events.ts";
import type { BrokenLine } from "../run/read-run.ts";
import type { StageState, Timeline } from "../run/timeline.ts";
import type { Alert, RunState } from "./api.ts";

/** Steps an average is taken over: one noisy step is no alert. */
const SPAN = 10;
/** Sampler and trainer are one engine here: float32 rounding is about 1e-6, so this is a hundredfold. */
const MISMATCH_LIMIT = 1e-4;

/** What the alerts need to know beside the timeline. */
export interface RunFolderState {
  readonly state: RunState;
  readonly idleSeconds: number;
  readonly broken: readonly BrokenLine[];
  /** one sentence for each file beside the events that cannot be read */
  readonly damaged: readonly string[];
}

/** Critical ones first. */
export function alertsOf(timeline: Timeline, state: RunFolderState): readonly Alert[] {
  const alerts = [
    ...stateAlerts(timeline, state),
    ...timeline.stages.flatMap((stage) => [...rlAlerts(stage), ...sftAlerts(stage)]),
    ...timeline.notices
      .filter((notice) => notice.level === "warning")
      .map((notice): Alert => ({ ...placeOf(notice), level: "warning", title: "Warning", detail: notice.message })),
  ];
  return alerts.sort((a, b) => Number(b.level === "critical") - Number(a.level === "critical"));
}

function stateAlerts(timeline: Timeline, { state, broken, damaged, idleSeconds }: RunFolderState): readonly Alert[] {
  const nowhere = { arm: null, stage: null, step: null };
  const alerts: Alert[] = [];
  if (state === "failed") {
    const detail = timeline.end?.message ?? "The run gave no reason.";
    alerts.push({ ...nowhere, level: "critical", title: "The run failed", detail });
  }
  if (state === "stalled") {
    const detail = `Nothing was written for ${Math.round(idleSeconds / 60)} min; if its process is gone, go on with --resume.`;
    alerts.push({ ...nowhere, level: "critical", title: "The run stands still", detail });
  }
  for (const detail of damaged) alerts.push({ ...nowhere, level: "warning", title: "A file cannot be read", detail });
  const first = broken[0];
  if (first !== undefined) {
    const detail = `${broken.length} line(s) of events.jsonl are left out; the first is line ${first.line}: ${first.why}.`;
    alerts.push({ ...nowhere, level: "warning", title: "Unreadable events", detail });
  }
  return alerts;
}

function rlAlerts(stage: StageState): readonly Alert[] {
  const rows = stage.rows.filter((row): row is RlStep => row.type === "rl-step");
  const mismatched = rows.find((row) => row.samplerTrainerMaxDifference > MISMATCH_LIMIT);
  const alerts = rows.length < SPAN ? [] : [...rewardAlerts(rows), ...samplingAlerts(rows, stage.ended)];
  if (mismatched === undefined) return alerts;
  const worst = mismatched.samplerTrainerMaxDifference.toExponential(1);
  const detail = `A log-prob differs by ${worst} (limit ${MISMATCH_LIMIT}): the gradient belongs to another policy than the one that sampled.`;
  return [{ ...placeOf(mismatched), level: "critical", title: "Sampler and trainer disagree", detail }, ...alerts];
}

function rewardAlerts(rows: readonly RlStep[]): readonly Alert[] {
  const means = slidingMeans(rows.map((row) => row.rewardMean));
  const best = Math.max(...means);
  const now = means.at(-1) ?? 0;
  const place = lastPlace(rows);
  if (best === 0) {
    const detail =
      "Not one rollout was rewarded: without a right answer now and then RL has nothing to learn from; use easier problems.";
    return [{ ...place, level: "warning", title: "No reward yet", detail }];
  }
  if (best <= 0.1 || now >= 0.5 * best) return [];
  const detail = `The mean reward fell from ${best.toFixed(2)} to ${now.toFixed(2)}; lower the learning rate and go on from an earlier snapshot.`;
  return [{ ...place, level: "critical", title: "Reward collapsed", detail }];
}

function samplingAlerts(rows: readonly RlStep[], ended: boolean): readonly Alert[] {
  const recent = (key: keyof RlStep): number => average(rows.slice(-SPAN).map((row) => Number(row[key])));
  const place = lastPlace(rows);
  const alerts: Alert[] = [];
  const warn = (title: string, detail: string): void => {
    alerts.push({ ...place, level: "warning", title, detail });
  };
  const entropy = recent("entropyNats");
  if (entropy < 0.05 * average(rows.slice(0, SPAN).map((row) => row.entropyNats))) {
    warn(
      "Entropy collapsed",
      `Entropy is ${entropy.toExponential(1)} nats, under a twentieth of its start: samples hardly differ, so groups teach little.`,
    );
  }
  const truncated = recent("truncated");
  if (truncated > 0.2) {
    warn(
      "Many responses cut off",
      `${(100 * truncated).toFixed(0)} % of rollouts reach the length cap; raise it, or look at what they repeat.`,
    );
  }
  const degenerate = recent("degenerateGroups");
  if (recent("rewardMean") > 0 && degenerate > 0.9 && !ended) {
    warn(
      "Hardly any signal",
      `${(100 * degenerate).toFixed(0)} % of groups have equal rewards and are dropped; the problems are too easy or too hard by now.`,
    );
  }
  return alerts;
}

function sftAlerts(stage: StageState): readonly Alert[] {
  const rows = stage.rows.filter((row): row is SftStep => row.type === "sft-step");
  const last = rows.at(-1);
  if (last === undefined || rows.length < 2 * SPAN) return [];
  const means = slidingMeans(rows.map((row) => row.lossNatsPerToken));
  const lowest = Math.min(...means);
  const now = means.at(-1) ?? lowest;
  if (now <= 1.5 * lowest + 0.05) return [];
  const detail = `The mean loss rose from ${lowest.toFixed(2)} to ${now.toFixed(2)} nats; lower the learning rate or lengthen the warm-up.`;
  return [{ ...placeOf(last), level: "critical", title: "Loss rises", detail }];
}

/** Means over each run of SPAN values. */
function slidingMeans(values: readonly number[]): readonly number[] {
  const means: number[] = [];
  let sum = 0;
  for (const [i, value] of values.entries()) {
    sum += value - (values[i - SPAN] ?? 0);
    if (i >= SPAN - 1) means.push(sum / SPAN);
  }
  return means;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lastPlace(rows: readonly RlStep[]): Pick<Alert, "arm" | "stage" | "step"> {
  const last = rows.at(-1);
  return last === undefined ? { arm: null, stage: null, step: null } : placeOf(last);
}

function placeOf(at: {
  readonly arm: ArmName | null;
  readonly stage: Alert["stage"];
  readonly step: number | null;
}): Pick<Alert, "arm" | "stage" | "step"> {
  return { arm: at.arm, stage: at.stage, step: at.step };
}
