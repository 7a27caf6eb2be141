// Laws of the completions server, over real HTTP and the real engine.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiAnswer } from "../../test/support/api-answer.ts";
import { expectClose } from "../../test/support/expect-close.ts";
import { byteConfig, files, serveTiny, tokenizer } from "../../test/support/served-model.ts";
import { tinyWeights } from "../../test/support/tiny-model.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { createEngine } from "../engine/create-engine.ts";
import { createSampler } from "../generate/decode.ts";
import { createScorer } from "../generate/log-probs.ts";
import type { LoopbackServer } from "./http.ts";

const config = byteConfig(6);
const weights = tinyWeights(config);
const engine = createEngine({ threads: 1 });
const sampler = createSampler({ engine, config, weights });
const scorer = createScorer(engine, config, weights);
let server: LoopbackServer;
beforeAll(async () => {
  server = await serveTiny(config);
});
afterAll(async () => {
  await server.close();
  await sampler.dispose();
  await scorer.dispose();
});

interface Reply {
  readonly status: number;
  readonly body: ApiAnswer;
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const reply = await fetch(server.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: reply.status, body: (await reply.json()) as ApiAnswer };
}
const complete = (body: object): Promise<Reply> => post("/v1/completions", body);

async function streamOf(path: string, body: object): Promise<ApiAnswer[]> {
  const reply = await fetch(server.url + path, { method: "POST", body: JSON.stringify({ ...body, stream: true }) });
  expect(reply.headers.get("content-type")).toBe("text/event-stream");
  const events = (await reply.text()).split("\n\n").filter((event) => event !== "");
  expect(events.at(-1)).toBe("data: [DONE]");
  return events.slice(0, -1).map((event) => JSON.parse(event.replace(/^data: /, "")) as ApiAnswer);
}

const promptIds = tokenizer.encode("two and two are");

describe("startCompletionServer", () => {
  it("samples what there is room for where no number of tokens is stated", async () => {
    const { body } = await complete({ prompt: "a".repeat(505), ignore_eos: true });
    expect(body.usage.completion_tokens).toBe(7);
  });

  it("places echoed tokens where their text begins, characters of several tokens included", async () => {
    const { body } = await complete({ prompt: "aé€b", echo: true, logprobs: 0, max_tokens: 0 });
    expect(body.choices[0].logprobs.text_offset).toEqual([0, 1, 1, 2, 2, 2, 3]);
  });

  it("passes a message's fields to the template, and takes one number of tokens under two names", async () => {
    const chat = (more: object): Promise<Reply> => {
      const messages = [{ role: "user", content: "hi" }];
      return post("/v1/chat/completions", { messages, max_completion_tokens: 2, ...more });
    };
    expect((await chat({ max_tokens: 2 })).status).toBe(200);
    expect((await chat({ max_tokens: 3 })).body.error.message).toMatch(/max_tokens is 3.*max_completion_tokens's 2/);
    const messages = [{ role: "user", content: "hi", reasoning_content: "hm" }];
    expect((await chat({ messages })).body.error.message).toMatch(/"reasoning_content", which the chat template/);
    expect((await chat({ messages: [{ role: "user" }] })).status).toBe(400);
  });

  it("answers with what the sampler draws for the same seed, whatever else is in the batch", async () => {
    const request = { promptIds, maxNewTokens: 12, temperature: 0.7, topP: 0.9, seed: 5 };
    const [expected] = await sampler.sample([request], { endIds: files.endIds });
    const ask = { prompt: promptIds, max_tokens: 12, temperature: 0.7, top_p: 0.9, seed: 5, return_token_ids: true };
    const other = (seed: number): Promise<Reply> => complete({ prompt: "x", max_tokens: 5 + seed, seed });
    const [reply] = await Promise.all([complete({ ...ask, logprobs: 0 }), other(1), other(9), other(2)]);
    const [choice] = reply.body.choices;
    expect(choice.token_ids).toEqual(Array.from(expected!.ids));
    expectClose(choice.logprobs.token_logprobs, expected!.logProbs, tolerances.logProb32);
    expect(choice.prompt_token_ids).toEqual(promptIds);
    const { finishReason, ids } = expected!;
    expect(choice.finish_reason).toBe(finishReason);
    expect(reply.body.usage).toEqual({
      prompt_tokens: 15,
      completion_tokens: ids.length,
      total_tokens: 15 + ids.length,
    });
    const text = tokenizer.decode(finishReason === "stop" ? ids.slice(0, -1) : ids, { skipSpecialTokens: true });
    expect(choice.text).toBe(text);
  });

  it("takes a text, ids, and lists of either, and gives n responses a prompt in order", async () => {
    const texts = await complete({ prompt: ["ab", "cd"], n: 2, max_tokens: 3, seed: 1, return_token_ids: true });
    const ids = await complete({
      prompt: [tokenizer.encode("ab"), tokenizer.encode("cd")],
      ...{ n: 2, max_tokens: 3, seed: 1, return_token_ids: true },
    });
    expect(texts.body.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3]);
    expect(texts.body.choices).toEqual(ids.body.choices);
    const prompts = texts.body.choices.map((choice) => tokenizer.decode(choice.prompt_token_ids));
    expect(prompts).toEqual(["ab", "ab", "cd", "cd"]);
    const drawn = new Set(texts.body.choices.map((choice) => choice.token_ids.join()));
    expect(drawn.size).toBe(4);
    expect(texts.body.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 12 });
  });

  it("echoes the prompt with the scorer's log-probs, the first token having none", async () => {
    const expected = await scorer.logProbs(promptIds);
    const { body } = await complete({ prompt: promptIds, echo: true, logprobs: 1, max_tokens: 0 });
    const { logprobs, text, finish_reason: reason } = body.choices[0];
    expect([text, reason]).toEqual(["two and two are", "length"]);
    expect(logprobs.token_logprobs[0]).toBeNull();
    expect(logprobs.top_logprobs[0]).toBeNull();
    expectClose(logprobs.token_logprobs.slice(1), expected.subarray(1), tolerances.logProb32);
    expect(logprobs.tokens.join("")).toBe("two and two are");
    expect(logprobs.text_offset).toEqual(promptIds.map((_, i) => i));
    const withNew = await complete({ prompt: promptIds, echo: true, logprobs: 0, max_tokens: 4, ignore_eos: true });
    expect(withNew.body.choices[0].logprobs.token_logprobs.length).toBe(promptIds.length + 4);
  });

  it("gives prompt_logprobs by token id, the token's own beside the likeliest, with its rank", async () => {
    const expected = await scorer.logProbs(promptIds);
    const { body } = await complete({ prompt: promptIds, prompt_logprobs: 3, max_tokens: 1 });
    const rows = body.choices[0].prompt_logprobs;
    expect(rows.length).toBe(promptIds.length);
    expect(rows[0]).toBeNull();
    for (let i = 1; i < promptIds.length; i++) {
      const own = rows[i]![String(promptIds[i])]!;
      expectClose([own.logprob], [expected[i]!], tolerances.logProb32);
      expect(own.decoded_token).toBe(tokenizer.decode([promptIds[i]!]));
      const ranked = Object.values(rows[i]!).sort((a, b) => b.logprob - a.logprob);
      expect(ranked.slice(0, 3).map(({ rank }) => rank)).toEqual([1, 2, 3]);
      expect(ranked.length).toBe(own.rank <= 3 ? 3 : 4);
    }
  });

  it("lists the likeliest tokens at each new one, greedy drawing the first of them", async () => {
    const { body } = await complete({ prompt: "once", temperature: 0, logprobs: 5, max_tokens: 4, ignore_eos: true });
    const { top_logprobs: top, token_logprobs: own, tokens } = body.choices[0].logprobs;
    for (const [i, map] of top.entries()) {
      expect(Object.keys(map).length).toBe(5);
      expect(Math.max(...Object.values(map))).toBe(own[i]);
      expect(map[tokens[i]!]).toBe(own[i]);
    }
  });

  it("streams the same text and tokens as it answers whole, in the completions and the chat protocol", async () => {
    const ask = { prompt: "go", max_tokens: 24, seed: 3, n: 2, logprobs: 2, echo: true, ignore_eos: true };
    const whole = (await complete(ask)).body;
    const chunks = await streamOf("/v1/completions", { ...ask, stream_options: { include_usage: true } });
    for (const index of [0, 1]) {
      const own = chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index);
      expect(own.map(({ text }) => text).join("")).toBe(whole.choices[index]!.text);
      const parts = own.map(({ logprobs }) => logprobs).filter(Boolean);
      for (const field of ["tokens", "text_offset", "token_logprobs"] as const) {
        expect(
          parts.flatMap<unknown>((part) => part[field]),
          field,
        ).toEqual(whole.choices[index]!.logprobs[field]);
      }
      expect(own.map((choice) => choice.finish_reason)).toEqual([...own.slice(1).map(() => null), "length"]);
      expect(own.length).toBeGreaterThan(5);
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    const talk = { messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }], max_tokens: 9, seed: 4 };
    const chat = (await post("/v1/chat/completions", { ...talk, logprobs: true, top_logprobs: 2 })).body;
    const deltas = await streamOf("/v1/chat/completions", talk);
    expect(deltas[0]!.choices[0].delta).toEqual({ role: "assistant", content: "" });
    expect(deltas.map(({ choices }) => choices[0].delta.content ?? "").join("")).toBe(chat.choices[0].message.content);
    expect(chat.choices[0].logprobs.content[0]!.top_logprobs.length).toBe(2);
    expect(chat.usage.prompt_tokens).toBe(
      tokenizer.encode("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n").length,
    );
  });

  it("ends before a stop text and at a stop token, and says which it was", async () => {
    const ask = { prompt: "go", max_tokens: 40, seed: 8, ignore_eos: true, return_token_ids: true };
    const free = (await complete(ask)).body.choices[0];
    expect(free).toMatchObject({ finish_reason: "length", stop_reason: null });
    const plain = [...free.text].findIndex((one, i) => i > 3 && one >= " " && one <= "~");
    const stop = free.text[plain]!;
    const cut = (await complete({ ...ask, stop })).body.choices[0];
    expect(cut).toMatchObject({
      text: free.text.slice(0, free.text.indexOf(stop)),
      finish_reason: "stop",
      stop_reason: stop,
    });
    expect(cut.token_ids).toEqual(free.token_ids.slice(0, cut.token_ids.length));
    const end = free.token_ids[6]!;
    const ended = (await complete({ ...ask, stop_token_ids: [end] })).body.choices[0];
    expect(ended.token_ids).toEqual(free.token_ids.slice(0, free.token_ids.indexOf(end) + 1));
    expect(ended).toMatchObject({ finish_reason: "stop", stop_reason: end });
  });

  it("tells what it serves and that it is well", async () => {
    const get = async (path: string): Promise<ApiAnswer> =>
      (await (await fetch(server.url + path)).json()) as ApiAnswer;
    expect(await get("/health")).toEqual({ status: "ok" });
    expect((await get("/v1/models")).data).toMatchObject([{ id: "tiny", root: "/nowhere/tiny", max_model_len: 512 }]);
  });

  it.each([
    [{ prompt: "" }, 400, /no tokens/],
    [{}, 400, /prompt is nothing; expected a text/],
    [{ prompt: [1, -2] }, 400, /prompt/],
    [{ prompt: [999] }, 400, /token id 999 is not below/],
    [{ prompt: "a", temperature: -1 }, 400, /temperature is -1/],
    [{ prompt: "a", temperature: 1e-300 }, 400, /temperature is 1e-300; expected 0, or a number from 0.000001 to 100/],
    [{ prompt: "a", top_p: 0 }, 400, /top_p/],
    [{ prompt: "a", max_tokens: 0 }, 400, /max_tokens/],
    [{ prompt: "a".repeat(512) }, 400, /512 tokens and new ones are asked for; the model has 512/],
    [{ prompt: "a", max_tokens: 512 }, 400, /1 tokens and 512 are asked for; the model has 512/],
    [{ prompt: "a", n: 129 }, 400, /n is 129/],
    [{ prompt: ["a", "b"], n: 65 }, 400, /at most 128/],
    [{ prompt: "a", stop: [""] }, 400, /stop/],
    [{ prompt: "a", temprature: 0 }, 400, /does not know the field "temprature"/],
    [{ prompt: "a", frequency_penalty: 0.5 }, 400, /frequency_penalty is 0\.5/],
    [{ prompt: "a", stream: true, prompt_logprobs: 1 }, 400, /prompt_logprobs/],
    ["{", 400, /not valid JSON/],
    ["[1]", 400, /expected a JSON object/],
  ])("refuses %j with status %d and names the fault", async (body, status, message) => {
    const reply = await post("/v1/completions", body);
    expect(reply.status).toBe(status);
    expect(reply.body.error.message).toMatch(message);
  });

  it("takes fields that ask for nothing, and a model name that it does not look at", async () => {
    const idle = { model: "any", user: "me", frequency_penalty: 0, top_k: -1, suffix: null, best_of: 1 };
    expect((await complete({ prompt: "a", ...idle })).status).toBe(200);
  });

  it("refuses other routes, other verbs, hosts and pages from elsewhere, and bodies beyond its limit", async () => {
    expect((await post("/v1/embeddings", {})).status).toBe(404);
    expect((await fetch(`${server.url}/v1/completions`)).status).toBe(405);
    expect((await post("/v1/completions", { prompt: "a" }, { origin: "https://example.com" })).status).toBe(403);
    const large = await post("/v1/completions", JSON.stringify({ prompt: "a".repeat(17 << 20) })).catch(() => null);
    // The connection may be cut while the client is still sending.
    if (large !== null) expect(large.status).toBe(413);
    expect((await complete({ prompt: "a", max_tokens: 1 })).status).toBe(200);
    const bytes = new Uint8Array([...Buffer.from('{"prompt": "'), 0xff, ...Buffer.from('"}')]);
    expect((await fetch(`${server.url}/v1/completions`, { method: "POST", body: bytes })).status).toBe(400);
  });

  it("answers 429 while more responses wait than it keeps, and decodes on", async () => {
    const small = await serveTiny(config, { queue: 4, batch: 2 });
    const ask = (n: number): Promise<Response> =>
      fetch(`${small.url}/v1/completions`, {
        method: "POST",
        body: JSON.stringify({ prompt: "a", n, max_tokens: 30, ignore_eos: true }),
      });
    const [kept, refused] = await Promise.all([ask(4), ask(5)]);
    expect([kept.status, refused.status, refused.headers.get("retry-after")]).toEqual([200, 429, "1"]);
    expect((await ask(1)).status).toBe(200);
    await small.close();
  });

  it("gives up a response that nobody waits for, and stops cleanly with others under way", async () => {
    // At 20,000 tokens one after the other, nothing else would be answered for many seconds.
    const brief = await serveTiny(byteConfig(6, { maxPositions: 30_000 }), { batch: 1 });
    const ask = (tokens: number, signal?: AbortSignal): Promise<Response> =>
      fetch(`${brief.url}/v1/completions`, {
        method: "POST",
        body: JSON.stringify({ prompt: "a", max_tokens: tokens, ignore_eos: true }),
        signal: signal ?? null,
      });
    const leaving = new AbortController();
    const left = ask(20_000, leaving.signal).catch(() => "left");
    await new Promise((resolve) => setTimeout(resolve, 200));
    leaving.abort();
    expect(await left).toBe("left");
    const started = performance.now();
    expect((await ask(1)).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(2_000);
    const stopped = ask(20_000).then(
      (reply) => reply.status,
      () => 503,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await brief.close();
    expect(await stopped).toBe(503);
    await expect(fetch(`${brief.url}/health`)).rejects.toThrow();
  });
});
