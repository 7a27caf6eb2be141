// What `swarr analyze` tells a person: the gap in all and by distance, the rows that fit, where the model looks, the plan.

import type { LayerAttention } from "../analyze/attention-probe.ts";
import { byFit, type GapFigures } from "../analyze/figures.ts";
import type { PlanSuggestion } from "../analyze/plan.ts";

const SHOWN_ROWS = 5;

export function gapTable(figures: GapFigures, window: number): string {
  const { tokens, meanGapNats, standardError, byReach, byDistance, rows } = figures;
  if (meanGapNats === null)
    return `No response token stands at position ${window} or beyond: the window hides nothing.`;
  const fit = byFit(rows);
  const shown = (some: typeof fit): string =>
    some.map(({ index, gapNats }) => `${index} (${nats(gapNats)})`).join("  ");
  return [
    `${rows.length} texts, ${tokens} response tokens at positions >= ${window}`,
    `mean gap          ${nats(meanGapNats)} nats a token${standardError === null ? "" : ` (standard error ${nats(standardError)})`}`,
    ...(["beyond", "within", "nowhere"] as const).map((reach) => {
      const part = byReach[reach];
      return `  looks ${reach.padEnd(8)}  ${nats(part.ofMeanNats)} of it: ${part.tokens} tokens, ${nats(part.gapNats)} each`;
    }),
    `by distance       ${byDistance.map(({ from, to, gapNats }) => `${from}-${to} ${nats(gapNats)}`).join("  ")}`,
    `rows fit least    ${shown(fit.slice(0, SHOWN_ROWS))}`,
    `rows fit best     ${shown(fit.slice(-SHOWN_ROWS).toReversed())}`,
  ].join("\n");
}

/** Several texts under one another. */
export function textsTable(texts: Readonly<Record<string, GapFigures>>): string {
  const width = Math.max(...Object.keys(texts).map((name) => name.length));
  const header = `${"text".padEnd(width)}  mean gap  look beyond W  of the mean: beyond  within  nowhere`;
  const lines = Object.entries(texts).map(([name, { tokens, meanGapNats, byReach }]) => {
    const share = `${((100 * byReach.beyond.tokens) / Math.max(1, tokens)).toFixed(1)} %`;
    const part = (reach: "beyond" | "within" | "nowhere", columns: number): string =>
      nats(byReach[reach].ofMeanNats).padStart(columns);
    return `${name.padEnd(width)}  ${nats(meanGapNats).padStart(8)}  ${share.padStart(13)}  ${part("beyond", 19)}  ${part("within", 6)}  ${part("nowhere", 7)}`;
  });
  return [header, ...lines].join("\n");
}

export function attentionTable(layers: readonly LayerAttention[]): string {
  const lines = layers.map(({ layer, beyond, rise, correlation, heads }) => {
    const each = heads.map((head) => head.beyond.toFixed(2)).join(" ");
    return `${String(layer).padStart(5)}  ${beyond.toFixed(3)}  ${nats(rise).padStart(6)}  ${correlation.toFixed(3).padStart(11)}  ${each}`;
  });
  return ["Attention beyond the window", "layer  share    rise  correlation  share by head", ...lines].join("\n");
}

export function planTable({ suggested, candidates }: PlanSuggestion, noneFullNats: number | null): string {
  const lines = candidates.map(
    ({ origin, fullAttentionLayers, meanGapNats }) =>
      `${origin.padEnd(13)} ${fullAttentionLayers.join(",").padEnd(12)} ${nats(meanGapNats)}`,
  );
  return [
    `Full layers   mean gap with them full and the rest windowed (none full: ${nats(noneFullNats)})`,
    ...lines,
    `Suggested: --full-attention-layers ${suggested.fullAttentionLayers.join(",")}`,
  ].join("\n");
}

function nats(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}
