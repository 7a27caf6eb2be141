// The attention that the probe sees, against weights worked out plainly in float64, and the plans drawn from it.

import { afterAll, describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { createEngine } from "../engine/create-engine.ts";
import { graphOf } from "../graph/check.ts";
import { interpret } from "../graph/interpret.ts";
import { visible } from "../model/window.ts";
import { viewArrays, viewsOf, weightInputs } from "../model/views.ts";
import type { TensorData } from "../tensor/tensor.ts";
import { createAttentionProbe, probeInputs, probeOutputs, type AttentionProbe } from "./attention-probe.ts";
import { createGapMeter, type MeasuredText, type TextGaps } from "./gap.ts";
import { spacedLayers, suggestPlan } from "./plan.ts";

const engine = createEngine({ threads: 1 });
const WINDOW = 5;
const TOKENS = 16;
const owned: { dispose(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of owned) await each.dispose();
});

/** A model of one layer whose queries and keys are all alike, so that attention is uniform over what is seen. */
function uniformModel(): { config: ReturnType<typeof tinyConfig>; weights: ReturnType<typeof tinyWeights> } {
  const config = tinyConfig({ layerCount: 1 });
  const weights = tinyWeights(config);
  const qk = (config.queryHeadCount + config.keyValueHeadCount) * config.headWidth;
  weights.get("layers.0.qkv")!.fill(0, 0, qk * config.width);
  return { config, weights };
}

function gapsAt(positions: readonly number[], distances: readonly number[], gaps: readonly number[]): TextGaps {
  const full = new Float32Array(positions.length);
  return {
    positions: Int32Array.from(positions),
    distances: Int32Array.from(distances),
    full,
    gaps: Float32Array.from(gaps),
  };
}

function probeOf(config: ReturnType<typeof tinyConfig>, weights = tinyWeights(config)): AttentionProbe {
  const probe = createAttentionProbe(engine, config, weights, WINDOW);
  owned.push(probe);
  return probe;
}

describe("createAttentionProbe", () => {
  it("finds (q + 1 - W) / (q + 1) beyond the window under uniform attention, at the query before each token", async () => {
    const { config, weights } = uniformModel();
    const probe = probeOf(config, weights);
    // Tokens at 8 and 10 are written by the queries at 7 and 9: 3 of 8 and 5 of 10 keys lie beyond W = 5.
    await probe.add(tinyIds(TOKENS, 1), gapsAt([8, 10], [6, 1], [1, 2]));
    const [layer] = probe.layers()!;
    for (const head of layer!.heads) {
      expect(head.beyond).toBeCloseTo((3 / 8 + 5 / 10) / 2, 6);
      expect(head.rise).toBeCloseTo(3 / 8 - 5 / 10, 6); // the token at 8 looks 6 back, beyond W; the other does not
      expect(head.correlation).toBeCloseTo(1, 5);
    }
    expect(layer!.beyond).toBeCloseTo(7 / 16, 6);
  });

  it("agrees with attention worked out plainly in float64, in every layer and head", async () => {
    const config = tinyConfig({ queryKeyValueBias: true, queryKeyNorm: true });
    const weights = tinyWeights(config);
    const ids = tinyIds(TOKENS, 2);
    const positions = Array.from({ length: TOKENS - WINDOW }, (_, i) => WINDOW + i);
    const probe = probeOf(config, weights);
    await probe.add(
      ids,
      gapsAt(
        positions,
        positions.map(() => 0),
        positions,
      ),
    );
    const views = viewsOf(config);
    const outputs = probeOutputs(config, weightInputs(views).nodes, TOKENS);
    const given: Record<string, TensorData> = { ...probeInputs(config, TOKENS, WINDOW), ids: Int32Array.from(ids) };
    const exact = interpret(graphOf(outputs), { ...given, ...viewArrays(views, weights) } as Record<
      string,
      Float32Array
    >);
    for (const { layer, heads } of probe.layers()!) {
      const expected = heads.map((_, head) => {
        const shares = positions.map((position) => exact[`beyond.${layer}`]![head * TOKENS + position - 1]!);
        return shares.reduce((total, share) => total + share, 0) / shares.length;
      });
      expectClose(
        heads.map(({ beyond }) => beyond),
        expected,
        tolerances.engine32,
        `layer ${layer}`,
      );
    }
    expect(probe.layers()!.map(({ rise }) => rise)).toEqual([null, null]);
  });

  it("calls beyond exactly what the window hides", () => {
    const config = tinyConfig({ sinkTokens: 2 });
    const { causal, beyond } = probeInputs(config, TOKENS, WINDOW);
    for (let query = 0; query < TOKENS; query++) {
      for (let key = 0; key < TOKENS; key++) {
        const seen = visible(query, key, null) && !visible(query, key, WINDOW, 2);
        expect([causal![query * TOKENS + key] === 0, beyond![query * TOKENS + key]]).toEqual([
          key <= query,
          seen ? 1 : 0,
        ]);
      }
    }
  });
});

describe("suggestPlan", () => {
  const config = tinyConfig({ layerCount: 4 });
  const reader = { config, weights: tinyWeights(config) };
  const texts: readonly MeasuredText[] = [4, 5].map((seed) => ({
    ids: tinyIds(24, seed),
    promptLength: 2,
    distances: Int32Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 7 : 0)),
  }));

  async function measured(): Promise<readonly TextGaps[]> {
    const meter = createGapMeter({ engine, reader, window: WINDOW });
    owned.push(meter);
    const gaps: TextGaps[] = [];
    for (const text of texts) gaps.push(await meter.measure(text));
    return gaps;
  }

  it("spaces the naive plan as published mixtures do: the last of each equal part", () => {
    expect(spacedLayers(8, 2)).toEqual([3, 7]);
    expect(spacedLayers(6, 4)).toEqual([0, 2, 3, 5]);
    expect(spacedLayers(2, 1)).toEqual([1]);
  });

  it("never suggests what loses more than another candidate, and its search ends where no exchange helps", async () => {
    const gaps = await measured();
    const probe = probeOf(config, reader.weights);
    for (const [i, text] of texts.entries()) await probe.add(text.ids, gaps[i]!);
    const attention = probe.layers()!;
    const options = { engine, reader, window: WINDOW, texts, measured: gaps, attention, fullLayerCount: 2 };
    const found = await suggestPlan({ ...options, search: true });
    expect(found.candidates.map(({ origin }) => origin)).toEqual(["spacing", "dependencies", "gaps", "search"]);
    expect(found.suggested.meanGapNats).toBe(Math.min(...found.candidates.map(({ meanGapNats }) => meanGapNats)));
    const best = found.candidates.at(-1)!;
    for (const out of best.fullAttentionLayers) {
      for (const into of [0, 1, 2, 3].filter((layer) => !best.fullAttentionLayers.includes(layer))) {
        const layers = best.fullAttentionLayers.map((layer) => (layer === out ? into : layer));
        const high = (layer: number): number => (layers.includes(layer) ? 1 : 0);
        const other = await suggestPlan({
          ...options,
          attention: attention.map((one) => ({ ...one, rise: high(one.layer), correlation: high(one.layer) })),
          search: false,
        });
        expect(other.candidates.at(-1)!.fullAttentionLayers).toEqual(layers.toSorted());
        expect(other.candidates.at(-1)!.meanGapNats).toBeGreaterThanOrEqual(best.meanGapNats);
      }
    }
  });

  it("refuses a budget of no layer, and of all", async () => {
    const probe = probeOf(config, reader.weights);
    const gaps = await measured();
    await probe.add(texts[0]!.ids, gaps[0]!);
    const options = {
      engine,
      reader,
      window: WINDOW,
      texts,
      measured: gaps,
      attention: probe.layers()!,
      search: false,
    };
    for (const fullLayerCount of [0, 4]) {
      await expect(suggestPlan({ ...options, fullLayerCount })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    }
  });
});
