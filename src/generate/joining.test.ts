// Laws of a batch that others watch and join: tokens as they come, ends from outside, requests that arrive late.

import { afterAll, describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { cpuKernels } from "../engine/cpu-kernels.ts";
import { createEngine } from "../engine/create-engine.ts";
import { initialWeights } from "../model/parameters.ts";
import { withWindow } from "../model/window.ts";
import { createSampler } from "./decode.ts";
import { createScorer } from "./log-probs.ts";
import { MOST_NEW_TOKENS, type SampleRequest } from "./sampler.ts";

const config = withWindow(tinyConfig(), 6);
const weights = tinyWeights(config);
const engine = createEngine({ threads: 1 });
const sampler = createSampler({ engine, config, weights, batch: 4 });
afterAll(() => sampler.dispose());

const request = (seed: number, changes: Partial<SampleRequest> = {}): SampleRequest => ({
  promptIds: tinyIds(3 + (seed % 9), seed),
  maxNewTokens: 12,
  temperature: 1,
  topP: 1,
  seed,
  ...changes,
});

describe("createSampler", () => {
  it("shows every token as it is drawn, in order, with the distribution it came from where that is asked for", async () => {
    const seen: [number, number][][] = [[], []];
    const requests = [request(1, { distribution: true }), request(2, { temperature: 0 })];
    const responses = await sampler.sample(requests, {
      endIds: [],
      onToken: (index, { id, logProb, logProbs }) => {
        seen[index]!.push([id, logProb]);
        expect(logProbs === null).toBe(index === 1);
        if (logProbs !== null) {
          expect(logProbs[id]).toBeCloseTo(logProb, 5);
          expect(logProbs.reduce((sum, each) => sum + Math.exp(each), 0)).toBeCloseTo(1, 4);
        }
        return false;
      },
    });
    for (const [index, { ids, logProbs }] of responses.entries()) {
      expect(seen[index]).toEqual(Array.from(ids, (id, i) => [id, logProbs[i]]));
    }
  });

  it("ends a response with the token that its watcher says is the last, and no other response", async () => {
    const [free] = await sampler.sample([request(7)], { endIds: [] });
    let drawn = 0;
    const [cut, whole] = await sampler.sample([request(7), request(8)], {
      endIds: [],
      onToken: (index) => index === 0 && ++drawn === 5,
    });
    expect(cut).toMatchObject({ ids: free!.ids.slice(0, 5), finishReason: "stop" });
    expect(whole).toMatchObject({ finishReason: "length" });
  });

  it("makes no room for tokens that a request may take and does not, and gives all that it does take", async () => {
    const enough = { seed: 3, maxNewTokens: 1100 };
    const [short] = await sampler.sample([request(3, enough)], { endIds: [] });
    let drawn = 0;
    const [long] = await sampler.sample([request(3, { ...enough, maxNewTokens: MOST_NEW_TOKENS })], {
      endIds: [],
      onToken: () => ++drawn === 1100,
    });
    expect(long).toEqual({ ...short, finishReason: "stop" });
    const more = request(3, { maxNewTokens: MOST_NEW_TOKENS + 1 });
    expect(() => sampler.sample([more], { endIds: [] })).toThrow(/asks for 16777217 new tokens.*BAD_ARGUMENT/);
  });

  it("goes past the positions that its rotary tables begin with", async () => {
    const promptIds = tinyIds(2 ** 15 - 4, 1);
    const [response] = await sampler.sample([request(3, { promptIds })], { endIds: [] });
    const scorer = createScorer(engine, config, weights);
    const scored = await scorer.logProbs([...promptIds, ...response!.ids]);
    await scorer.dispose();
    expectClose(scored.subarray(promptIds.length), response!.logProbs, tolerances.logProb32);
  });

  it("gives a request the same tokens whether it was there from the start or joined others on the way", async () => {
    const all = Array.from({ length: 11 }, (_, seed) => request(seed, { maxNewTokens: 3 + ((seed * 5) % 17) }));
    const together = await sampler.sample(all, { endIds: [] });
    let step = 0;
    let joined = 1;
    const joining = await sampler.sample(all.slice(0, 1), {
      endIds: [],
      // One or two more every third step, so that the batch grows, shrinks and grows again.
      more: () => {
        if (step++ % 3 !== 0) return [];
        const from = joined;
        joined = Math.min(all.length, joined + 1 + (step % 2));
        return all.slice(from, joined);
      },
    });
    expect(joining.map(({ ids }) => Array.from(ids))).toEqual(together.map(({ ids }) => Array.from(ids)));
    for (const [i, { logProbs }] of joining.entries()) {
      expectClose(logProbs, together[i]!.logProbs, tolerances.logProb32, `response ${i}`);
    }
  });

  it("gives a wide model's request the same bits alone and beside hundreds, where kernels are our own", async () => {
    const wide = tinyConfig({ width: 512, feedForwardWidth: 512, headWidth: 128, layerCount: 1 });
    const model = { engine, config: wide, weights: initialWeights(wide, 1), batch: 64 };
    const requests = Array.from({ length: 200 }, (_, seed) => request(seed, { maxNewTokens: 3 }));
    const [alone, together] = await Promise.all(
      [requests.slice(0, 1), requests].map(async (given) => {
        const samplerOfWide = createSampler(model);
        const [first] = await samplerOfWide.sample(given, { endIds: [] });
        await samplerOfWide.dispose();
        return first!;
      }),
    );
    expect(alone!.ids).toEqual(together!.ids);
    if ((await cpuKernels()).kernels !== "onnxruntime") expect(alone!.logProbs).toEqual(together!.logProbs);
    else expectClose(alone!.logProbs, together!.logProbs, tolerances.logProb32);
  });

  it("refuses a bad request that joins, by its number in the whole", async () => {
    const more = (): readonly SampleRequest[] => [request(1, { promptIds: [999] })];
    await expect(sampler.sample([request(0)], { endIds: [], more })).rejects.toThrow(/Request 1 has the token id 999/);
  });
});
