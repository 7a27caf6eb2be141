// The mismatch measurement of a run (analysis.json), as the report and the dashboard show it.

import { isObject, type JsonObject } from "../base/json.ts";
import type { ArmName } from "../run/events.ts";

/** One text: full-attention minus windowed log-prob, in nats a token. Below 0, the windowed reader finds the text the likelier. */
export interface MismatchText {
  readonly name: string;
  /** response tokens with more context than the window */
  readonly tokens: number;
  readonly meanGapNats: number;
  readonly standardError: number | null;
  /** over right answers only; null where nobody graded */
  readonly rightGapNats: number | null;
  /** share of the tokens that look beyond the window, and their own mean; null when not measured or there are none */
  readonly beyondShare: number | null;
  readonly beyondGapNats: number | null;
  readonly byDistance: readonly { readonly from: number; readonly to: number; readonly gapNats: number }[];
}

/** The rollouts of one RL step. */
export interface MismatchStep {
  readonly arm: ArmName;
  readonly step: number;
  readonly meanGapNats: number;
}

export interface LayerReach {
  readonly layer: number;
  /** mean share of each head's attention on keys beyond the window */
  readonly heads: readonly number[];
}

/** Which layers to leave full, against the plain choice, and what each costs in nats a token. */
export interface SuggestedPlan {
  readonly layers: readonly number[];
  readonly gapNats: number;
  readonly naiveLayers: readonly number[];
  readonly naiveGapNats: number;
}

export interface Mismatch {
  /** the model that reads everything; its folder's last two names */
  readonly scorer: string | null;
  /** the model that reads under the window, where it is another */
  readonly windowedReader: string | null;
  readonly texts: readonly MismatchText[];
  readonly steps: readonly MismatchStep[];
  readonly attention: readonly LayerReach[];
  readonly plan: SuggestedPlan | null;
}

/** Reads what is there; parts that are absent or of another shape are empty. */
export function readMismatch(analysis: JsonObject | null): Mismatch {
  return {
    scorer: shortPath(analysis?.["scorer"]),
    windowedReader: shortPath(analysis?.["windowedReader"]),
    texts: mismatchTexts(analysis),
    steps: objects(analysis?.["bySteps"]).flatMap((row): readonly MismatchStep[] => {
      const { arm } = row;
      const [step, meanGapNats] = [numberOf(row, "step"), numberOf(row, "meanGapNats")];
      return (arm !== "sa" && arm !== "swa") || step === null || meanGapNats === null
        ? []
        : [{ arm, step, meanGapNats }];
    }),
    attention: objects(analysis?.["attention"]).flatMap((row) => {
      const layer = numberOf(row, "layer");
      const heads = objects(row["heads"]).map((head) => numberOf(head, "beyond") ?? 0);
      return layer === null || heads.length === 0 ? [] : [{ layer, heads }];
    }),
    plan: suggestedPlan(analysis?.["plan"]),
  };
}

/** One text's figures, or several by name under `texts`; a text without tokens to measure is left out. */
export function mismatchTexts(analysis: JsonObject | null): readonly MismatchText[] {
  if (analysis === null) return [];
  const texts = isObject(analysis["texts"]) ? Object.entries(analysis["texts"]) : [["all", analysis] as const];
  return texts.flatMap(([name, text]): readonly MismatchText[] => {
    const meanGapNats = numberOf(text, "meanGapNats");
    if (meanGapNats === null) return [];
    const tokens = numberOf(text, "tokens") ?? 0;
    const beyond = childOf(childOf(text, "byReach"), "beyond");
    const beyondTokens = numberOf(beyond, "tokens");
    const byDistance = objects(childOf(text, "byDistance")).flatMap((row) => {
      const [from, to, gapNats] = [numberOf(row, "from"), numberOf(row, "to"), numberOf(row, "gapNats")];
      return from === null || to === null || gapNats === null ? [] : [{ from, to, gapNats }];
    });
    return [
      {
        name,
        tokens,
        meanGapNats,
        standardError: numberOf(text, "standardError"),
        rightGapNats: numberOf(childOf(childOf(text, "byVerdict"), "right"), "meanGapNats"),
        beyondShare: beyondTokens === null || tokens === 0 ? null : beyondTokens / tokens,
        beyondGapNats: numberOf(beyond, "gapNats"),
        byDistance,
      },
    ];
  });
}

function suggestedPlan(plan: unknown): SuggestedPlan | null {
  const [suggested, naive] = [childOf(plan, "suggested"), childOf(plan, "naive")];
  const [gapNats, naiveGapNats] = [numberOf(suggested, "meanGapNats"), numberOf(naive, "meanGapNats")];
  if (gapNats === null || naiveGapNats === null) return null;
  return { layers: layersOf(suggested), gapNats, naiveLayers: layersOf(naive), naiveGapNats };
}

function layersOf(plan: unknown): readonly number[] {
  const layers = childOf(plan, "fullAttentionLayers");
  return Array.isArray(layers) ? layers.filter((layer) => typeof layer === "number") : [];
}

function childOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function numberOf(value: unknown, name: string): number | null {
  const found = childOf(value, name);
  return typeof found === "number" ? found : null;
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function shortPath(value: unknown): string | null {
  return typeof value === "string" ? value.split(/[\\/]/).slice(-2).join("/") : null;
}
