// Laws of the one batch behind the server: what goes wrong for one sequence stays with it.

import { afterAll, describe, expect, it } from "vitest";
import { tinyConfig, tinyWeights } from "../../test/support/tiny-model.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createSampler } from "../generate/decode.ts";
import type { SampleRequest } from "../generate/sampler.ts";
import { SequenceQueue } from "./sequence-queue.ts";

const config = tinyConfig();
const sampler = createSampler({ engine: createEngine({ threads: 1 }), config, weights: tinyWeights(config) });
const queue = new SequenceQueue(sampler, 16);
afterAll(() => queue.close());

const request = (seed: number, changes: Partial<SampleRequest> = {}): SampleRequest => ({
  promptIds: [1, 2, 3],
  maxNewTokens: 24,
  temperature: 1,
  topP: 1,
  seed,
  ...changes,
});

/** Runs a sequence; `onCount` hears how many tokens there are. */
async function tokensOf(one: SampleRequest, onCount: (count: number) => void = () => undefined): Promise<number[]> {
  const ids: number[] = [];
  await queue.run({
    request: one,
    cancelled: () => false,
    onToken: ({ id }) => {
      ids.push(id);
      onCount(ids.length);
      return false;
    },
  });
  return ids;
}

describe("SequenceQueue", () => {
  it("refuses a request that the sampler refuses, and lets those under way and those beside it end as they would", async () => {
    const [first, second] = await sampler.sample([request(1), request(2)], { endIds: [] });
    let late: readonly Promise<unknown>[] = [];
    const under = tokensOf(request(1), (count) => {
      if (count === 5) late = [tokensOf(request(3, { temperature: 1e-300 })), tokensOf(request(2))];
    });
    expect(await under).toEqual(Array.from(first!.ids));
    await expect(late[0]).rejects.toThrow(/temperature 1e-300.*BAD_ARGUMENT/);
    expect(await late[1]).toEqual(Array.from(second!.ids));
  });

  it("keeps a watcher's failure to its own sequence", async () => {
    const [other] = await sampler.sample([request(2)], { endIds: [] });
    const failing = tokensOf(request(1), (count) => {
      if (count === 3) throw new Error("no text for this token");
    });
    const beside = tokensOf(request(2));
    await expect(failing).rejects.toThrow("no text for this token");
    expect(await beside).toEqual(Array.from(other!.ids));
  });
});
