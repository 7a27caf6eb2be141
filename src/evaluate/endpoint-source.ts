// Responses from an OpenAI-style server: retried, several at a time, one request a sample.

import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import type { Problem } from "../data/record.ts";
import type { Prompt } from "../data/template.ts";
import type { Ask, Response, ResponseSource, SamplingSettings } from "./response-source.ts";

export interface EndpointOptions {
  /** the server, with or without `/v1` and the route behind it */
  readonly url: string;
  /** the model's name there; when absent, the only one the server lists */
  readonly model?: string;
  /** a text goes to `completions`, messages go to `chat/completions` */
  readonly promptOf: (problem: Problem) => Prompt;
  /** requests under way at once */
  readonly concurrency?: number;
  /** sent as a bearer token, never written anywhere */
  readonly apiKey?: string;
  /** tries of one request, the first included */
  readonly tries?: number;
  /** wait before the second try; doubled for each further one */
  readonly retryMs?: number;
  /** a request without an answer after this long counts as failed */
  readonly timeoutMs?: number;
}

const DEFAULTS = { concurrency: 8, tries: 6, retryMs: 500, timeoutMs: 600_000 } as const;

/** Too busy or broken for now; anything else says the request itself is wrong. */
const PASSING_STATUSES = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

interface Endpoint {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tries: number;
  readonly retryMs: number;
  readonly timeoutMs: number;
  readonly forcedRoute: Route | null;
}

type Route = "completions" | "chat/completions";

/**
 * Responses of a server that speaks the completions or the chat completions protocol. Each sample is a request of its own
 * with its own seed; whether the same seed gives the same text again is up to the server.
 *
 * @throws `NETWORK` when the server stays unreachable or busy, refuses a request, or answers in another form
 */
export function endpointSource(options: EndpointOptions): ResponseSource {
  const endpoint = endpointOf(options);
  return {
    async respond(asks, sampling, onResponse, signal) {
      const stop = new AbortController();
      const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      const model = options.model ?? (await onlyModel(endpoint, both));
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let ask = asks[next++]; ask !== undefined; ask = asks[next++]) {
          both.throwIfAborted();
          onResponse(ask, await answerOf(endpoint, model, options.promptOf(ask.problem), ask, sampling, both));
        }
      };
      const count = Math.min(options.concurrency ?? DEFAULTS.concurrency, asks.length);
      try {
        await Promise.all(Array.from({ length: count }, worker));
      } catch (thrown) {
        // The other workers' requests are not left running behind a failure.
        stop.abort(thrown);
        throw thrown;
      }
    },
  };
}

function endpointOf(options: EndpointOptions): Endpoint {
  let url: URL;
  try {
    url = new URL(options.url);
  } catch (cause) {
    throw new SwarrError(
      "BAD_ARGUMENT",
      {
        what: `The endpoint ${quote(options.url)} is not a URL.`,
        expected: "something like http://127.0.0.1:8000/v1.",
        fix: "Give the server's full address.",
      },
      { cause },
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  const route = /\/(chat\/completions|completions)$/.exec(path)?.[1] as Route | undefined;
  const root = route === undefined ? path : path.slice(0, -route.length - 1);
  return {
    base: `${url.origin}${/\/v\d+$/.test(root) || route !== undefined ? root : `${root}/v1`}`,
    headers: {
      "content-type": "application/json",
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
    },
    tries: options.tries ?? DEFAULTS.tries,
    retryMs: options.retryMs ?? DEFAULTS.retryMs,
    timeoutMs: options.timeoutMs ?? DEFAULTS.timeoutMs,
    forcedRoute: route ?? null,
  };
}

async function answerOf(
  endpoint: Endpoint,
  model: string,
  prompt: Prompt,
  ask: Ask,
  sampling: SamplingSettings,
  signal: AbortSignal,
): Promise<Response> {
  const route = endpoint.forcedRoute ?? (prompt.kind === "text" ? "completions" : "chat/completions");
  const body = {
    model,
    ...promptFields(prompt, route, endpoint.base),
    max_tokens: sampling.maxNewTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    seed: ask.seed,
  };
  const answer = await exchange(endpoint, route, JSON.stringify(body), signal);
  return responseFrom(answer, `${endpoint.base}/${route}`);
}

function promptFields(prompt: Prompt, route: Route, base: string): JsonObject {
  if (route === "completions") {
    if (prompt.kind === "text") return { prompt: prompt.text };
    throw new SwarrError("BAD_ARGUMENT", {
      what: `The chat template asks with messages, but the endpoint ${base}/completions takes a text.`,
      expected: "the chat/completions route for messages.",
      fix: "Give the server's address without the route, or use --template plain.",
    });
  }
  return { messages: prompt.kind === "text" ? [{ role: "user", content: prompt.text }] : prompt.messages };
}

function responseFrom(answer: JsonObject, where: string): Response {
  const choice = Array.isArray(answer["choices"]) ? (answer["choices"][0] as unknown) : undefined;
  const message = isObject(choice) ? choice["message"] : undefined;
  const text = isObject(message) ? (message["content"] ?? "") : isObject(choice) ? choice["text"] : undefined;
  if (!isObject(choice) || typeof text !== "string") {
    throw network(`${where} answered ${quote(answer, 200)}`, "choices with a text or a message.", "Check the address.");
  }
  const usage = answer["usage"];
  const tokens = isObject(usage) ? usage["completion_tokens"] : undefined;
  const reason = choice["finish_reason"];
  return {
    text,
    tokens: typeof tokens === "number" && Number.isSafeInteger(tokens) ? tokens : null,
    finishReason: reason === "length" ? "length" : typeof reason === "string" ? "stop" : null,
  };
}

async function onlyModel(endpoint: Endpoint, signal: AbortSignal): Promise<string> {
  const list = (await exchange(endpoint, "models", null, signal))["data"];
  const names = Array.isArray(list) ? list.map((entry: unknown) => (isObject(entry) ? entry["id"] : undefined)) : [];
  if (names.length === 1 && typeof names[0] === "string") return names[0];
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${endpoint.base}/models lists ${names.length === 0 ? "no models" : names.map((name) => quote(name)).join(", ")}.`,
    expected: "one model, or the name of one.",
    fix: "Name it with --endpoint-model.",
  });
}

/** One request and its answer, tried again while the server is unreachable or busy. */
async function exchange(
  endpoint: Endpoint,
  route: string,
  body: string | null,
  signal: AbortSignal,
): Promise<JsonObject> {
  const where = `${endpoint.base}/${route}`;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce(endpoint, where, body, signal);
    if (outcome.kind === "answer") return outcome.value;
    if (outcome.kind === "refused" || attempt >= endpoint.tries) {
      const tried = outcome.kind === "refused" ? "" : ` (${attempt} tries)`;
      throw network(
        `${where} ${outcome.fault}${tried}`,
        "an answer of the completions protocol.",
        "Check that the server runs and serves this model; a sample file given with --out is gone on with.",
      );
    }
    await pause(outcome.afterMs ?? endpoint.retryMs * 2 ** (attempt - 1), signal);
  }
}

type Outcome =
  | { readonly kind: "answer"; readonly value: JsonObject }
  | { readonly kind: "refused"; readonly fault: string }
  | { readonly kind: "passing"; readonly fault: string; readonly afterMs: number | null };

async function attemptOnce(
  endpoint: Endpoint,
  where: string,
  body: string | null,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const reply = await fetch(where, {
      method: body === null ? "GET" : "POST",
      headers: endpoint.headers,
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(endpoint.timeoutMs)]),
    });
    const text = await reply.text();
    if (!reply.ok) {
      const fault = `answered ${reply.status}: ${quote(text.slice(0, 200), 220)}`;
      if (!PASSING_STATUSES.has(reply.status)) return { kind: "refused", fault };
      const seconds = Number(reply.headers.get("retry-after") ?? NaN);
      return { kind: "passing", fault, afterMs: seconds >= 0 ? Math.min(seconds, 60) * 1000 : null };
    }
    const value = jsonOrNull(text);
    if (isObject(value)) return { kind: "answer", value };
    return { kind: "refused", fault: `answered ${quote(text.slice(0, 200), 220)}, which is no JSON object` };
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? `: ${thrown.cause.message}` : "";
    return { kind: "passing", fault: `gave no answer: ${messageOf(thrown)}${cause}`, afterMs: null };
  }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function network(what: string, expected: string, fix: string): SwarrError {
  return new SwarrError("NETWORK", { what: `${what}.`, expected, fix });
}
