// A small OpenAI-style server on loopback for tests; it stops by itself after a time and a number of requests.

import http from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** sent as JSON, or as it is when it is a text */
  readonly body: unknown;
  /** the connection is cut instead of answered */
  readonly cut?: boolean;
}

export interface CompletionServer {
  readonly url: string;
  readonly requests: readonly ServedRequest[];
  /** the most requests that were open at once */
  readonly mostAtOnce: () => number;
  close(): Promise<void>;
}

const LIFETIME_MS = 30_000;
const MOST_REQUESTS = 2_000;

export async function startCompletionServer(
  reply: (request: ServedRequest, count: number) => Reply | Promise<Reply>,
): Promise<CompletionServer> {
  const requests: ServedRequest[] = [];
  let open = 0;
  let most = 0;
  const serve = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    open += 1;
    most = Math.max(most, open);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const request = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
    requests.push(request);
    if (requests.length > MOST_REQUESTS) await close();
    const { status = 200, headers = {}, body, cut = false } = await reply(request, requests.length);
    open -= 1;
    if (cut) return void incoming.socket.destroy();
    outgoing.writeHead(status, { "content-type": "application/json", ...headers });
    outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const server = http.createServer((incoming, outgoing) => void serve(incoming, outgoing));
  const timer = setTimeout(() => void close(), LIFETIME_MS);
  const close = async (): Promise<void> => {
    clearTimeout(timer);
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, mostAtOnce: () => most, close };
}
