// What must agree about the model: windows, blocks, packing, decoding, splitting (house rules, section 7.4).

import { afterAll, describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import { graphOf } from "../../src/graph/check.ts";
import { interpret } from "../../src/graph/interpret.ts";
import type { TensorData } from "../../src/tensor/tensor.ts";
import { attentionBlocks, HIDDEN } from "../../src/model/attention.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { maskSize, writeMask } from "../../src/model/mask.ts";
import { SequenceInputs, sequenceModel } from "../../src/model/sequence.ts";
import { viewArrays, viewsOf, weightInputs } from "../../src/model/views.ts";
import { visible, withWindow } from "../../src/model/window.ts";
import { createSampler } from "../../src/generate/decode.ts";
import { createScorer } from "../../src/generate/log-probs.ts";
import { expectClose } from "../support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../support/tiny-model.ts";
import { tolerances } from "../support/tolerances.ts";

const engine = createEngine({ threads: 1 });
const owned: { dispose(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of owned) await each.dispose();
});

async function logProbsOf(config: ModelConfig, ids: readonly number[]): Promise<Float32Array> {
  const scorer = createScorer(engine, config, tinyWeights(config));
  owned.push(scorer);
  return (await scorer.logProbs(ids)).subarray(1);
}

/** Log-probs in float64 with a plain [T, T] mask, whatever the window. */
function plainLogProbs(config: ModelConfig, ids: readonly number[]): Float64Array {
  const tokens = ids.length;
  const dense = withWindow(config, null);
  const inputs = new SequenceInputs(dense, { rows: 1, tokens });
  inputs.fill({
    ids: Int32Array.from(ids),
    positions: Int32Array.from(ids.keys()),
    segmentStart: new Int32Array(tokens),
    targets: Int32Array.from([...ids.slice(1), 0]),
  });
  const window = config.windows[0]!;
  const mask = inputs.arrays["mask.full"] as Float32Array;
  for (let q = 0; q < tokens; q++) {
    for (let k = 0; k < tokens; k++) mask[q * tokens + k] = visible(q, k, window, config.sinkTokens) ? 0 : HIDDEN;
  }
  const { logProb } = sequenceModel(dense, weightInputs(viewsOf(dense)).nodes, { rows: 1, tokens });
  const given: Record<string, TensorData> = { ...inputs.arrays, ...viewArrays(viewsOf(dense), tinyWeights(dense)) };
  const values = interpret(graphOf({ logProb }), given as unknown as Record<string, Float32Array>);
  return values["logProb"]!.slice(0, tokens - 1);
}

const SHAPES: readonly (readonly [string, Partial<ModelConfig>])[] = [
  ["plain", {}],
  ["tied, biased", { tiedHead: true, queryKeyValueBias: true }],
  ["query-key norm", { queryKeyNorm: true }],
  ["all biases", { queryKeyValueBias: true, attentionOutputBias: true, mlpBias: true }],
  ["one query a head", { keyValueHeadCount: 4 }],
];

describe("the windowed model", () => {
  it.each(SHAPES)("agrees with a plain mask in float64 at every window (%s)", async (_, changes) => {
    const ids = tinyIds(41, 3);
    for (const window of [1, 2, 4, 7, 16, 17, 20, 40, 41, null]) {
      const config = withWindow(tinyConfig(changes), window);
      expectClose(await logProbsOf(config, ids), plainLogProbs(config, ids), tolerances.logProb32, `window ${window}`);
    }
  });

  it("agrees with a plain mask in float64 when sinks stay visible", async () => {
    const config = { ...withWindow(tinyConfig(), 5), sinkTokens: 3 };
    const ids = tinyIds(41, 3);
    expectClose(await logProbsOf(config, ids), plainLogProbs(config, ids), tolerances.logProb32);
  });

  it("is full attention exactly when the window reaches over the whole text", async () => {
    const ids = tinyIds(64, 4);
    const full = await logProbsOf(tinyConfig(), ids);
    expect(await logProbsOf(withWindow(tinyConfig(), 64), ids)).toEqual(full);
    expect(await logProbsOf(withWindow(tinyConfig(), 62), ids)).not.toEqual(full);
  });
});

describe("writeMask", () => {
  it("shows each query the keys of its own segment that the window rule names, and nothing else", () => {
    const tokens = 50;
    const starts = [0, 0, 17, 17, 31];
    const segmentStart = Int32Array.from({ length: 2 * tokens }, (_, i) => {
      const at = i % tokens;
      return at >= 44 ? at : i < tokens ? Math.max(...starts.filter((start) => start <= at)) : 0;
    });
    for (const window of [1, 3, 16, 20, null]) {
      const plan = attentionBlocks(tokens, window);
      const mask = new Float32Array(maskSize(plan, 2));
      writeMask(mask, segmentStart, plan, tokens);
      for (let row = 0; row < 2; row++) {
        for (let q = 0; q < tokens; q++) {
          const block = Math.floor(q / plan.block);
          const at = ((row * plan.count + block) * plan.block + (q % plan.block)) * plan.span;
          const seen = new Set<number>();
          for (let j = 0; j < plan.span; j++)
            if (mask[at + j] === 0) seen.add((block + 1) * plan.block - plan.span + j);
          const wanted = new Set<number>();
          for (let k = 0; k < tokens; k++) {
            if (k >= segmentStart[row * tokens + q]! && visible(q, k, window)) wanted.add(k);
          }
          expect(
            [...seen].sort((a, b) => a - b),
            `row ${row} query ${q} window ${window}`,
          ).toEqual([...wanted]);
        }
      }
    }
  });
});

describe("decoding with the ring", () => {
  const cases: readonly (readonly [string, ModelConfig])[] = [
    ["window 1", withWindow(tinyConfig(), 1)],
    ["window 5", withWindow(tinyConfig(), 5)],
    ["window 5 with 2 sinks", { ...withWindow(tinyConfig(), 5), sinkTokens: 2 }],
    ["a full and a sliding layer", tinyConfig({ windows: [null, 6] })],
    ["full attention", tinyConfig()],
    ["Qwen3-like", tinyConfig({ queryKeyNorm: true, tiedHead: true, windows: [9, 9] })],
  ];

  const ways = cases.flatMap(([name, config]) => [
    [name, config, false] as const,
    [`${name}, weights compiled in`, config, true] as const,
  ]);

  it.each(ways)("gives the log-probs of one prefill, past several wraps (%s)", async (_, config, fixedWeights) => {
    const sampler = createSampler({ engine, config, weights: tinyWeights(config), batch: 4, fixedWeights });
    owned.push(sampler);
    const requests = Array.from({ length: 7 }, (__, i) => ({
      promptIds: tinyIds(1 + ((i * 5) % 13), 50 + i),
      maxNewTokens: [40, 3, 55, 1, 90, 20, 33][i]!,
      temperature: i === 2 ? 0 : 1,
      topP: i === 4 ? 0.9 : 1,
      seed: i,
    }));
    const responses = await sampler.sample(requests, { endIds: [] });
    for (const [i, response] of responses.entries()) {
      const prompt = requests[i]!.promptIds;
      expect(response.ids.length).toBe(requests[i]!.maxNewTokens);
      const whole = await logProbsOf(config, [...prompt, ...response.ids]);
      expectClose(response.logProbs, whole.subarray(prompt.length - 1), tolerances.logProb32, `request ${i}`);
    }
  });

  it("ends at an end token and says so", async () => {
    const config = withWindow(tinyConfig(), 5);
    const sampler = createSampler({ engine, config, weights: tinyWeights(config) });
    owned.push(sampler);
    const requests = Array.from({ length: 40 }, (_, seed) => ({
      promptIds: [3, 4],
      maxNewTokens: 30,
      temperature: 1,
      topP: 1,
      seed,
    }));
    const responses = await sampler.sample(requests, { endIds: [2, 7] });
    expect(responses.some(({ finishReason }) => finishReason === "stop")).toBe(true);
    for (const { ids, finishReason } of responses) {
      const first = ids.findIndex((id) => id === 2 || id === 7);
      expect(first).toBe(finishReason === "stop" ? ids.length - 1 : -1);
      if (finishReason === "length") expect(ids.length).toBe(30);
    }
  });

  it("draws tokens as often as the model's probabilities say", async () => {
    const config = withWindow(tinyConfig(), 5);
    const weights = tinyWeights(config);
    const sampler = createSampler({ engine, config, weights });
    owned.push(sampler);
    const n = 4000;
    const request = { promptIds: [3, 4, 5], maxNewTokens: 1, topP: 1 };
    for (const temperature of [1, 0.5]) {
      const draws = await sampler.sample(
        Array.from({ length: n }, (_, seed) => ({ ...request, temperature, seed })),
        { endIds: [] },
      );
      const counts = new Array<number>(24).fill(0);
      for (const { ids } of draws) counts[ids[0]!]! += 1;
      const scores: number[] = [];
      for (let id = 0; id < 24; id++) scores.push((await logProbsOf(config, [3, 4, 5, id]))[2]! / temperature);
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      // Chi-squared with 23 degrees of freedom stays below 49.7 with probability 0.999.
      const chi = scores.reduce((sum, score, id) => {
        const wanted = (n * Math.exp(score)) / total;
        return sum + (counts[id]! - wanted) ** 2 / wanted;
      }, 0);
      expect(chi, `temperature ${temperature}`).toBeLessThan(49.7);
    }
  });
});
