// A model behind the completions protocol on loopback: routes, one answer a request, streams.

import { randomUUID } from "node:crypto";
import type http from "node:http";
import { randomStream } from "../base/seeds.ts";
import { sampleChoice, type Choice } from "./choice.ts";
import { LIMITS, readCompletionRequest, type CompletionRequest } from "./completion-request.ts";
import {
  errorDocument,
  listenOnLoopback,
  readJsonObject,
  Refusal,
  requireLocal,
  sendJson,
  type LoopbackServer,
} from "./http.ts";
import { Replies, type AnsweredPrompt } from "./replies.ts";
import { ServedModel, type ServedModelOptions } from "./served-model.ts";

export interface CompletionServerOptions extends ServedModelOptions {
  /** 0 takes any free one */
  readonly port: number;
  /** what /v1/models calls the model */
  readonly name: string;
  /** the folder it was loaded from, which /v1/models tells */
  readonly folder: string;
  /** names the draws of requests that bring no seed of their own */
  readonly seed?: number;
}

/** Serves until `close()`, which ends what is under way. @throws `BAD_ARGUMENT` when the port is taken */
export async function startCompletionServer(options: CompletionServerOptions): Promise<LoopbackServer> {
  const service = new Service(options);
  const server = await listenOnLoopback((request, response) => service.answer(request, response), options.port);
  return {
    url: server.url,
    close: async () => {
      await service.close();
      await server.close();
    },
  };
}

const ROUTES: Readonly<Record<string, "GET" | "POST">> = {
  "/health": "GET",
  "/v1/models": "GET",
  "/v1/completions": "POST",
  "/v1/chat/completions": "POST",
};

class Service {
  readonly #options: CompletionServerOptions;
  readonly #model: ServedModel;
  readonly #created = Math.floor(Date.now() / 1000);
  #requests = 0;

  constructor(options: CompletionServerOptions) {
    this.#options = options;
    this.#model = new ServedModel(options);
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    requireLocal(request);
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const method = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
    if (method === undefined) {
      const known = Object.entries(ROUTES).map(([route, verb]) => `${verb} ${route}`);
      throw new Refusal(404, `There is no ${path}; there is ${known.join(", ")}.`);
    }
    if (request.method !== method) throw new Refusal(405, `${path} takes ${method}.`);
    if (path === "/health") return sendJson(response, 200, { status: "ok" });
    if (path === "/v1/models") return sendJson(response, 200, { object: "list", data: [this.#modelEntry()] });
    const body = await readJsonObject(request, LIMITS.bodyBytes);
    await this.#complete(readCompletionRequest(body, path.includes("chat")), response);
  }

  #modelEntry(): object {
    const { name, folder } = this.#options;
    const { maxPositions } = this.#model.config;
    return {
      id: name,
      object: "model",
      created: this.#created,
      owned_by: "swarr",
      root: folder,
      max_model_len: maxPositions,
    };
  }

  async #complete(asked: CompletionRequest, response: http.ServerResponse): Promise<void> {
    const ids = asked.prompts.map((prompt) => this.#model.idsOf(prompt));
    const request = this.#fitted(asked, Math.max(...ids.map(({ length }) => length)));
    this.#model.queue.requireRoom(ids.length * request.n);
    const seeds = this.#seedsOf(request, ids.length * request.n);
    const prompts: AnsweredPrompt[] = [];
    for (const each of ids) prompts.push({ ids: each, positions: await this.#positionsOf(each, request) });
    const head = {
      id: `${request.chat ? "chatcmpl" : "cmpl"}-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      name: this.#options.name,
    };
    const replies = new Replies(this.#model, request, head);
    if (request.stream) return this.#stream(request, prompts, seeds, replies, response);
    const cancelled = (): boolean => response.destroyed;
    const choices = await Promise.all(
      seeds.map((seed, index) => {
        const promptIds = prompts[Math.floor(index / request.n)]!.ids;
        return sampleChoice(this.#model, request, { index, promptIds, seed, cancelled });
      }),
    );
    sendJson(response, 200, replies.whole(prompts, choices));
  }

  async #stream(
    request: CompletionRequest,
    prompts: readonly AnsweredPrompt[],
    seeds: readonly number[],
    replies: Replies,
    response: http.ServerResponse,
  ): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const write = (document: object | null): void => {
      if (document !== null && !response.destroyed) response.write(`data: ${JSON.stringify(document)}\n\n`);
    };
    try {
      const choices = await Promise.all(
        seeds.map(async (seed, index): Promise<Choice> => {
          const prompt = prompts[Math.floor(index / request.n)]!;
          const echoed = request.echo ? replies.promptText(prompt).length : 0;
          write(replies.opening(index, prompt));
          const choice = await sampleChoice(this.#model, request, {
            index,
            promptIds: prompt.ids,
            seed,
            cancelled: () => response.destroyed,
            onPart: (text, tokens) => write(replies.part(index, text, tokens, echoed)),
          });
          write(replies.closing(choice));
          return choice;
        }),
      );
      if (request.includeUsage) write(replies.usage(prompts, choices));
    } catch (thrown) {
      // The status has gone out; a stream says in its own words that it broke.
      write(errorDocument(thrown).document);
    }
    response.end("data: [DONE]\n\n");
  }

  /** The request with as many new tokens as the longest prompt leaves room for, where it states no number itself. */
  #fitted(request: CompletionRequest, promptTokens: number): CompletionRequest {
    const { maxTokens, maxTokensStated } = request;
    const most = this.#model.config.maxPositions;
    const room = most - promptTokens;
    if (maxTokens <= room) return request;
    if (!maxTokensStated && room >= 1) return { ...request, maxTokens: room };
    throw new Refusal(
      400,
      `The prompt has ${promptTokens} tokens and ${maxTokensStated ? maxTokens : "new ones"} are asked for; the model has ${most} positions.`,
      "max_tokens",
    );
  }

  async #positionsOf(ids: readonly number[], request: CompletionRequest): Promise<AnsweredPrompt["positions"]> {
    const { echo, logProbs, promptLogProbs } = request;
    const wanted = [echo ? logProbs : null, promptLogProbs].filter((count) => count !== null);
    return wanted.length === 0 ? null : this.#model.promptLogProbs(ids, Math.max(...wanted));
  }

  /** The first response of a request with a seed is `swarr generate`'s with that seed; the others have streams of their own. */
  #seedsOf({ seed }: CompletionRequest, count: number): readonly number[] {
    const root = this.#options.seed ?? 0;
    const own = randomStream({ root, purpose: "serve", item: this.#requests++ }).integer(2 ** 32);
    const first = seed ?? own;
    return Array.from({ length: count }, (_, item) =>
      item === 0 ? first : randomStream({ root: first, purpose: "response", item }).integer(2 ** 32),
    );
  }
}
