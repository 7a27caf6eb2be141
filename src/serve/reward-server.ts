// The verifier over HTTP on loopback, so that any trainer can use the same judge: JSON in, verdicts and rewards out, in order.

import http from "node:http";
import type { AddressInfo } from "node:net";
import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, parseJson, quote, type JsonObject } from "../base/json.ts";
import type { LoadedReward } from "../verify/reward-module.ts";
import { shapedReward, type Reward, type RewardInput, type RewardSettings } from "../verify/reward.ts";
import type { Verdict } from "../verify/verdict.ts";
import type { Verifier } from "../verify/verify.ts";

export interface RewardServerOptions {
  readonly verifier: Verifier;
  /** 0 takes any free port */
  readonly port: number;
  readonly rewards: RewardSettings;
  /** replaces `rewards` when given */
  readonly custom?: LoadedReward;
}

export interface RewardServer {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_ITEMS = 8192;

/** A request this server cannot serve; the message goes to the client. */
class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Listens on 127.0.0.1 only. @throws `BAD_ARGUMENT` when the port is taken */
export async function startRewardServer(options: RewardServerOptions): Promise<RewardServer> {
  const server = http.createServer((request, response) => {
    answer(request, options).then(
      (document) => send(response, 200, document),
      (thrown: unknown) =>
        send(response, thrown instanceof BadRequest ? thrown.status : 500, { error: messageOf(thrown) }),
    );
  });
  await listening(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: http.IncomingMessage, options: RewardServerOptions): Promise<unknown> {
  // A page in a browser can reach loopback by a name of its own; its Host header gives it away.
  if (!/^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(request.headers.host ?? "")) {
    throw new BadRequest(403, "This server answers on 127.0.0.1 and localhost only.");
  }
  const path = (request.url ?? "/").split("?", 1)[0];
  if (request.method === "GET" && path === "/health") return { status: "ok" };
  if (path !== "/grade") throw new BadRequest(404, "There is POST /grade and GET /health.");
  if (request.method !== "POST") throw new BadRequest(405, "/grade takes POST.");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    throw new BadRequest(415, "The content type must be application/json.");
  }
  const body = asDocument(await bodyOf(request));
  if (!("items" in body)) return gradeItem(itemOf(body, "the request"), 0, options);
  const items = body["items"];
  if (!Array.isArray(items)) throw new BadRequest(400, `"items" is ${quote(items)}; expected an array.`);
  if (items.length > MAX_ITEMS) throw new BadRequest(413, `"items" has ${items.length} entries; at most ${MAX_ITEMS}.`);
  const checked = items.map((item: unknown, index) => itemOf(item, `items[${index}]`));
  return { results: await Promise.all(checked.map((item, index) => gradeItem(item, index, options))) };
}

type Item = Omit<RewardInput, "verdict">;

async function gradeItem(item: Item, index: number, options: RewardServerOptions): Promise<object> {
  const verdict: Verdict = await options.verifier.grade(item.gold, item.response);
  const input: RewardInput = { ...item, verdict };
  const reward: Reward =
    options.custom === undefined ? shapedReward(input, options.rewards) : await options.custom.score(input);
  const { kind, answer: given, reason, milliseconds } = verdict;
  return { index, verdict: kind, answer: given, reason, milliseconds, reward: reward.total, terms: reward.terms };
}

function itemOf(value: unknown, where: string): Item {
  if (!isObject(value)) throw new BadRequest(400, `${where} is ${quote(value)}; expected an object.`);
  const text = (key: string, fallback?: string): string => {
    const found = value[key] ?? fallback;
    if (typeof found !== "string") throw new BadRequest(400, `${where}.${key} is ${quote(found)}; expected a string.`);
    return found;
  };
  const count = (key: string): number | null => {
    const found = value[key] ?? null;
    if (found !== null && !Number.isSafeInteger(found)) {
      throw new BadRequest(400, `${where}.${key} is ${quote(found)}; expected an integer or null.`);
    }
    return found as number | null;
  };
  return {
    gold: text("gold"),
    response: text("prediction"),
    question: text("question", ""),
    tokens: count("tokens"),
    maxTokens: count("maxTokens"),
  };
}

function asDocument(text: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(text, "The request");
  } catch (thrown) {
    throw new BadRequest(400, messageOf(thrown));
  }
  if (!isObject(value)) throw new BadRequest(400, `The request is ${quote(value)}; expected an object.`);
  return value;
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new BadRequest(413, `The request is larger than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: http.ServerResponse, status: number, document: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(document));
}

function listening(server: http.Server, port: number): Promise<void> {
  return new Promise((listen, fail) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      fail(
        new SwarrError(
          "BAD_ARGUMENT",
          {
            what: `Cannot listen on 127.0.0.1:${port}: ${cause.code ?? cause.message}.`,
            expected: "a free port.",
            fix: "Choose another --port; 0 takes any free one.",
          },
          { cause },
        ),
      );
    });
    server.listen(port, "127.0.0.1", () => listen());
  });
}
