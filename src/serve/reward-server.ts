// The verifier over HTTP on loopback, so that any trainer can use the same judge: JSON in, verdicts and rewards out, in order.

import type http from "node:http";
import { messageOf } from "../base/errors.ts";
import { isObject, quote } from "../base/json.ts";
import type { LoadedReward } from "../verify/reward-module.ts";
import { shapedReward, type Reward, type RewardInput, type RewardSettings } from "../verify/reward.ts";
import type { Verdict } from "../verify/verdict.ts";
import type { Verifier } from "../verify/verify.ts";
import { Refusal, listenOnLoopback, readJsonObject, requireLocal, sendJson, type LoopbackServer } from "./http.ts";

export interface RewardServerOptions {
  readonly verifier: Verifier;
  /** 0 takes any free port */
  readonly port: number;
  readonly rewards: RewardSettings;
  /** replaces `rewards` when given */
  readonly custom?: LoadedReward;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_ITEMS = 8192;

/** Listens on 127.0.0.1 only. @throws `BAD_ARGUMENT` when the port is taken */
export function startRewardServer(options: RewardServerOptions): Promise<LoopbackServer> {
  return listenOnLoopback(async (request, response) => {
    try {
      sendJson(response, 200, await answer(request, options));
    } catch (thrown) {
      // A reward module that fails is this side's fault, so it is no 400.
      sendJson(response, thrown instanceof Refusal ? thrown.status : 500, { error: messageOf(thrown) });
    }
  }, options.port);
}

async function answer(request: http.IncomingMessage, options: RewardServerOptions): Promise<unknown> {
  requireLocal(request);
  const path = (request.url ?? "/").split("?", 1)[0];
  if (request.method === "GET" && path === "/health") return { status: "ok" };
  if (path !== "/grade") throw new Refusal(404, "There is POST /grade and GET /health.");
  if (request.method !== "POST") throw new Refusal(405, "/grade takes POST.");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    throw new Refusal(415, "The content type must be application/json.");
  }
  const body = await readJsonObject(request, MAX_BODY_BYTES);
  if (!("items" in body)) return gradeItem(itemOf(body, "the request"), 0, options);
  const items = body["items"];
  if (!Array.isArray(items)) throw new Refusal(400, `"items" is ${quote(items)}; expected an array.`);
  if (items.length > MAX_ITEMS) throw new Refusal(413, `"items" has ${items.length} entries; at most ${MAX_ITEMS}.`);
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
  if (!isObject(value)) throw new Refusal(400, `${where} is ${quote(value)}; expected an object.`);
  const text = (key: string, fallback?: string): string => {
    const found = value[key] ?? fallback;
    if (typeof found !== "string") throw new Refusal(400, `${where}.${key} is ${quote(found)}; expected a string.`);
    return found;
  };
  const count = (key: string): number | null => {
    const found = value[key] ?? null;
    if (found !== null && !Number.isSafeInteger(found)) {
      throw new Refusal(400, `${where}.${key} is ${quote(found)}; expected an integer or null.`);
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
