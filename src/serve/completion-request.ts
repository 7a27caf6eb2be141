// A request of the completions or the chat completions protocol, read and bounded.

import { isObject, type JsonObject } from "../base/json.ts";
import { isTemperature, LEAST_TEMPERATURE, MOST_NEW_TOKENS } from "../generate/sampler.ts";
import type { ChatMessage } from "../tokens/chat-template.ts";
import { Refusal } from "./http.ts";
import { RequestFields, wrong } from "./request-fields.ts";

export type PromptSource =
  | { readonly kind: "ids"; readonly ids: readonly number[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[]; readonly addGenerationPrompt: boolean };

export interface CompletionRequest {
  readonly chat: boolean;
  readonly model: string | null;
  readonly prompts: readonly PromptSource[];
  /** responses a prompt */
  readonly n: number;
  readonly maxTokens: number;
  /** false: maxTokens is the protocol's own, and less will do where the model has less room */
  readonly maxTokensStated: boolean;
  readonly temperature: number;
  readonly topP: number;
  /** null: one of the server's own */
  readonly seed: number | null;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly ignoreEnd: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly echo: boolean;
  /** null: no log-probs; else how many of the likeliest tokens beside each token's own */
  readonly logProbs: number | null;
  /** the same for the prompt, as vLLM gives it */
  readonly promptLogProbs: number | null;
  readonly tokensAsIds: boolean;
  readonly tokenIds: boolean;
  readonly skipSpecialTokens: boolean;
}

export const LIMITS = {
  bodyBytes: 16 << 20,
  /** prompts times responses of one request */
  sequences: 128,
  /** likeliest tokens listed at one position */
  alternatives: 100,
  stops: 16,
  stopLength: 1000,
  temperature: 100,
} as const;

/** As the protocols have it: 16 new tokens where a text is completed; `swarr generate`'s 256 in a chat. */
const MAX_TOKENS = { completion: 16, chat: 256 } as const;

/** @throws `Refusal` naming the field at fault */
export function readCompletionRequest(body: JsonObject, chat: boolean): CompletionRequest {
  const fields = new RequestFields(body);
  const n = fields.integer("n", 1, LIMITS.sequences) ?? 1;
  const prompts = chat ? [readMessages(fields)] : readPrompts(fields.get("prompt"));
  if (prompts.length * n > LIMITS.sequences) {
    throw new Refusal(
      400,
      `${prompts.length} prompts with n = ${n}; expected at most ${LIMITS.sequences} responses.`,
      "n",
    );
  }
  const bestOf = chat ? undefined : fields.integer("best_of", 1, LIMITS.sequences);
  if (bestOf !== undefined && bestOf !== n) throw wrong("best_of", bestOf, `${n}, as n is: none is thrown away here`);
  const stream = fields.flag("stream", false);
  const promptLogProbs = fields.integer("prompt_logprobs", 0, LIMITS.alternatives) ?? null;
  if (stream && promptLogProbs !== null) throw wrong("prompt_logprobs", promptLogProbs, "none in a stream");
  const echo = !chat && fields.flag("echo", false);
  const maxTokens = readMaxTokens(fields, chat, echo || promptLogProbs !== null ? 0 : 1);
  const request = {
    chat,
    model: fields.string("model") ?? null,
    prompts,
    n,
    maxTokens: maxTokens ?? (chat ? MAX_TOKENS.chat : MAX_TOKENS.completion),
    maxTokensStated: maxTokens !== null,
    temperature: readTemperature(fields),
    topP: fields.number("top_p", Number.MIN_VALUE, 1) ?? 1,
    seed: fields.integer("seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? null,
    stop: readStops(fields.get("stop")),
    stopTokenIds: readIds(fields.get("stop_token_ids") ?? [], "stop_token_ids"),
    ignoreEnd: fields.flag("ignore_eos", false),
    stream,
    includeUsage: readStreamOptions(fields.get("stream_options")),
    echo,
    logProbs: readLogProbs(fields, chat),
    promptLogProbs,
    tokensAsIds: fields.flag("return_tokens_as_token_ids", false),
    tokenIds: fields.flag("return_token_ids", false),
    skipSpecialTokens: fields.flag("skip_special_tokens", true),
  };
  fields.refuseOthers();
  return request;
}

/** A chat has two names for it. */
function readMaxTokens(fields: RequestFields, chat: boolean, least: number): number | null {
  const older = fields.integer("max_tokens", least, MOST_NEW_TOKENS);
  const newer = chat ? fields.integer("max_completion_tokens", 1, MOST_NEW_TOKENS) : undefined;
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw wrong("max_tokens", older, `max_completion_tokens's ${newer}, or one of the two alone`);
  }
  return newer ?? older ?? null;
}

function readTemperature(fields: RequestFields): number {
  const temperature = fields.number("temperature", 0, LIMITS.temperature) ?? 1;
  if (isTemperature(temperature)) return temperature;
  throw wrong("temperature", temperature, `0, or a number from ${LEAST_TEMPERATURE} to ${LIMITS.temperature}`);
}

/** A number for texts; in a chat a flag, and the number beside it. */
function readLogProbs(fields: RequestFields, chat: boolean): number | null {
  if (!chat) return fields.integer("logprobs", 0, LIMITS.alternatives) ?? null;
  const count = fields.integer("top_logprobs", 0, LIMITS.alternatives);
  if (fields.flag("logprobs", false)) return count ?? 0;
  if (count !== undefined && count > 0) throw wrong("top_logprobs", count, "logprobs to be true with it");
  return null;
}

function readPrompts(value: unknown): readonly PromptSource[] {
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (!Array.isArray(value) || value.length === 0) {
    throw wrong("prompt", value, "a text, a list of token ids, or a list of either");
  }
  if (typeof value[0] === "number") return [{ kind: "ids", ids: readIds(value, "prompt") }];
  return value.map((one: unknown): PromptSource => {
    if (typeof one === "string") return { kind: "text", text: one };
    return { kind: "ids", ids: readIds(one, "prompt") };
  });
}

function readIds(value: unknown, name: string): readonly number[] {
  if (Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0))
    return value as readonly number[];
  throw wrong(name, value, "a list of token ids");
}

function readMessages(fields: RequestFields): PromptSource {
  const value = fields.get("messages");
  if (!Array.isArray(value) || value.length === 0) throw wrong("messages", value, "a list of messages");
  const messages = value.map((message: unknown, i): ChatMessage => {
    const where = `messages[${i}]`;
    if (!isObject(message)) throw wrong(where, message, "an object with role and content");
    const { role, content, tool_calls: calls } = message;
    if (typeof role !== "string") throw wrong(`${where}.role`, role, "a string");
    const absent = Array.isArray(calls) && calls.length > 0 ? "" : undefined;
    return { ...message, role, content: contentText(content ?? absent, `${where}.content`) };
  });
  return { kind: "chat", messages, addGenerationPrompt: fields.flag("add_generation_prompt", true) };
}

/** A text, or a list of parts that are all texts. */
function contentText(content: unknown, where: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrong(where, content, "a text");
  const parts = content.map((part: unknown) => {
    if (isObject(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
    throw wrong(where, part, "parts of the type text");
  });
  return parts.join("\n");
}

function readStops(value: unknown): readonly string[] {
  const stops: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  const good = (one: unknown): one is string =>
    typeof one === "string" && one !== "" && one.length <= LIMITS.stopLength;
  if (stops.length <= LIMITS.stops && stops.every(good)) return stops;
  throw wrong("stop", value, `at most ${LIMITS.stops} texts of 1 to ${LIMITS.stopLength} characters`);
}

function readStreamOptions(value: unknown): boolean {
  if (value === undefined) return false;
  if (!isObject(value)) throw wrong("stream_options", value, "an object");
  const { include_usage: usage = false, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw wrong("stream_options", value, "include_usage alone");
  if (typeof usage === "boolean") return usage;
  throw wrong("stream_options.include_usage", usage, "true or false");
}
