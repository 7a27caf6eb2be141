// Sampling speed: many sequences from short prompts, to a fixed length, as RL samples.

import { initialWeights } from "../model/parameters.ts";
import { replicate } from "../replicas/model.ts";
import type { BenchShape } from "./configs.ts";

export interface SampleBench {
  /** new tokens of one round */
  readonly tokens: number;
  round(): Promise<void>;
  dispose(): Promise<void>;
}

export const SAMPLE_PROMPT = 16;
export const SAMPLE_TOKENS = 128;

export function openSampleBench({ config }: BenchShape, sequences: number, threads: number): SampleBench {
  const model = replicate({ config, weights: initialWeights(config, 1), loss: null, threads, decodeBatch: sequences });
  const requests = Array.from({ length: sequences }, (_, seed) => ({
    promptIds: Array.from({ length: SAMPLE_PROMPT }, (__, i) => (seed * 31 + i * 7) % config.vocabularySize),
    maxNewTokens: SAMPLE_TOKENS,
    temperature: 1,
    topP: 1,
    seed,
  }));
  return {
    tokens: sequences * SAMPLE_TOKENS,
    round: async () => {
      await model.sample(requests, { endIds: [] });
    },
    dispose: () => model.dispose(),
  };
}
