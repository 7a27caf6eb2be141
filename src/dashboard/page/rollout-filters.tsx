// What narrows the list of rollouts: arm, step, verdict, reach, reward, length, order.

import type { RolloutFileInfo } from "../api.ts";
import { STAGE_LABELS, armName } from "./parts.tsx";

export interface Filters {
  readonly arm: string;
  readonly file: string;
  readonly verdict: string;
  readonly beyond: string;
  readonly minReward: string;
  readonly maxReward: string;
  readonly minLength: string;
  readonly maxLength: string;
  /** `order`, `reward`, `-reward` … */
  readonly sort: string;
}

/** The last RL step of the windowed arm where there is one. */
export function startFilters(files: readonly RolloutFileInfo[]): Filters {
  const arm = files.some((file) => file.arm === "swa") ? "swa" : "sa";
  const own = files.filter((file) => file.arm === arm);
  const file = own.findLast((one) => one.step !== null) ?? own[0];
  return {
    arm,
    file: file?.name ?? "steps",
    verdict: "",
    beyond: "",
    minReward: "",
    maxReward: "",
    minLength: "",
    maxLength: "",
    sort: "order",
  };
}

export function queryOf(filters: Filters): Readonly<Record<string, string | null>> {
  const given = (text: string): string | null => (text === "" ? null : text);
  return {
    arm: filters.arm,
    file: filters.file,
    verdict: given(filters.verdict),
    beyond: given(filters.beyond),
    minReward: given(filters.minReward),
    maxReward: given(filters.maxReward),
    minLength: given(filters.minLength),
    maxLength: given(filters.maxLength),
    sort: filters.sort.replace("-", ""),
    descending: filters.sort.startsWith("-") ? "1" : null,
  };
}

const VERDICT_OPTIONS = [
  ["", "any"],
  ["right", "right"],
  ["wrong", "wrong"],
  ["unreadable", "unreadable"],
  ["timeout", "timeout"],
] as const;
const REACH_OPTIONS = [
  ["", "any"],
  ["1", "beyond the window"],
  ["0", "inside the window"],
] as const;
const SORT_OPTIONS = [
  ["order", "as sampled"],
  ["-reward", "highest reward"],
  ["reward", "lowest reward"],
  ["-length", "longest"],
  ["length", "shortest"],
  ["-distance", "farthest look-up"],
] as const;

interface FiltersProps {
  readonly files: readonly RolloutFileInfo[];
  readonly filters: Filters;
  readonly change: (next: Filters) => void;
}

export function RolloutFilters({ files, filters, change }: FiltersProps) {
  const set = (part: Partial<Filters>): void => change({ ...filters, ...part });
  const arms = ["swa", "sa"].filter((arm) => files.some((file) => file.arm === arm));
  const changeArm = (arm: string): void => {
    const has = files.some((file) => file.arm === arm && file.name === filters.file);
    set({ arm, file: has || filters.file === "steps" ? filters.file : "steps" });
  };
  return (
    <form class="controls" onSubmit={(event) => event.preventDefault()}>
      <Select label="Arm" value={filters.arm} change={changeArm} options={arms.map((arm) => [arm, armName(arm)])} />
      <StepSelect files={files.filter((file) => file.arm === filters.arm)} filters={filters} set={set} />
      <Select
        label="Verdict"
        value={filters.verdict}
        change={(verdict) => set({ verdict })}
        options={VERDICT_OPTIONS}
      />
      <Select label="Look-ups" value={filters.beyond} change={(beyond) => set({ beyond })} options={REACH_OPTIONS} />
      <Between
        label="Reward"
        low={filters.minReward}
        high={filters.maxReward}
        step="any"
        change={(minReward, maxReward) => set({ minReward, maxReward })}
      />
      <Between
        label="Length"
        low={filters.minLength}
        high={filters.maxLength}
        step="1"
        change={(minLength, maxLength) => set({ minLength, maxLength })}
      />
      <Select label="Order" value={filters.sort} change={(sort) => set({ sort })} options={SORT_OPTIONS} />
    </form>
  );
}

function StepSelect({
  files,
  filters,
  set,
}: {
  readonly files: readonly RolloutFileInfo[];
  readonly filters: Filters;
  readonly set: (part: Partial<Filters>) => void;
}) {
  const steps = files.filter((file) => file.step !== null);
  const at = steps.findIndex((file) => file.name === filters.file);
  const go = (index: number): void => {
    const next = steps[index];
    if (next !== undefined) set({ file: next.name });
  };
  return (
    <span class="step-select">
      <button type="button" aria-label="Earlier step" disabled={at <= 0} onClick={() => go(at - 1)}>
        ‹
      </button>
      <Select
        label="From"
        value={filters.file}
        change={(file) => set({ file })}
        options={[
          ...(steps.length > 0 ? [["steps", "all RL steps"] as const] : []),
          ...steps.map((file) => [file.name, `RL step ${file.step}`] as const),
          ...files
            .filter((file) => file.finalStage !== null)
            .map(
              (file) => [file.name, `evaluation after ${STAGE_LABELS[file.finalStage ?? ""] ?? file.name}`] as const,
            ),
        ]}
      />
      <button
        type="button"
        aria-label="Later step"
        disabled={at < 0 || at >= steps.length - 1}
        onClick={() => go(at + 1)}
      >
        ›
      </button>
    </span>
  );
}

function Select(props: {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly options: readonly (readonly [value: string, text: string])[];
}) {
  return (
    <label>
      {props.label}{" "}
      <select value={props.value} onChange={(event) => props.change(event.currentTarget.value)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Between(props: {
  readonly label: string;
  readonly low: string;
  readonly high: string;
  readonly step: string;
  readonly change: (low: string, high: string) => void;
}) {
  const { label, low, high, step, change } = props;
  return (
    <fieldset class="between">
      <legend class="unseen">{label}</legend>
      <span aria-hidden="true">{label}</span>
      <input
        type="number"
        step={step}
        aria-label={`${label} at least`}
        placeholder="min"
        value={low}
        onChange={(event) => change(event.currentTarget.value, high)}
      />
      <input
        type="number"
        step={step}
        aria-label={`${label} at most`}
        placeholder="max"
        value={high}
        onChange={(event) => change(low, event.currentTarget.value)}
      />
    </fieldset>
  );
}
