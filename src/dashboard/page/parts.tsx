// Small parts that several views use: states, alerts, progress, and drawings made by the report's chart code.

import type { Markup } from "../../report/markup.ts";
import { formatSeconds } from "../../report/metrics.ts";
import type { Alert, RunState, StageProgress } from "../api.ts";

const STATE_MARKS: Readonly<Record<RunState, string>> = {
  waiting: "○",
  running: "▶",
  stalled: "‖",
  finished: "✓",
  interrupted: "■",
  failed: "✗",
};

/** A state is a sign and a word; the colour only repeats them. */
export function StateBadge({ state }: { readonly state: RunState }) {
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{STATE_MARKS[state]}</span> {state}
    </span>
  );
}

export const STAGE_LABELS: Readonly<Record<string, string>> = {
  pretrain: "Pretrain",
  base: "Base",
  sft: "SFT",
  "more-sft": "More SFT",
  rl: "RL",
};

export function armName(arm: string | null): string {
  return arm === null ? "" : arm.toUpperCase();
}

export function AlertList({ alerts }: { readonly alerts: readonly Alert[] }) {
  if (alerts.length === 0) return null;
  return (
    <ul class="alerts" aria-label="Alerts">
      {alerts.map((alert, i) => (
        <li key={i} class={alert.level}>
          <strong>
            <span aria-hidden="true">{alert.level === "critical" ? "▲" : "△"}</span> {alert.title}
          </strong>
          <span class="place">{placeText(alert)}</span>
          <span>{alert.detail}</span>
        </li>
      ))}
    </ul>
  );
}

function placeText({ arm, stage, step }: Alert): string {
  if (stage === null) return "";
  return `${armName(arm)} ${STAGE_LABELS[stage] ?? stage}${step === null ? "" : `, step ${step}`}`.trim();
}

/** Done and planned as a bar; the numbers stand beside it. */
export function StageBar({ stage }: { readonly stage: StageProgress }) {
  const name = `${armName(stage.arm)} ${STAGE_LABELS[stage.stage] ?? stage.stage}`.trim();
  return (
    <div class="stage-bar">
      <span class="stage-name">{name}</span>
      <progress aria-label={`${name} progress`} max={Math.max(1, stage.steps)} value={stage.done} />
      <span class="stage-count">
        {stage.done}/{stage.steps}
        {stage.etaSeconds !== null && <span class="quiet"> · {formatSeconds(stage.etaSeconds)} left</span>}
        {stage.ended && stage.seconds !== null && <span class="quiet"> · {formatSeconds(stage.seconds)}</span>}
      </span>
    </div>
  );
}

/** A drawing from report/charts.ts, which escapes all it is given. */
export function Drawing({ markup }: { readonly markup: Markup }) {
  return <div class="drawing" dangerouslySetInnerHTML={{ __html: markup.markup }} />;
}
