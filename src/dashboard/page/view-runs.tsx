// The list of runs: state, where each one is, how long it still takes, its last figures, and what is wrong with it.

import { formatMetric, formatSeconds } from "../../report/metrics.ts";
import { gapRecovered, modesOf, percent, resultRows } from "../../report/rows.ts";
import type { RunSummary } from "../api.ts";
import { STAGE_LABELS, StateBadge, armName } from "./parts.tsx";
import { linkTo } from "./route.ts";

export function RunsView({ runs }: { readonly runs: readonly RunSummary[] | null }) {
  if (runs === null) return <p class="quiet">Looking for runs…</p>;
  return (
    <>
      <h1>Runs</h1>
      {runs.length === 0 ? (
        <p>
          There is no run here yet. <code>npx swarr demo --out runs/demo</code> makes one; this page shows it as soon as
          it starts.
        </p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Runs">
          <table class="runs">
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">State</th>
                <th scope="col">Stage</th>
                <th scope="col">Left</th>
                <th scope="col">Reward</th>
                <th
                  scope="col"
                  title="Accuracy of the windowed model after its last evaluated stage, temperature 1 where measured"
                >
                  SWA accuracy
                </th>
                <th scope="col" title="Share of the gap to full attention that RL closed">
                  Gap recovered
                </th>
                <th scope="col">Alerts</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <RunRow key={run.id} run={run} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function RunRow({ run }: { readonly run: RunSummary }) {
  const stage = run.stages.findLast((one) => !one.ended) ?? run.stages.at(-1);
  const critical = run.alerts.some((alert) => alert.level === "critical");
  return (
    <tr>
      <th scope="row">
        <a href={linkTo(run.id, "overview")}>{run.name}</a>
        <span class="quiet small">
          {run.window !== null && `window ${run.window}`}
          {run.seed !== null && `, seed ${run.seed}`}
        </span>
      </th>
      <td>
        <StateBadge state={run.state} />
      </td>
      <td>
        {stage !== undefined && (
          <>
            {armName(stage.arm)} {STAGE_LABELS[stage.stage]}{" "}
            <span class="quiet">
              {stage.done}/{stage.steps}
            </span>
          </>
        )}
      </td>
      <td>{(stage?.etaSeconds ?? null) === null ? "–" : formatSeconds(stage?.etaSeconds ?? 0)}</td>
      <td>{formatMetric(run.last.reward, "number")}</td>
      <td>{windowedAccuracy(run)}</td>
      <td>{recovered(run)}</td>
      <td>{run.alerts.length === 0 ? "none" : `${critical ? "▲" : "△"} ${run.alerts.length}`}</td>
    </tr>
  );
}

function windowedAccuracy({ results }: RunSummary): string {
  const mode = results === null ? undefined : modesOf(results)[0];
  if (results === null || mode === undefined) return "–";
  const last = resultRows(results, mode).findLast((one) => one.swa !== null)?.swa ?? null;
  return last === null ? "–" : `${percent(last.accuracy)} %`;
}

function recovered({ results }: RunSummary): string {
  const mode = results === null ? undefined : modesOf(results)[0];
  const share = results === null || mode === undefined ? null : gapRecovered(results, mode);
  return share === null ? "–" : `${percent(share, 0)} %`;
}
