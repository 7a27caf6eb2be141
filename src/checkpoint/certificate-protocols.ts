// How each kind of server is asked for the log-probs of given tokens, and how its answer is read.

import { isObject, type JsonObject } from "../base/json.ts";
import type { GoldenPrompt } from "./certificate.ts";
import type { ServedLogProbs } from "./certificate-verdict.ts";

export interface Answer {
  readonly status: number;
  /** empty when the answer is no JSON object */
  readonly json: JsonObject;
}

export interface Server {
  /** null when it lists none */
  readonly model: string | null;
  /** positions from here on are past the window's edge */
  readonly edge: number;
  /** by token id */
  readonly tokenTexts: Readonly<Record<string, string>>;
  readonly vocabularySize: number;
  /** null is a GET */
  send(path: string, body: JsonObject | null): Promise<Answer>;
}

export interface Protocol {
  readonly name: string;
  /** for a person */
  readonly title: string;
  /** @returns as many entries as the prompt has ids, or null when the server does not speak this protocol */
  ask(server: Server, prompt: GoldenPrompt): Promise<ServedLogProbs | null>;
}

/** The likeliest tokens that are asked for where a server has no limit of its own. */
const MANY = 1024;
/** How many known tokens before the edge a grown prompt is asked at: they show the server's noise. */
const BEFORE_EDGE = 4;

/** `prompt_logprobs` beside the choices: a map a token, by id. @source vLLM's completions protocol */
const promptLogProbs: Protocol = {
  name: "vllm",
  title: "prompt_logprobs of /v1/completions (vLLM)",
  ask: async (server, { ids }) => {
    const answer = await server.send("/v1/completions", { ...oneToken(server), prompt: ids, prompt_logprobs: 1 });
    const rows = firstChoice(answer)?.["prompt_logprobs"] ?? answer.json["prompt_logprobs"];
    if (!Array.isArray(rows) || rows.length !== ids.length) return null;
    return unlessEmpty(
      ids.map((id, i) => {
        const row: unknown = rows[i];
        const entry = isObject(row) ? row[String(id)] : null;
        return isObject(entry) ? logProbOf(entry["logprob"]) : logProbOf(entry);
      }),
    );
  },
};

/** `echo` with `logprobs`: the prompt's tokens come back in front of the new one. @source OpenAI's first completions protocol */
const echo: Protocol = {
  name: "echo",
  title: "echo with logprobs of /v1/completions",
  ask: async (server, { ids }) => {
    const choice = firstChoice(
      await server.send("/v1/completions", { ...oneToken(server), prompt: ids, echo: true, logprobs: 1 }),
    );
    const logprobs = choice?.["logprobs"];
    const values = isObject(logprobs) ? logprobs["token_logprobs"] : null;
    if (!Array.isArray(values) || values.length < ids.length || values.length > ids.length + 1) return null;
    return unlessEmpty(ids.map((_, i) => logProbOf(values[i])));
  },
};

/** `[log-prob, id, text]` of every token of the input. @source SGLang's native API */
const inputTokenLogProbs: Protocol = {
  name: "sglang",
  title: "/generate with return_logprob (SGLang)",
  ask: async (server, { ids }) => {
    const answer = await server.send("/generate", {
      input_ids: ids,
      sampling_params: { max_new_tokens: 1, temperature: 0 },
      return_logprob: true,
      logprob_start_len: 0,
    });
    const { meta_info: meta } = answer.json;
    const rows = isObject(meta) ? meta["input_token_logprobs"] : null;
    if (!Array.isArray(rows) || rows.length !== ids.length) return null;
    return unlessEmpty(
      ids.map((id, i) => {
        const row: unknown = rows[i];
        return Array.isArray(row) && row[1] === id ? logProbOf(row[0]) : null;
      }),
    );
  },
};

/** One golden token at a time, each from the list of likeliest tokens after those before it. @source llama.cpp's server */
const llamaCpp: Protocol = {
  name: "llama.cpp",
  title: "/completion with n_probs, one token at a time (llama.cpp)",
  ask: (server, prompt) =>
    grown(server, prompt, async (ids) => {
      const answer = await server.send("/completion", {
        prompt: ids,
        n_predict: 1,
        n_probs: Math.min(MANY, server.vocabularySize),
        // Below 0 it answers with the plain softmax of the logits, whatever its samplers are set to.
        temperature: -1,
        cache_prompt: true,
      });
      const rows = answer.json["completion_probabilities"];
      const row: unknown = Array.isArray(rows) ? rows[0] : null;
      if (!isObject(row)) return null;
      return listed(row["top_logprobs"]) ?? listed(row["probs"]);
    }),
};

/** The same through the completions protocol, whose lists are short: 20 tokens, or 5. */
const growing: Protocol = {
  name: "openai",
  title: "logprobs of /v1/completions, one token at a time",
  ask: async (server, prompt) => {
    for (const wanted of [{ logprobs: 20, return_tokens_as_token_ids: true }, { logprobs: 20 }, { logprobs: 5 }]) {
      const served = await grown(server, prompt, async (ids) => {
        const answer = await server.send("/v1/completions", { ...oneToken(server), prompt: ids, ...wanted });
        return topOf(firstChoice(answer)?.["logprobs"]);
      });
      if (served !== null) return served;
    }
    return null;
  },
};

/** In the order they are tried: those that need one request a prompt first. */
export const PROTOCOLS: readonly Protocol[] = [promptLogProbs, echo, inputTokenLogProbs, llamaCpp, growing];

/** Log-probs by token: by id where the server says ids, else by text. */
interface TopTokens {
  readonly byId: ReadonlyMap<number, number>;
  readonly byText: ReadonlyMap<string, number>;
}

async function grown(
  server: Server,
  { ids, compared }: GoldenPrompt,
  next: (ids: readonly number[]) => Promise<TopTokens | null>,
): Promise<ServedLogProbs | null> {
  const before = Array.from({ length: BEFORE_EDGE }, (_, i) => server.edge - BEFORE_EDGE + i).filter((at) => at > 0);
  const served: (number | null)[] = ids.map(() => null);
  for (const at of [...before, ...compared]) {
    const top = await next(ids.slice(0, at));
    if (top === null) return null;
    const text = server.tokenTexts[String(ids[at])];
    // Ids are certain; where there are any, a text is not asked.
    served[at] = (top.byId.size > 0 || text === undefined ? top.byId.get(ids[at]!) : top.byText.get(text)) ?? null;
  }
  return served;
}

/** The new token's list, in the first protocol's form (a map by text) or the chat protocol's (a list of records). */
function topOf(logprobs: unknown): TopTokens | null {
  if (!isObject(logprobs)) return null;
  const { top_logprobs: maps, content } = logprobs;
  const first: unknown = Array.isArray(content) ? content[0] : null;
  if (isObject(first)) return listed(first["top_logprobs"]);
  const map: unknown = Array.isArray(maps) ? maps[0] : null;
  if (!isObject(map)) return null;
  return collected(Object.entries(map).map(([token, value]) => ({ token, value: logProbOf(value) })));
}

/** `[{ id, token, logprob }]`, or with `prob` where only that is given; null when it is no such list. */
function listed(list: unknown): TopTokens | null {
  if (!Array.isArray(list) || list.length === 0) return null;
  return collected(
    list.filter(isObject).map((entry) => {
      const { id, prob } = entry;
      const token = entry["token"] ?? entry["tok_str"];
      return {
        ...(typeof id === "number" ? { id } : {}),
        token: typeof token === "string" ? token : "",
        value: logProbOf(entry["logprob"] ?? (typeof prob === "number" ? Math.log(prob) : null)),
      };
    }),
  );
}

function collected(
  entries: readonly { readonly id?: number; readonly token: string; readonly value: number | null }[],
): TopTokens {
  const byId = new Map<number, number>();
  const byText = new Map<string, number>();
  for (const { id, token, value } of entries) {
    if (value === null) continue;
    const named = id ?? Number(/^token_id:(\d+)$/.exec(token)?.[1] ?? NaN);
    if (Number.isSafeInteger(named)) byId.set(named, value);
    else if (!byText.has(token)) byText.set(token, value);
  }
  return { byId, byText };
}

/** A list in the right place with nothing in it is no answer either. */
function unlessEmpty(served: ServedLogProbs): ServedLogProbs | null {
  return served.every((value) => value === null) ? null : served;
}

function oneToken({ model }: Server): JsonObject {
  return { ...(model === null ? {} : { model }), max_tokens: 1, temperature: 0 };
}

function firstChoice({ json }: Answer): JsonObject | null {
  const { choices } = json;
  const first: unknown = Array.isArray(choices) ? choices[0] : null;
  return isObject(first) ? first : null;
}

/** Some servers write the log of 0 as a huge negative number; that is no log-prob. */
function logProbOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value > -1e3 ? value : null;
}
