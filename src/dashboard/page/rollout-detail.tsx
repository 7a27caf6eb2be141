// The group of one prompt side by side, and one of its traces in full.

import { useState } from "preact/hooks";
import { visibleControls } from "../../report/markup.ts";
import type { RolloutGroup, RolloutRow } from "../api.ts";
import { ask, useLoaded } from "./client.ts";
import { Trace } from "./trace.tsx";
import { VerdictMark } from "./verdict.tsx";

export function RolloutDetail({ run, row }: { readonly run: string; readonly row: RolloutRow }) {
  const key = `${run}\n${row.arm}\n${row.file}\n${row.group}`;
  const [own, setOwn] = useState<{ readonly row: RolloutRow; readonly line: number } | null>(null);
  const query = { run, arm: row.arm, file: row.file, group: row.group };
  const { value: group, error } = useLoaded(`group ${key}`, [], () => ask<RolloutGroup>("group", query));
  if (error !== null) return <p class="problem">{error}</p>;
  if (group === null) return <p class="quiet">Reading…</p>;
  // A sample picked in the group holds until another row is picked in the list.
  const line = own?.row === row ? own.line : row.line;
  const record = group.records.find((one) => one.line === line) ?? group.records[0];
  if (record === undefined) return <p class="quiet">This rollout is gone.</p>;
  return (
    <>
      <h2>
        {row.step === null ? row.file : `Step ${row.step}`}, group {row.group}
      </h2>
      <p class="prompt-line">
        <span class="quiet">Prompt</span> <code>{visibleControls(short(record.prompt, 600))}</code>
        <span class="quiet"> Answer</span> <code>{visibleControls(short(record.gold, 120))}</code>
      </p>
      {group.records.length > 1 && (
        <div class="group" role="group" aria-label="Rollouts of the group">
          {group.records.map((one) => (
            <button
              key={one.line}
              type="button"
              aria-pressed={one === record}
              onClick={() => setOwn({ row, line: one.line })}
            >
              <span>
                <VerdictMark verdict={one.verdict} /> <b>{Number(one.reward.toFixed(3))}</b>
              </span>
              <span class="quiet small">{one.length} tokens</span>
              <code>{visibleControls(short(one.response, 110))}</code>
            </button>
          ))}
        </div>
      )}
      <h3>
        Sample {record.sample}: <VerdictMark verdict={record.verdict} />, answer{" "}
        <code>{record.answer === null ? "none" : visibleControls(short(record.answer, 80))}</code>, {record.length}{" "}
        tokens
        {record.finishReason === "length" && ", cut off at the cap"}
      </h3>
      <Terms terms={record.terms} reward={record.reward} />
      <Trace key={`${key} ${record.line}`} record={record} window={group.window} />
    </>
  );
}

function Terms({ terms, reward }: { readonly terms: Readonly<Record<string, number>>; readonly reward: number }) {
  const entries = Object.entries(terms);
  if (entries.length < 2) return null;
  return (
    <p class="quiet small">
      Reward {Number(reward.toFixed(3))}:{" "}
      {entries.map(([name, value]) => `${name} ${Number(value.toFixed(3))}`).join(", ")}
    </p>
  );
}

function short(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}
