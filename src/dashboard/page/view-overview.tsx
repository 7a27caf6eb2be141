// One run at a glance: alerts, the headline figures, SA against SWA stage by stage, stages with their progress, cost.

import { intervalChart, type IntervalPoint } from "../../report/charts.ts";
import {
  MODE_NAMES,
  STAGE_NAMES,
  COST_HEADS,
  costCells,
  costRows,
  costStageName,
  gapRecovered,
  gapSentence,
  modesOf,
  percent,
  resultRows,
  type Mode,
} from "../../report/rows.ts";
import type { RunResults, Score } from "../../run/results.ts";
import type { RunDetail } from "../api.ts";
import { AlertList, Drawing, StageBar } from "./parts.tsx";

export function OverviewView({ detail }: { readonly detail: RunDetail }) {
  const { summary } = detail;
  const { results } = summary;
  return (
    <>
      <AlertList alerts={summary.alerts} />
      {results !== null && <Headline results={results} />}
      <section>
        <h2>Stages</h2>
        {summary.stages.length === 0 && <p class="quiet">No stage has started.</p>}
        <div class="stage-bars">
          {summary.stages.map((stage) => (
            <StageBar key={`${stage.arm} ${stage.stage}`} stage={stage} />
          ))}
        </div>
      </section>
      {results !== null && modesOf(results).map((mode) => <Accuracy key={mode} results={results} mode={mode} />)}
      {results !== null && <CostTable results={results} />}
      {detail.notices.length > 0 && (
        <section>
          <h2>Notices</h2>
          <ul class="notices">
            {detail.notices.slice(-50).map((notice, i) => (
              <li key={i}>
                <time>{notice.time.slice(11, 19)}</time> {notice.message}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Headline({ results }: { readonly results: RunResults }) {
  const mode = modesOf(results)[0];
  if (mode === undefined) return null;
  const rows = resultRows(results, mode);
  const cell = (stage: string, arm: "sa" | "swa"): Score | null =>
    rows.find((row) => row.stage === stage)?.[arm] ?? null;
  const share = gapRecovered(results, mode);
  const figures = [
    ["Full attention after SFT", cell("sft", "sa")],
    [`Window ${results.window} after SFT`, cell("sft", "swa")],
    [`Window ${results.window} after RL`, cell("rl", "swa")],
  ] as const;
  return (
    <dl class="figures">
      {figures.map(([name, score]) =>
        score === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {percent(score.accuracy)} %
              <small>
                95 %: {percent(score.ci95[0])} to {percent(score.ci95[1])}
              </small>
            </dd>
          </div>
        ),
      )}
      {share !== null && (
        <div>
          <dt>Gap recovered by RL</dt>
          <dd>{percent(share, 0)} %</dd>
        </div>
      )}
    </dl>
  );
}

function Accuracy({ results, mode }: { readonly results: RunResults; readonly mode: Mode }) {
  const rows = resultRows(results, mode);
  const points = rows.flatMap((row, column) =>
    (["sa", "swa"] as const).flatMap((arm): readonly IntervalPoint[] => {
      const score = row[arm];
      if (score === null) return [];
      const label = `${arm.toUpperCase()} ${STAGE_NAMES[row.stage]}: ${percent(score.accuracy)} %`;
      const kind = row.stage === "moreSft" ? "control" : arm;
      return [{ kind, label, column, value: score.accuracy, low: score.ci95[0], high: score.ci95[1] }];
    }),
  );
  const names = rows.map((row) => STAGE_NAMES[row.stage]);
  const title = `Accuracy by stage ${MODE_NAMES[mode]}: ${points.map((point) => point.label).join("; ")}`;
  const sentence = gapSentence(results, mode);
  return (
    <section>
      <h2>Accuracy {MODE_NAMES[mode]}</h2>
      <div class="pair">
        <div>
          <div class="scroll" tabIndex={0} role="region" aria-label={`Accuracy ${MODE_NAMES[mode]}`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Stage</th>
                  <th scope="col">Full attention (SA)</th>
                  <th scope="col">Window {results.window} (SWA)</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.stage}>
                    <th scope="row">{STAGE_NAMES[row.stage]}</th>
                    <ScoreCell score={row.sa} />
                    <ScoreCell score={row.swa} />
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {sentence !== null && <p>{sentence}</p>}
          <p class="quiet small">
            In percent, with the 95 % interval over{" "}
            {Math.max(...rows.flatMap((row) => [row.sa?.n ?? 0, row.swa?.n ?? 0]))} held-out problems. More SFT is the
            control: RL's budget spent on supervised steps.
          </p>
        </div>
        <figure>
          <Drawing markup={intervalChart(names, points, { title, yLabel: "" })} />
          <figcaption class="small quiet">SA: diamonds, dashed. SWA: circles, solid. More SFT: hollow.</figcaption>
        </figure>
      </div>
    </section>
  );
}

function ScoreCell({ score }: { readonly score: Score | null }) {
  if (score === null) return <td>–</td>;
  return (
    <td>
      {percent(score.accuracy)}{" "}
      <span class="interval">
        [{percent(score.ci95[0])}, {percent(score.ci95[1])}]
      </span>
    </td>
  );
}

function CostTable({ results }: { readonly results: RunResults }) {
  const rows = costRows(results);
  if (rows.length === 0) return null;
  return (
    <section>
      <h2>Cost</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Cost">
        <table>
          <thead>
            <tr>
              <th scope="col">Cell</th>
              {COST_HEADS.map((text) => (
                <th scope="col" key={text}>
                  {text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([arm, stage, cost]) => (
              <tr key={`${arm}.${stage}`}>
                <th scope="row">
                  {arm.toUpperCase()}, {costStageName(stage)}
                </th>
                {costCells(cost).map((text, column) => (
                  <td key={COST_HEADS[column]}>{text}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
