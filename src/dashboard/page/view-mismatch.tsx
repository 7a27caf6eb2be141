// How badly each text fits the window: the gap in nats a token, in all and by dependency distance.

import { compactNumber } from "../../report/metrics.ts";
import type { MismatchView as MismatchText, RunDetail } from "../api.ts";

export function MismatchView({ detail }: { readonly detail: RunDetail }) {
  const { mismatch, summary } = detail;
  if (mismatch.length === 0) {
    return (
      <p>
        This run has no mismatch measurement.{" "}
        <code>npx swarr analyze MODEL --window {summary.window ?? "W"} --rollouts RUN</code> compares log-probs under
        full attention and under the window.
      </p>
    );
  }
  const most = Math.max(...mismatch.map((text) => Math.abs(text.meanGapNats)), 1e-9);
  return (
    <>
      <p class="lead">
        Log-prob under full attention minus log-prob under the window, by one full-attention scorer for all texts, over
        response tokens with more context than the window. Near 0 the window loses nothing; RL should bring the windowed
        model's own text there.
      </p>
      <section>
        <h2>Mean gap</h2>
        <div class="bars">
          {mismatch.map((text) => (
            <div class="bar-row" key={text.name}>
              <span>{text.name}</span>
              <svg class="gap-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                <rect class="ground" width="100" height="6" />
                <rect width={(100 * Math.max(0, text.meanGapNats)) / most} height="6" />
              </svg>
              <b>{text.meanGapNats.toFixed(3)} nats</b>
              <span class="quiet small">{compactNumber(text.tokens)} tokens</span>
            </div>
          ))}
        </div>
      </section>
      <ByDistance mismatch={mismatch} />
    </>
  );
}

function ByDistance({ mismatch }: { readonly mismatch: readonly MismatchText[] }) {
  const bins = [
    ...new Map(
      mismatch.flatMap((text) => text.byDistance.map((bin) => [`${bin.from}-${bin.to}`, bin] as const)),
    ).values(),
  ].sort((a, b) => a.from - b.from);
  if (bins.length === 0) return null;
  const most = Math.max(...mismatch.flatMap((text) => text.byDistance.map((bin) => bin.gapNats)), 1e-9);
  return (
    <section>
      <h2>By dependency distance</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Gap by dependency distance">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">Text</th>
              {bins.map((bin) => (
                <th scope="col" key={bin.from}>
                  {bin.from} to {bin.to}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {mismatch.map((text) => (
              <tr key={text.name}>
                <th scope="row">{text.name}</th>
                {bins.map((bin) => {
                  const own = text.byDistance.find((one) => one.from === bin.from && one.to === bin.to);
                  const level = own === undefined ? 0 : Math.round(4 * Math.max(0, Math.min(1, own.gapNats / most)));
                  return (
                    <td key={bin.from} class={`heat-${level}`}>
                      {own === undefined ? "–" : own.gapNats.toFixed(3)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet small">Nats a token, by the distance in tokens to the most recent earlier occurrence.</p>
    </section>
  );
}
