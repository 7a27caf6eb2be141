// Asking a server for the log-probs of golden prompts: finding out which protocol it speaks, then using that.

import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import type { Certificate, GoldenPrompt } from "./certificate.ts";
import { PROTOCOLS, type Answer, type Protocol, type Server } from "./certificate-protocols.ts";
import type { ServedLogProbs } from "./certificate-verdict.ts";

export interface EndpointProbeOptions {
  /** the server, with or without `/v1` and the route behind it */
  readonly url: string;
  /** the model's name there; when absent, the only one it lists */
  readonly model?: string | undefined;
  /** one of PROTOCOLS by name; when absent, each is tried in turn */
  readonly protocol?: string | undefined;
  /** sent as a bearer token, never written anywhere */
  readonly apiKey?: string | undefined;
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** a request without an answer after this long counts as failed */
  readonly timeoutMs?: number;
  /** wait before a busy server is asked again; doubled each time */
  readonly retryMs?: number;
}

const DEFAULTS = { timeoutMs: 600_000, retryMs: 500 } as const;
const TRIES = 5;
const BUSY = new Set([408, 425, 429, 502, 503, 504]);
/** The largest answer that is read. */
const MOST_BYTES = 256 << 20;

/**
 * @returns a list of log-probs a prompt, null where the server gives none
 * @throws `BAD_ARGUMENT` for a bad address or protocol; `NETWORK` when the server cannot be reached, stays busy, or
 *   speaks no protocol that tells log-probs of given tokens
 */
export async function askEndpoint(
  certificate: Certificate,
  options: EndpointProbeOptions,
): Promise<readonly ServedLogProbs[]> {
  const root = serverRoot(options.url);
  const tried = protocolsFor(options.protocol);
  const send = sender(root, options);
  const { edge, tokenTexts, vocabularySize } = certificate;
  const model = options.model ?? (await onlyModel(send, root));
  const server: Server = { model, edge, tokenTexts, vocabularySize, send };
  const { protocol, answer } = await firstAnswer(server, certificate.prompts[0]!, tried, root);
  options.report?.(`${root} answers through ${protocol.title}.`);
  const served: ServedLogProbs[] = [answer];
  for (const prompt of certificate.prompts.slice(1)) {
    const next = await protocol.ask(server, prompt);
    if (next === null) throw speaksNone(root, [protocol]);
    served.push(next);
    options.report?.(`Prompt ${served.length} of ${certificate.prompts.length} answered.`);
  }
  return served;
}

function protocolsFor(name: string | undefined): readonly Protocol[] {
  const tried = PROTOCOLS.filter((protocol) => name === undefined || protocol.name === name);
  if (tried.length > 0) return tried;
  const names = PROTOCOLS.map((protocol) => protocol.name);
  throw badArgument(`The protocol is ${quote(name)}.`, `one of ${names.join(", ")}.`);
}

/** A server may cut the connection on a question it does not know; that is an answer too, unless it answers none. */
async function firstAnswer(
  server: Server,
  prompt: GoldenPrompt,
  tried: readonly Protocol[],
  root: string,
): Promise<{ readonly protocol: Protocol; readonly answer: ServedLogProbs }> {
  let failure: SwarrError | null = null;
  for (const protocol of tried) {
    try {
      const answer = await protocol.ask(server, prompt);
      if (answer !== null) return { protocol, answer };
    } catch (thrown) {
      if (!(thrown instanceof SwarrError && thrown.code === "NETWORK")) throw thrown;
      failure = thrown;
    }
  }
  throw failure ?? speaksNone(root, tried);
}

/** What a server on this machine says it serves: a folder that may hold the certificate; null when it says nothing. */
export async function servedFolder(options: EndpointProbeOptions): Promise<string | null> {
  const root = serverRoot(options.url);
  const send = sender(root, options);
  const list = (await send("/v1/models", null)).json["data"];
  const first = Array.isArray(list) ? (list as readonly unknown[])[0] : null;
  if (isObject(first) && typeof first["root"] === "string") return first["root"];
  for (const [path, key] of [
    ["/get_model_info", "model_path"],
    ["/props", "model_path"],
  ] as const) {
    const value = (await send(path, null)).json[key];
    if (typeof value === "string") return value;
  }
  return null;
}

/** Scheme, host and what is before `/v1`. */
export function serverRoot(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw badArgument(`The address ${quote(address)} is not a URL.`, "something like http://127.0.0.1:8000.", cause);
  }
  if (!/^https?:$/.test(url.protocol)) throw badArgument(`The address is ${quote(address)}.`, "http or https.");
  const path = url.pathname.replace(/\/+$/, "").replace(/\/(chat\/completions|completions?|generate|models)$/, "");
  return `${url.origin}${path.replace(/\/v\d+$/, "")}`;
}

async function onlyModel(send: Server["send"], root: string): Promise<string | null> {
  const list = (await send("/v1/models", null)).json["data"];
  if (!Array.isArray(list)) return null;
  const names = list.flatMap((entry: unknown) =>
    isObject(entry) && typeof entry["id"] === "string" ? [entry["id"]] : [],
  );
  if (names.length <= 1) return names[0] ?? null;
  throw badArgument(
    `${root} serves ${names.length} models: ${names.slice(0, 5).join(", ")}.`,
    "the name of one, with --endpoint-model.",
  );
}

/** Sends JSON and reads JSON; an answer that is none counts as an empty object with its status. */
function sender(root: string, options: EndpointProbeOptions): Server["send"] {
  const { apiKey, timeoutMs = DEFAULTS.timeoutMs, retryMs = DEFAULTS.retryMs } = options;
  const headers = {
    "content-type": "application/json",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  return async (path, body) => {
    for (let attempt = 1; ; attempt++) {
      const signals = [AbortSignal.timeout(timeoutMs), ...(options.signal === undefined ? [] : [options.signal])];
      let answer: Answer;
      try {
        const reply = await fetch(root + path, {
          method: body === null ? "GET" : "POST",
          headers,
          body: body === null ? null : JSON.stringify(body),
          signal: AbortSignal.any(signals),
        });
        answer = { status: reply.status, json: objectOf(await boundedText(reply)) };
      } catch (cause) {
        options.signal?.throwIfAborted();
        throw unreachable(root + path, cause);
      }
      if ([401, 403].includes(answer.status)) throw refused(root + path, answer.status);
      if (!BUSY.has(answer.status) || attempt === TRIES) return answer;
      await new Promise((resolve) => setTimeout(resolve, retryMs * 2 ** (attempt - 1)));
    }
  };
}

async function boundedText(reply: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function objectOf(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as unknown;
    return isObject(value) ? value : {};
  } catch {
    // A page of HTML or an empty body: the status says what there is to say.
    return {};
  }
}

function speaksNone(root: string, tried: readonly Protocol[]): SwarrError {
  const titles = tried.map(({ title }) => title);
  return new SwarrError("NETWORK", {
    what: `${root} gives no log-probs of given tokens; tried: ${titles.join("; ")}.`,
    expected: "log-probs of the prompt, or the likeliest next tokens with theirs.",
    fix: "Start the server with log-probs enabled, name the --protocol, or probe the folder it serves.",
  });
}

function unreachable(where: string, cause: unknown): SwarrError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return new SwarrError(
    "NETWORK",
    {
      what: `${where} gave no answer: ${messageOf(cause)}${inner}.`,
      expected: "a running server.",
      fix: "Check the address and that the server runs.",
    },
    { cause },
  );
}

function refused(where: string, status: number): SwarrError {
  return new SwarrError("NETWORK", {
    what: `${where} answered ${status}.`,
    expected: "a server that lets this request in.",
    fix: "Name the variable that holds its key with --api-key-env.",
  });
}

function badArgument(what: string, expected: string, cause?: unknown): SwarrError {
  return new SwarrError("BAD_ARGUMENT", { what, expected, fix: "See swarr probe --help." }, { cause });
}
