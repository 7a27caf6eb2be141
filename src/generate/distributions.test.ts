// Laws of whole distributions over a text: they are the scorer's, and the sampler's at the end.

import { describe, expect, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tinyConfig, tinyIds, tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { createEngine } from "../engine/create-engine.ts";
import { withWindow } from "../model/window.ts";
import { createSampler } from "./decode.ts";
import { createDistributions } from "./distributions.ts";
import { createScorer } from "./log-probs.ts";

describe("createDistributions", () => {
  it("holds at every position the scorer's log-prob of the token that follows, and the sampler's after the last", async () => {
    const engine = createEngine({ threads: 1 });
    // 150 positions are three chunks of rows, the last one part empty.
    const [config, ids] = [withWindow(tinyConfig({ tiedHead: true }), 7), tinyIds(150, 3)];
    const weights = tinyWeights(config);
    const [distributions, scorer] = [
      createDistributions(engine, config, weights),
      createScorer(engine, config, weights),
    ];
    const sampler = createSampler({ engine, config, weights });
    const own: number[] = [];
    const visited: number[] = [];
    let last: Float32Array = new Float32Array(0);
    await distributions.visit(ids, (position, logProbs) => {
      visited.push(position);
      if (position < ids.length) own.push(logProbs[ids[position]!]!);
      else last = logProbs.slice();
    });
    expect(visited).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    expectClose(own, (await scorer.logProbs(ids)).subarray(1), tolerances.logProb32, "text");
    const request = { promptIds: ids, maxNewTokens: 1, temperature: 0, topP: 1, seed: 0, distribution: true };
    await sampler.sample([request], {
      endIds: [],
      onToken: (_, { logProbs }) => {
        expectClose(last, logProbs!, tolerances.logProb32, "next");
        return false;
      },
    });
    for (const each of [distributions, scorer, sampler]) await each.dispose();
  });
});
