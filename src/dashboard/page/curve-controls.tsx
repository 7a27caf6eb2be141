// What the curves show: stage, arms, smoothing, which metrics, which other runs.

import type { RunSummary } from "../api.ts";
import type { Range } from "./chart.tsx";
import { STAGE_LABELS, armName } from "./parts.tsx";

export interface Choice {
  /** "" leaves it to the view, "all" lays the stages end to end */
  readonly stage: string;
  readonly arms: readonly string[];
  readonly smoothing: number;
  /** every metric, not the main ones only */
  readonly more: boolean;
  /** ids of runs laid over this one */
  readonly others: readonly string[];
}

interface ControlsProps {
  readonly names: readonly string[];
  readonly stage: string;
  readonly choice: Choice;
  readonly change: (part: Partial<Choice>) => void;
  readonly run: RunSummary;
  readonly runs: readonly RunSummary[];
  readonly range: Range | null;
  readonly showAll: () => void;
}

export function CurveControls({ names, stage, choice, change, run, runs, range, showAll }: ControlsProps) {
  return (
    <form class="controls" onSubmit={(event) => event.preventDefault()}>
      <label>
        Stage{" "}
        <select value={stage} onChange={(event) => change({ stage: event.currentTarget.value })}>
          {names.map((name) => (
            <option key={name} value={name}>
              {STAGE_LABELS[name]}
            </option>
          ))}
          <option value="all">all, end to end</option>
        </select>
      </label>
      <fieldset>
        <legend class="unseen">Arms</legend>
        {["sa", "swa"].map((arm) => (
          <Toggle
            key={arm}
            label={armName(arm)}
            on={choice.arms.includes(arm)}
            flip={() => change({ arms: flipped(choice.arms, arm) })}
          />
        ))}
      </fieldset>
      <label>
        Smoothing{" "}
        <input
          type="range"
          min={0}
          max={0.98}
          step={0.02}
          value={choice.smoothing}
          onInput={(event) => change({ smoothing: Number(event.currentTarget.value) })}
        />
      </label>
      <Toggle label="every metric" on={choice.more} flip={() => change({ more: !choice.more })} />
      <OtherRuns others={runs.filter((other) => other.id !== run.id)} choice={choice} change={change} />
      <button type="button" disabled={range === null} onClick={showAll}>
        Show all steps
      </button>
      <span class="quiet small">Drag over a chart to zoom; double-click shows all.</span>
    </form>
  );
}

function OtherRuns({
  others,
  choice,
  change,
}: { readonly others: readonly RunSummary[] } & Pick<ControlsProps, "choice" | "change">) {
  if (others.length === 0) return null;
  return (
    <details class="overlay">
      <summary>Other runs{choice.others.length > 0 && ` (${choice.others.length})`}</summary>
      <div class="overlay-list">
        {others.map(({ id, name }) => (
          <Toggle
            key={id}
            label={name}
            on={choice.others.includes(id)}
            flip={() => change({ others: flipped(choice.others, id) })}
          />
        ))}
      </div>
    </details>
  );
}

function Toggle({ label, on, flip }: { readonly label: string; readonly on: boolean; readonly flip: () => void }) {
  return (
    <label>
      <input type="checkbox" checked={on} onChange={flip} /> {label}
    </label>
  );
}

function flipped(list: readonly string[], item: string): readonly string[] {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item].sort();
}
