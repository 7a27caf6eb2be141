// How badly each text fits the window: the gap in nats a token, in all, by distance, over RL steps, and where attention reaches.

import { lineChart } from "../../report/charts.ts";
import { planSentence, mismatchExplained, MISMATCH_HEADS, mismatchCells } from "../../report/mismatch-section.ts";
import type { Mismatch, MismatchText } from "../../report/mismatch.ts";
import { ARM_NAMES, percent } from "../../report/rows.ts";
import type { RunDetail } from "../api.ts";
import { Drawing } from "./parts.tsx";

export function MismatchView({ detail }: { readonly detail: RunDetail }) {
  const { mismatch, summary } = detail;
  if (mismatch.texts.length === 0) {
    return (
      <p>
        This run has no mismatch measurement.{" "}
        <code>npx swarr analyze MODEL --window {summary.window ?? "W"} --rollouts RUN</code> compares log-probs under
        full attention and under the window, and this page shows what it finds.
      </p>
    );
  }
  return (
    <>
      <p class="lead">{mismatchExplained(mismatch)}</p>
      <Texts texts={mismatch.texts} />
      <Steps mismatch={mismatch} />
      <ByDistance texts={mismatch.texts} window={summary.window} />
      <Attention mismatch={mismatch} />
    </>
  );
}

function Texts({ texts }: { readonly texts: readonly MismatchText[] }) {
  const most = Math.max(...texts.map((text) => Math.abs(text.meanGapNats)), 1e-9);
  return (
    <section>
      <h2>By text</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Mean gap by text">
        <table>
          <thead>
            <tr>
              <th scope="col">Text</th>
              <th scope="col">
                <span class="unseen">Drawn</span>
              </th>
              {MISMATCH_HEADS.map((head) => (
                <th scope="col" key={head}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {texts.map((text) => (
              <tr key={text.name}>
                <th scope="row">{text.name}</th>
                <td>
                  <GapBar share={text.meanGapNats / most} />
                </td>
                {mismatchCells(text).map((cell, i) => (
                  <td key={i}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Right of the middle: the window hides something; left of it, paler: full attention finds the text odd. */
function GapBar({ share }: { readonly share: number }) {
  const width = 50 * Math.abs(share);
  return (
    <svg class="gap-bar" viewBox="0 0 100 8" aria-hidden="true">
      <rect class={share < 0 ? "below" : "above"} x={share < 0 ? 50 - width : 50} y="1" width={width} height="6" />
      <path d="M50 0V8" />
    </svg>
  );
}

function Steps({ mismatch }: { readonly mismatch: Mismatch }) {
  const series = (["sa", "swa"] as const).flatMap((arm) => {
    const own = mismatch.steps.filter((one) => one.arm === arm);
    const points = own.map(({ step, meanGapNats }) => [step, meanGapNats] as const);
    return points.length === 0 ? [] : [{ kind: arm, label: ARM_NAMES[arm], points }];
  });
  if (series.length === 0) return null;
  const values = mismatch.steps.map((one) => one.meanGapNats);
  const yRange = [Math.min(0, ...values) * 1.05, Math.max(0.1, ...values) * 1.05] as const;
  const yText = (value: number): string => String(Number(value.toPrecision(2)));
  const chart = lineChart(series, {
    title: "Mean gap of the rollouts over RL steps",
    xLabel: "RL step",
    yLabel: "",
    yRange,
    yText,
  });
  return (
    <section>
      <h2>Rollouts over RL steps</h2>
      <figure>
        <Drawing markup={chart} />
        <figcaption class="small quiet">Mean gap, nats a token. SA dashed, SWA solid.</figcaption>
      </figure>
    </section>
  );
}

function ByDistance({ texts, window }: { readonly texts: readonly MismatchText[]; readonly window: number | null }) {
  const all = texts.flatMap((text) => text.byDistance);
  const bins = [...new Map(all.map((bin) => [`${bin.from}-${bin.to}`, bin] as const)).values()].sort(
    (a, b) => a.from - b.from,
  );
  if (bins.length === 0) return null;
  const most = Math.max(...all.map((bin) => Math.abs(bin.gapNats)), 1e-9);
  return (
    <section>
      <h2>By how far the token looks back</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Gap by dependency distance">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">Text</th>
              {bins.map((bin) => (
                <th scope="col" key={bin.from}>
                  {bin.from} to {bin.to}
                  {window !== null && bin.from > window && <abbr title="beyond the window">↶</abbr>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {texts.map((text) => (
              <tr key={text.name}>
                <th scope="row">{text.name}</th>
                {bins.map((bin) => {
                  const own = text.byDistance.find((one) => one.from === bin.from && one.to === bin.to);
                  return (
                    <HeatCell
                      key={bin.from}
                      value={own?.gapNats ?? null}
                      most={most}
                      text={(value) => value.toFixed(3)}
                    />
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet small">
        Nats a token, by the distance in tokens to the most recent earlier occurrence; ↶ is beyond the window.
      </p>
    </section>
  );
}

function Attention({ mismatch }: { readonly mismatch: Mismatch }) {
  const { attention } = mismatch;
  if (attention.length === 0) return null;
  const heads = Math.max(...attention.map((layer) => layer.heads.length));
  const most = Math.max(...attention.flatMap((layer) => layer.heads), 1e-9);
  const sentence = planSentence(mismatch);
  return (
    <section>
      <h2>Attention beyond the window, by layer and head</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Attention beyond the window">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {Array.from({ length: heads }, (_, head) => (
                <th scope="col" key={head}>
                  head {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {attention.map((layer) => (
              <tr key={layer.layer}>
                <th scope="row">{layer.layer}</th>
                {layer.heads.map((share, head) => (
                  <HeatCell key={head} value={share} most={most} text={(value) => `${percent(value)} %`} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet small">
        Mean share of a head's attention that falls on keys the window hides, in the full-attention model.
      </p>
      {sentence !== null && <p>{sentence}</p>}
    </section>
  );
}

/** Shaded by size; negative values are told by their sign and stay unshaded. */
function HeatCell(props: {
  readonly value: number | null;
  readonly most: number;
  readonly text: (value: number) => string;
}) {
  const { value, most, text } = props;
  if (value === null) return <td>–</td>;
  const level = Math.round(4 * Math.max(0, Math.min(1, value / most)));
  return <td class={`heat-${level}`}>{text(value)}</td>;
}
