// The dashboard's HTTP server: loopback only, read only, no other origin let in; news by server-sent events.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import type { AddressInfo } from "node:net";
import { SwarrError, messageOf } from "../base/errors.ts";
import { routes, type Routes } from "./routes.ts";

export interface DashboardOptions {
  /** a run folder, or a folder that holds some */
  readonly folder: string;
  /** 0 takes any free port */
  readonly port: number;
  /** where the built page lies; the default is beside this file */
  readonly page?: string;
  /** how often run folders are looked at while a page is open */
  readonly pollMs?: number;
}

export interface Dashboard {
  readonly url: string;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** The page runs its own files only, and nobody may frame it. Styles set by script go through the CSSOM, which the policy allows. */
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
} as const;

/**
 * Starts the server; it answers until closed.
 *
 * @throws `FILE_MISSING` when the folder or the built page is missing; `BAD_ARGUMENT` when the port is taken
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  requireFolder(options.folder);
  const page = pageFiles(options.page ?? path.join(import.meta.dirname, "page"));
  const answers = routes(path.resolve(options.folder));
  answers.refresh();
  const stream = newsStream(answers, options.pollMs ?? 1000);
  const server = http.createServer((request, response) => {
    void respond(request, response, { answers, page, stream });
  });
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${port}/`,
    close: () => {
      stream.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Parts {
  readonly answers: Routes;
  readonly page: ReadonlyMap<string, PageFile>;
  readonly stream: NewsStream;
}

async function respond(request: http.IncomingMessage, response: http.ServerResponse, parts: Parts): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const refusal = refusalOf(request);
  if (refusal !== null) {
    sendJson(response, refusal.status, { error: refusal.why });
    return;
  }
  const url = new URL(request.url ?? "/", `http://${HOST}`);
  if (url.pathname === "/api/news") {
    parts.stream.add(response);
    return;
  }
  if (url.pathname.startsWith("/api/")) {
    try {
      const body: unknown = await parts.answers.answer(url.pathname.slice("/api/".length), url.searchParams);
      sendJson(response, 200, body);
    } catch (thrown) {
      sendJson(response, statusOf(thrown), { error: messageOf(thrown) });
    }
    return;
  }
  // Files are looked up among those read at the start: no path of a request ever reaches the disk.
  const file = parts.page.get(url.pathname === "/" ? "/index.html" : url.pathname);
  if (file === undefined) {
    sendJson(response, 404, { error: "There is no such page." });
    return;
  }
  response.writeHead(200, { "Content-Type": file.type });
  response.end(request.method === "HEAD" ? undefined : file.bytes);
}

/** A page of another site can send requests here, or point its own name at this address; neither gets an answer. */
function refusalOf(request: http.IncomingMessage): { readonly status: number; readonly why: string } | null {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, why: "The dashboard only reads: GET and HEAD." };
  }
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  if (host !== HOST && host !== "localhost")
    return { status: 403, why: "The dashboard answers on loopback names only." };
  const site = request.headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site") return { status: 403, why: "Another site asked." };
  return null;
}

function statusOf(thrown: unknown): number {
  if (!(thrown instanceof SwarrError)) return 500;
  return { FILE_MISSING: 404, BAD_ARGUMENT: 400 }[thrown.code as string] ?? 500;
}

function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

interface NewsStream {
  add(response: http.ServerResponse): void;
  close(): void;
}

/** Tells every open page which runs changed. Run folders are looked at only while somebody watches, and on a page's first word. */
function newsStream(answers: Routes, pollMs: number): NewsStream {
  const open = new Set<http.ServerResponse>();
  let timer: NodeJS.Timeout | null = null;
  let beats = 0;
  const tell = (): void => {
    const changed = answers.refresh();
    beats += 1;
    // A comment now and then keeps the connection from looking dead.
    const text =
      changed.length > 0 ? `data: ${JSON.stringify(changed)}\n\n` : beats % 15 === 0 ? ": still here\n\n" : "";
    if (text !== "") for (const response of open) response.write(text);
  };
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  return {
    add(response) {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      // Looked at while nobody watched: the newcomer is the first to hear what changed meanwhile.
      open.add(response);
      response.write(": hello\n\n");
      tell();
      timer ??= setInterval(tell, pollMs);
      response.on("close", () => {
        open.delete(response);
        if (open.size === 0) stop();
      });
    },
    close() {
      stop();
      for (const response of open) response.end();
    },
  };
}

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

function pageFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  const entries = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  for (const entry of entries) {
    const type = TYPES[path.extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    files.set(`/${path.relative(folder, file).split(path.sep).join("/")}`, { type, bytes: fs.readFileSync(file) });
  }
  if (files.has("/index.html")) return files;
  throw new SwarrError("FILE_MISSING", {
    what: `The dashboard's page is not built (${folder} has no index.html).`,
    expected: "the page beside the program.",
    fix: "Run `npm run build` in the checkout, or install the package again.",
  });
}

function requireFolder(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new SwarrError("FILE_MISSING", {
    what: `${folder} is no folder.`,
    expected: "a run folder, or a folder that holds some.",
    fix: "Give the --out of `swarr run` or `swarr demo`, or the folder above several of them.",
  });
}

function listen(server: http.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      const parts = {
        what: `Cannot listen on ${HOST}:${port}: ${taken ? "the port is taken" : messageOf(cause)}.`,
        expected: "a free port.",
        fix: "Give another one with --port, or 0 for any free one.",
      };
      reject(new SwarrError("BAD_ARGUMENT", parts, { cause }));
    });
    server.listen(port, HOST, resolve);
  });
}
