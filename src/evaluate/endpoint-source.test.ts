// Laws of sampling from a server, against a real one on loopback.

import { afterEach, describe, expect, it } from "vitest";
import {
  startCompletionServer,
  type CompletionServer,
  type Reply,
  type ServedRequest,
} from "../../test/support/completion-server.ts";
import { promptOf, templateFrom } from "../data/template.ts";
import { endpointSource, type EndpointOptions } from "./endpoint-source.ts";
import type { Ask, Response } from "./response-source.ts";

let server: CompletionServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const sampling = { temperature: 0.7, topP: 0.9, maxNewTokens: 11 };

function asks(count: number): readonly Ask[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    problem: { id: `p${index}`, question: `q${index}?`, answer: "1" },
    sample: 0,
    seed: 100 + index,
  }));
}

async function ask(
  reply: (request: ServedRequest, count: number) => Reply | Promise<Reply>,
  more: Partial<EndpointOptions> & { readonly path?: string; readonly template?: string } = {},
  count = 1,
  signal?: AbortSignal,
): Promise<readonly Response[]> {
  server = await startCompletionServer(reply);
  const { path = "", template = "plain", ...options } = more;
  const source = endpointSource({
    url: `${server.url}${path}`,
    model: "m",
    retryMs: 1,
    promptOf: ({ question }) => promptOf(templateFrom(template), question),
    ...options,
  });
  const responses: Response[] = [];
  await source.respond(asks(count), sampling, ({ index }, response) => (responses[index] = response), signal);
  return responses;
}

const completion = (text: string, reason = "stop"): Reply => ({
  body: { choices: [{ text, finish_reason: reason }], usage: { completion_tokens: 5 } },
});

describe("endpointSource", () => {
  it("asks the completions route with the prompt, the sampling settings and the sample's own seed", async () => {
    const responses = await ask(() => completion("42"), { apiKey: "k" });
    expect(responses).toEqual([{ text: "42", tokens: 5, finishReason: "stop" }]);
    expect(server?.requests[0]).toMatchObject({
      method: "POST",
      path: "/v1/completions",
      headers: { authorization: "Bearer k" },
    });
    expect(server?.requests[0]?.body).toEqual({
      model: "m",
      prompt: "q0?\n",
      max_tokens: 11,
      temperature: 0.7,
      top_p: 0.9,
      seed: 100,
    });
  });

  it("asks the chat route with messages when the template is a chat, or the address names that route", async () => {
    const chat = (): Reply => ({ body: { choices: [{ message: { content: "cut" }, finish_reason: "length" }] } });
    expect(await ask(chat, { template: "chat", path: "/v1/" })).toEqual([
      { text: "cut", tokens: null, finishReason: "length" },
    ]);
    expect(server?.requests[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: { messages: [{ role: "user", content: "q0?" }] },
    });
    await server?.close();
    await ask(chat, { path: "/api/v2/chat/completions" });
    expect(server?.requests[0]).toMatchObject({
      path: "/api/v2/chat/completions",
      body: { messages: [{ content: "q0?\n" }] },
    });
  });

  it("takes the only model the server lists, and asks for a name when there are two", async () => {
    const listing =
      (names: readonly string[]) =>
      (request: ServedRequest): Reply =>
        request.path === "/v1/models" ? { body: { data: names.map((id) => ({ id })) } } : completion("1");
    server = await startCompletionServer(listing(["only"]));
    const source = (url: string) => endpointSource({ url, retryMs: 1, promptOf: () => ({ kind: "text", text: "p" }) });
    await source(server.url).respond(asks(2), sampling, () => undefined);
    expect(server.requests.map((request) => request.body["model"])).toEqual([undefined, "only", "only"]);
    await server.close();
    server = await startCompletionServer(listing(["a", "b"]));
    await expect(source(server.url).respond(asks(1), sampling, () => undefined)).rejects.toThrow(
      /lists "a", "b".*--endpoint-model/,
    );
  });

  it("tries again after 429, 503 and a cut connection, and gives up after its tries with what it saw", async () => {
    const busy = (_: ServedRequest, count: number): Reply =>
      count === 1
        ? { status: 429, headers: { "retry-after": "0" }, body: "slow" }
        : count === 2
          ? { status: 503, body: "" }
          : count === 3
            ? { cut: true, body: "" }
            : completion("ok");
    expect(await ask(busy)).toMatchObject([{ text: "ok" }]);
    expect(server?.requests.length).toBe(4);
    await server?.close();
    await expect(ask(() => ({ status: 500, body: "broken" }), { tries: 3 })).rejects.toThrow(
      /answered 500: "broken" \(3 tries\).*NETWORK/,
    );
    expect(server?.requests.length).toBe(3);
  });

  it("does not try again when the server refuses the request or speaks another protocol", async () => {
    await expect(ask(() => ({ status: 404, body: "no such model" }))).rejects.toThrow(/answered 404: "no such model"/);
    expect(server?.requests.length).toBe(1);
    await server?.close();
    await expect(ask(() => ({ body: "<html>" }))).rejects.toThrow(/no JSON object/);
    await server?.close();
    await expect(ask(() => ({ body: { result: 1 } }))).rejects.toThrow(/answered \{"result":1\}/);
  });

  it("keeps as many requests under way as it may, no more, and answers each ask once", async () => {
    const slow = async (request: ServedRequest): Promise<Reply> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return completion(String(request.body["prompt"]));
    };
    const responses = await ask(slow, { concurrency: 4 }, 20);
    expect(responses.map((response) => response.text)).toEqual(asks(20).map(({ index }) => `q${index}?\n`));
    expect(server?.mostAtOnce()).toBe(4);
    expect(server?.requests.length).toBe(20);
  });

  it("stops with the signal's reason, in the middle of a request and of a wait", async () => {
    const controller = new AbortController();
    const never = (): Promise<Reply> => {
      controller.abort(new Error("stopped here"));
      return new Promise((resolve) =>
        setTimeout(() => {
          resolve(completion("late"));
        }, 5_000).unref(),
      );
    };
    await expect(ask(never, {}, 3, controller.signal)).rejects.toThrow("stopped here");
    await server?.close();
    const waiting = new AbortController();
    setTimeout(() => {
      waiting.abort(new Error("stopped while waiting"));
    }, 50);
    await expect(ask(() => ({ status: 503, body: "" }), { retryMs: 60_000 }, 1, waiting.signal)).rejects.toThrow(
      "stopped while waiting",
    );
  });

  it("refuses an address that is none, and messages for a text route", async () => {
    expect(() => endpointSource({ url: "localhost", promptOf: () => ({ kind: "text", text: "" }) })).toThrow(
      /"localhost" is not a URL/,
    );
    await expect(ask(() => completion("1"), { template: "chat", path: "/v1/completions" })).rejects.toThrow(
      /takes a text/,
    );
  });
});
