// A loopback server that speaks the hub's protocol for reading, on files a test gives it.

import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { answerWrite } from "./hub-server-write.ts";

export interface HubServer {
  readonly url: string;
  /** `GET /path` with its range, one a request. */
  readonly log: readonly string[];
  /** Sends this many bytes of the file's next body, then drops the connection. */
  breakOnce(path: string, afterBytes: number): void;
  close(): Promise<void>;
}

export interface HubServerOptions {
  readonly repository: string;
  /** Branches and tags; each commit has the same files. */
  readonly revisions: { readonly [name: string]: string };
  readonly files: { [path: string]: Buffer };
  /** Files stored as large ones, known by SHA-256; the others by git object id. */
  readonly large?: (path: string) => boolean;
  /** Only requests with this token are answered. */
  readonly token?: string;
  /** Takes uploads into `files`, those of large files without asking for the token. */
  readonly writable?: boolean;
  /** Announces this hash for a file instead of its own. */
  readonly wrongHash?: { readonly [path: string]: string };
}

export async function hubServer(options: HubServerOptions): Promise<HubServer> {
  const log: string[] = [];
  const breaks = new Map<string, number>();
  const uploads = new Map<string, Buffer>();
  const server = http.createServer((request, response) => {
    log.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    void answer(request, response, options, breaks, uploads);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    breakOnce: (path, afterBytes) => void breaks.set(path, afterBytes),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: HubServerOptions,
  breaks: Map<string, number>,
  uploads: Map<string, Buffer>,
): Promise<void> {
  const { pathname } = new URL(request.url!, "http://localhost");
  const refuse = (status: number): void => void response.writeHead(status).end();
  const signed = pathname.startsWith("/upload/") || request.headers.authorization === `Bearer ${options.token}`;
  if (options.token !== undefined && !signed) return refuse(401);
  const api = `/api/models/${options.repository}`;
  const commits = Object.values(options.revisions);
  const place = { ...options, uploads, commit: commits[0]! };
  if (options.writable === true && (await answerWrite(request, response, place))) return;
  if (pathname.startsWith(`${api}/revision/`)) {
    const name = decodeURIComponent(pathname.slice(`${api}/revision/`.length));
    const commit = options.revisions[name] ?? commits.find((one) => one === name);
    return commit === undefined ? refuse(404) : json(response, { _id: "1", id: options.repository, sha: commit });
  }
  if (commits.some((commit) => pathname === `${api}/tree/${commit}`)) return json(response, tree(options));
  const commit = commits.find((one) => pathname.startsWith(`/${options.repository}/resolve/${one}/`));
  const path = commit === undefined ? "" : pathname.slice(`/${options.repository}/resolve/${commit}/`.length);
  const content = options.files[path];
  if (content === undefined) return refuse(404);
  const limit = breaks.get(path);
  // The first byte alone is a question for the size.
  if (limit !== undefined && request.headers.range !== "bytes=0-0") breaks.delete(path);
  send(response, content, request.headers.range, request.headers.range === "bytes=0-0" ? undefined : limit);
}

function send(
  response: http.ServerResponse,
  content: Buffer,
  range: string | undefined,
  limit: number | undefined,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  const start = Number(from ?? 0);
  const end = to === undefined || to === "" ? content.length : Math.min(Number(to) + 1, content.length);
  const body = content.subarray(start, end);
  response.writeHead(range === undefined ? 200 : 206, {
    etag: '"x"',
    "content-length": body.length,
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
  });
  if (limit === undefined) return void response.end(body);
  response.write(body.subarray(0, limit), () => setTimeout(() => response.destroy(), 50));
}

function tree(options: HubServerOptions): readonly object[] {
  return Object.entries(options.files).map(([path, content]) => {
    const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const announced = options.wrongHash?.[path];
    const entry = { type: "file", path, size: content.length, oid: announced ?? oid };
    return options.large?.(path) === true
      ? { ...entry, lfs: { oid: announced ?? sha256, size: content.length, pointerSize: 134 } }
      : entry;
  });
}

function json(response: http.ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
