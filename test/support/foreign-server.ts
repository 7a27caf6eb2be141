// Servers that answer as SGLang, llama.cpp and a plain completions API do, over swarr's own engine, for a bounded time.

import { createEngine } from "../../src/engine/create-engine.ts";
import { createDistributions } from "../../src/generate/distributions.ts";
import { topTokens, type TopToken } from "../../src/serve/served-model.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Weights } from "../../src/tensor/tensor.ts";
import { startCompletionServer, type CompletionServer, type Reply, type ServedRequest } from "./completion-server.ts";
import { tokenizer } from "./served-model.ts";

export type Dialect = "sglang" | "llama.cpp" | "openai";

const NOT_FOUND: Reply = { status: 404, body: { error: "not found" } };

export async function serveForeign(dialect: Dialect, config: ModelConfig, weights: Weights): Promise<CompletionServer> {
  const distributions = createDistributions(createEngine({ threads: 1 }), config, weights);
  // One text at a time: the programs write into their own arrays.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const inputLogProbs = (ids: readonly number[]): Promise<(number | null)[]> =>
    inTurn(async () => {
      const own: (number | null)[] = [null];
      await distributions.visit(ids, (at, logProbs) => {
        if (at < ids.length) own.push(logProbs[ids[at]!]!);
      });
      return own;
    });
  const nextTokens = (ids: readonly number[], count: number): Promise<readonly TopToken[]> =>
    inTurn(async () => {
      let top: readonly TopToken[] = [];
      await distributions.visit(ids, (at, logProbs) => {
        if (at === ids.length) top = topTokens(logProbs, count);
      });
      return top;
    });
  const named = ({ id, logProb }: { readonly id: number; readonly logProb: number }): object => {
    const token = tokenizer.decode([id]);
    return { id, token, bytes: [...Buffer.from(token)], logprob: logProb };
  };

  const sglang = async ({ path, body }: ServedRequest): Promise<Reply> => {
    if (path !== "/generate") return NOT_FOUND;
    const ids = body["input_ids"] as number[];
    const rows = (await inputLogProbs(ids)).map((logProb, i) => [logProb, ids[i], null]);
    return { body: { text: "x", meta_info: { prompt_tokens: ids.length, input_token_logprobs: rows } } };
  };
  const llamaCpp = async ({ path, body }: ServedRequest): Promise<Reply> => {
    const ids = body["prompt"] as number[];
    // Like the real one it answers its completions route without a word about prompt_logprobs and echo.
    if (path === "/v1/completions") return { body: { choices: [{ index: 0, text: "x", logprobs: null }] } };
    if (path !== "/completion") return NOT_FOUND;
    const top = (await nextTokens(ids, body["n_probs"] as number)).map(named);
    return { body: { content: "x", completion_probabilities: [{ ...top[0], top_logprobs: top }] } };
  };
  const openai = async ({ path, body }: ServedRequest): Promise<Reply> => {
    if (path !== "/v1/completions") return NOT_FOUND;
    const unknown = Object.keys(body).some(
      (key) => !["model", "prompt", "max_tokens", "temperature", "logprobs"].includes(key),
    );
    if (unknown || (body["logprobs"] as number) > 5) return { status: 400, body: { error: { message: "no" } } };
    const top = await nextTokens(body["prompt"] as number[], body["logprobs"] as number);
    const map = Object.fromEntries(top.map(({ id, logProb }) => [tokenizer.decode([id]), logProb]));
    return { body: { choices: [{ index: 0, text: "x", logprobs: { top_logprobs: [map] } }] } };
  };
  const answers = { sglang, "llama.cpp": llamaCpp, openai };
  const server = await startCompletionServer((request) => answers[dialect](request));
  return {
    ...server,
    close: async () => {
      await server.close();
      await last;
      await distributions.dispose();
    },
  };
}
