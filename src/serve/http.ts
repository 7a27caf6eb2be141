// Small pieces of a loopback HTTP server: listening, bodies of bounded size, JSON answers, and refusals with a status.

import http from "node:http";
import type { AddressInfo } from "node:net";
import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, parseJson, quote, type JsonObject } from "../base/json.ts";

/** A request that is not served; status and message go to the client. */
export class Refusal extends Error {
  readonly status: number;
  /** the field at fault, where it is one */
  readonly field: string | null;

  constructor(status: number, message: string, field: string | null = null) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.field = field;
  }
}

export interface LoopbackServer {
  readonly url: string;
  /** Takes no new connections and cuts those there are. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 only.
 *
 * @param port  0 takes any free one
 * @throws `BAD_ARGUMENT` when the port is taken
 */
export async function listenOnLoopback(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>,
  port: number,
): Promise<LoopbackServer> {
  const server = http.createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => refuse(response, thrown));
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(portTaken(port, cause)));
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * A page in a browser can reach loopback through a name of its own, or post to it from elsewhere; the Host and Origin
 * headers give it away.
 */
export function requireLocal({ headers }: http.IncomingMessage): void {
  const local = /^(?:https?:\/\/)?(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/;
  if (!local.test(headers.host ?? "")) throw new Refusal(403, "This server answers to 127.0.0.1 and localhost only.");
  if (headers.origin !== undefined && !local.test(headers.origin)) {
    throw new Refusal(403, `This server does not answer to pages from ${headers.origin}.`);
  }
}

/** The body as a JSON object. */
export async function readJsonObject(request: http.IncomingMessage, mostBytes: number): Promise<JsonObject> {
  const text = await readBody(request, mostBytes);
  let value: unknown;
  try {
    value = parseJson(text, "The request");
  } catch (thrown) {
    throw new Refusal(400, messageOf(thrown));
  }
  if (isObject(value)) return value;
  throw new Refusal(400, `The request is ${quote(value)}; expected a JSON object.`);
}

async function readBody(request: http.IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > mostBytes) throw new Refusal(413, `The request is larger than ${mostBytes} bytes.`);
    chunks.push(chunk as Buffer);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal(400, "The request is not UTF-8.");
  }
}

export function sendJson(response: http.ServerResponse, status: number, document: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const text = JSON.stringify(document);
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(status === 429 || status === 503 ? { "retry-after": "1" } : {}),
    // The rest of a body that was refused unread would be taken for the next request.
    ...(status === 413 ? { connection: "close" } : {}),
  });
  response.end(text);
}

/** The error in the form that clients of the completions protocol read. */
export function errorDocument(thrown: unknown): { readonly status: number; readonly document: JsonObject } {
  const status = thrown instanceof Refusal ? thrown.status : thrown instanceof SwarrError ? 400 : 500;
  const type = status < 500 ? "invalid_request_error" : "server_error";
  const param = thrown instanceof Refusal ? thrown.field : null;
  return { status, document: { error: { message: messageOf(thrown), type, param, code: status } } };
}

function refuse(response: http.ServerResponse, thrown: unknown): void {
  const { status, document } = errorDocument(thrown);
  if (response.headersSent) response.destroy();
  else sendJson(response, status, document);
}

function portTaken(port: number, cause: NodeJS.ErrnoException): SwarrError {
  return new SwarrError(
    "BAD_ARGUMENT",
    {
      what: `Cannot listen on 127.0.0.1:${port}: ${cause.code ?? cause.message}.`,
      expected: "a free port.",
      fix: "Choose another --port; 0 takes any free one.",
    },
    { cause },
  );
}
