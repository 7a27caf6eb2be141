// Sampling speed: many sequences from short prompts, to a fixed length, as RL samples.

import type { SampledResponse, SampleRequest } from "../generate/sampler.ts";
import { initialWeights } from "../model/parameters.ts";
import { replicate } from "../replicas/model.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { BenchShape } from "./configs.ts";

export interface SampleBench {
  /** new tokens of one round */
  readonly tokens: number;
  /** what a peer needs to do the same work */
  readonly weights: Weights;
  readonly prompts: readonly (readonly number[])[];
  round(): Promise<void>;
  /** The same prompts at temperature 0. */
  greedy(): Promise<readonly SampledResponse[]>;
  dispose(): Promise<void>;
}

export const SAMPLE_PROMPT = 16;
export const SAMPLE_TOKENS = 128;

export async function openSampleBench(
  { config }: BenchShape,
  sequences: number,
  threads: number,
  newTokens = SAMPLE_TOKENS,
): Promise<SampleBench> {
  const weights = initialWeights(config, 1);
  const model = await replicate({ config, weights, loss: null, threads, decodeBatch: sequences });
  const prompts = Array.from({ length: sequences }, (_, sequence) =>
    Array.from({ length: SAMPLE_PROMPT }, (__, i) => (sequence * 31 + i * 7) % config.vocabularySize),
  );
  const requests = (temperature: number): SampleRequest[] =>
    prompts.map((promptIds, seed) => ({ promptIds, maxNewTokens: newTokens, temperature, topP: 1, seed }));
  return {
    tokens: sequences * newTokens,
    weights,
    prompts,
    round: async () => {
      await model.sample(requests(1), { endIds: [] });
    },
    greedy: () => model.sample(requests(0), { endIds: [] }),
    dispose: () => model.dispose(),
  };
}
