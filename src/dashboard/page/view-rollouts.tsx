// Browsing rollouts: filters and a page of rows on one side, the chosen group and trace on the other.

import { useEffect, useState } from "preact/hooks";
import type { RolloutPage, RolloutRow, RunDetail } from "../api.ts";
import { ask, useLoaded } from "./client.ts";
import { RolloutFilters, startFilters, queryOf, type Filters } from "./rollout-filters.tsx";
import { RolloutDetail } from "./rollout-detail.tsx";
import { VerdictMark } from "./verdict.tsx";

const PAGE = 50;

export function RolloutsView({ detail }: { readonly detail: RunDetail }) {
  const { summary, rolloutFiles } = detail;
  const [filters, setFilters] = useState<Filters>(() => startFilters(rolloutFiles));
  const [offset, setOffset] = useState(0);
  const [picked, setPicked] = useState<RolloutRow | null>(null);
  const query = { run: summary.id, ...queryOf(filters), offset, limit: PAGE };
  const {
    value: page,
    error,
    reload,
  } = useLoaded(JSON.stringify(query), [summary.id], () => ask<RolloutPage>("rollouts", query));
  useEffect(() => {
    // "All steps" fills up while the server still reads.
    if (page?.complete !== false) return;
    const timer = setTimeout(reload, 250);
    return () => clearTimeout(timer);
  }, [page]);
  if (rolloutFiles.length === 0) return <p class="quiet">This run has stored no rollouts yet.</p>;
  const rows = page?.rows ?? [];
  const shown = rows.find((row) => picked !== null && sameRow(row, picked)) ?? picked ?? rows[0] ?? null;
  const change = (next: Filters): void => {
    setFilters(next);
    setOffset(0);
    setPicked(null);
  };
  return (
    <>
      <RolloutFilters files={rolloutFiles} filters={filters} change={change} />
      {error !== null && <p class="problem">{error}</p>}
      {page !== null && (
        <p class="quiet small" role="status">
          {page.total.toLocaleString("en")} of {page.indexed.toLocaleString("en")} rollouts
          {!page.complete && ", still reading the rest"}
          {page.broken > 0 && `, ${page.broken} lines cannot be read`}
        </p>
      )}
      <div class="browse">
        <div>
          <RowList rows={rows} shown={shown} pick={setPicked} />
          <Pager offset={offset} total={page?.total ?? 0} go={setOffset} />
        </div>
        <div class="chosen-rollout">
          {shown === null ? <p class="quiet">No rollout matches.</p> : <RolloutDetail run={summary.id} row={shown} />}
        </div>
      </div>
    </>
  );
}

function sameRow(a: RolloutRow, b: RolloutRow): boolean {
  return a.arm === b.arm && a.file === b.file && a.line === b.line;
}

function RowList({
  rows,
  shown,
  pick,
}: {
  readonly rows: readonly RolloutRow[];
  readonly shown: RolloutRow | null;
  readonly pick: (row: RolloutRow) => void;
}) {
  const onKey = (event: KeyboardEvent): void => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move === undefined || rows.length === 0) return;
    event.preventDefault();
    const at = shown === null ? -1 : rows.findIndex((row) => sameRow(row, shown));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + move))];
    if (next !== undefined) pick(next);
  };
  return (
    <div class="row-list" tabIndex={0} role="region" aria-label="Rollouts; arrow keys choose" onKeyDown={onKey}>
      <table>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Rollout</th>
            <th scope="col">Verdict</th>
            <th scope="col">Reward</th>
            <th scope="col">Length</th>
            <th scope="col">Farthest</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row
              key={`${row.file}:${row.line}`}
              row={row}
              current={shown !== null && sameRow(row, shown)}
              pick={() => pick(row)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  row,
  current,
  pick,
}: {
  readonly row: RolloutRow;
  readonly current: boolean;
  readonly pick: () => void;
}) {
  return (
    <tr class={current ? "current" : ""}>
      <td>{row.step ?? row.file}</td>
      <td>
        <button type="button" class="plain" aria-pressed={current} onClick={pick}>
          {row.group}·{row.sample}
        </button>
      </td>
      <td class="text">
        <VerdictMark verdict={row.verdict} />
      </td>
      <td>{Number(row.reward.toFixed(3))}</td>
      <td>
        {row.length}
        {row.finishReason === "length" && <abbr title="cut off at the cap">✂</abbr>}
      </td>
      <td>
        {row.distance ?? "–"}
        {row.beyondWindow && <abbr title="beyond the window">↶</abbr>}
      </td>
    </tr>
  );
}

function Pager({
  offset,
  total,
  go,
}: {
  readonly offset: number;
  readonly total: number;
  readonly go: (offset: number) => void;
}) {
  if (total <= PAGE) return null;
  const last = Math.floor((total - 1) / PAGE) * PAGE;
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" disabled={offset === 0} onClick={() => go(0)}>
        First
      </button>
      <button type="button" disabled={offset === 0} onClick={() => go(Math.max(0, offset - PAGE))}>
        Previous
      </button>
      <span>
        {(offset + 1).toLocaleString("en")} to {Math.min(total, offset + PAGE).toLocaleString("en")}
      </span>
      <button type="button" disabled={offset >= last} onClick={() => go(offset + PAGE)}>
        Next
      </button>
      <button type="button" disabled={offset >= last} onClick={() => go(last)}>
        Last
      </button>
    </nav>
  );
}
