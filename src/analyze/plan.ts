// Which layers keep full attention when only so many may: plans from where the model looks, and their measured gap.

import type { Engine } from "../engine/engine.ts";
import { SwarrError } from "../base/errors.ts";
import { createScorer } from "../generate/log-probs.ts";
import { windowPlan } from "../model/window.ts";
import type { LayerAttention } from "./attention-probe.ts";
import type { MeasuredText, Reader, TextGaps } from "./gap.ts";

/**
 * Where a plan comes from: `dependencies`, the layers with the head whose attention beyond the window rises most on tokens
 * that look there; `gaps`, those with the head whose attention there goes most with the gap; `spacing`, the last layer of
 * each of equally many, without looking at the model; `search`, the best of these improved by exchanging layers.
 */
export type PlanOrigin = "dependencies" | "gaps" | "spacing" | "search";

export interface MeasuredPlan {
  readonly origin: PlanOrigin;
  /** that keep full attention, from 0 */
  readonly fullAttentionLayers: readonly number[];
  /** mean over the same tokens as the gap with the window in every layer */
  readonly meanGapNats: number;
}

export interface PlanSuggestion {
  /** the one that loses least */
  readonly suggested: MeasuredPlan;
  /** what spacing alone gives */
  readonly naive: MeasuredPlan;
  readonly candidates: readonly MeasuredPlan[];
}

export interface PlanOptions {
  readonly engine: Engine;
  readonly reader: Reader;
  readonly window: number;
  readonly texts: readonly MeasuredText[];
  /** of the texts, in order */
  readonly measured: readonly TextGaps[];
  readonly attention: readonly LayerAttention[];
  /** how many layers may keep full attention */
  readonly fullLayerCount: number;
  /** also exchange layers while that helps: about N·(L-N) measurements a round */
  readonly search: boolean;
  readonly onPlan?: (plan: MeasuredPlan) => void;
  readonly signal?: AbortSignal;
}

/** @throws `BAD_ARGUMENT` unless the budget leaves a layer that slides and one that does not */
export async function suggestPlan(options: PlanOptions): Promise<PlanSuggestion> {
  const { attention, fullLayerCount: count } = options;
  const layerCount = attention.length;
  if (!Number.isSafeInteger(count) || count < 1 || count >= layerCount) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `A plan with ${count} full layers is asked for; the model has ${layerCount}.`,
      expected: `1 to ${layerCount - 1}.`,
      fix: "Choose another number of layers.",
    });
  }
  const measure = measurer(options);
  const naive = await measure(spacedLayers(layerCount, count), "spacing");
  const candidates = [naive];
  if (attention.every(({ rise }) => rise !== null)) {
    candidates.push(
      await measure(
        greatest(attention, count, ({ rise }) => rise ?? 0),
        "dependencies",
      ),
    );
  }
  candidates.push(
    await measure(
      greatest(attention, count, ({ correlation }) => correlation),
      "gaps",
    ),
  );
  if (options.search) candidates.push(await exchanged(bestOf(candidates), layerCount, measure));
  return { suggested: bestOf(candidates), naive, candidates };
}

type Measure = (layers: readonly number[], origin: PlanOrigin) => Promise<MeasuredPlan>;

function measurer(options: PlanOptions): Measure {
  const known = new Map<string, number>();
  return async (fullAttentionLayers, origin) => {
    const key = fullAttentionLayers.join();
    const meanGapNats = known.get(key) ?? (await meanGapUnder(options, fullAttentionLayers));
    known.set(key, meanGapNats);
    const plan = { origin, fullAttentionLayers, meanGapNats };
    options.onPlan?.(plan);
    return plan;
  };
}

async function meanGapUnder(options: PlanOptions, fullAttentionLayers: readonly number[]): Promise<number> {
  const { engine, reader, window, texts, measured, signal } = options;
  const windows = windowPlan({ layerCount: reader.config.layerCount, window, fullAttentionLayers });
  const scorer = createScorer(engine, { ...reader.config, windows }, reader.weights);
  let [total, tokens] = [0, 0];
  try {
    for (const [index, { positions, full }] of measured.entries()) {
      if (positions.length === 0) continue;
      signal?.throwIfAborted();
      const own = await scorer.logProbs(texts[index]!.ids);
      for (const [i, position] of positions.entries()) total += full[i]! - own[position]!;
      tokens += positions.length;
    }
  } finally {
    await scorer.dispose();
  }
  return total / tokens;
}

/** The last layer of each of `count` equal parts, as published mixtures have it. */
export function spacedLayers(layerCount: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, part) => Math.floor(((part + 1) * layerCount) / count) - 1);
}

function greatest(
  layers: readonly LayerAttention[],
  count: number,
  score: (layer: LayerAttention) => number,
): readonly number[] {
  const ranked = layers.toSorted((a, b) => score(b) - score(a) || a.layer - b.layer);
  return inOrder(ranked.slice(0, count).map(({ layer }) => layer));
}

/** Exchanges one layer at a time for the one that helps most, until none helps. */
async function exchanged(start: MeasuredPlan, layerCount: number, measure: Measure): Promise<MeasuredPlan> {
  const all = Array.from({ length: layerCount }, (_, layer) => layer);
  let best: MeasuredPlan = { ...start, origin: "search" };
  for (;;) {
    const around: MeasuredPlan[] = [best];
    for (const out of best.fullAttentionLayers) {
      for (const into of all.filter((layer) => !best.fullAttentionLayers.includes(layer))) {
        const layers = best.fullAttentionLayers.map((layer) => (layer === out ? into : layer));
        around.push(await measure(inOrder(layers), "search"));
      }
    }
    const next = bestOf(around);
    if (next === best) return best;
    best = next;
  }
}

/** The first of those that lose least. */
function bestOf(plans: readonly MeasuredPlan[]): MeasuredPlan {
  return plans.reduce((best, plan) => (plan.meanGapNats < best.meanGapNats ? plan : best));
}

function inOrder(layers: readonly number[]): readonly number[] {
  return layers.toSorted((a, b) => a - b);
}
