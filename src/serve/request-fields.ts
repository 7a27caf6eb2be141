// The fields of a completions request, each checked: read, harmless, or refused by name.

import { quote, type JsonObject } from "../base/json.ts";
import { Refusal } from "./http.ts";

/** Fields that ask for something else than plain sampling, with the values that ask for nothing. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  suffix: [""],
  logit_bias: [{}],
  frequency_penalty: [0],
  presence_penalty: [0],
  repetition_penalty: [1],
  length_penalty: [1],
  top_k: [0, -1],
  min_p: [0],
  min_tokens: [0],
  use_beam_search: [false],
  add_special_tokens: [false],
  include_stop_str_in_output: [false],
  spaces_between_special_tokens: [true],
  response_format: [{ type: "text" }],
  tools: [[]],
  tool_choice: ["none", "auto"],
  functions: [[]],
  bad_words: [[]],
  continue_final_message: [false],
  chat_template_kwargs: [{}],
  modalities: [["text"]],
};

/** Fields that change nothing about the answer: the sender's own bookkeeping. */
const INERT = new Set([
  "user",
  "metadata",
  "store",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "request_id",
  "priority",
  "parallel_tool_calls",
]);

/** Reads fields and remembers which, so that the rest can be refused. */
export class RequestFields {
  readonly #body: JsonObject;
  readonly #read = new Set<string>();

  constructor(body: JsonObject) {
    this.#body = body;
  }

  /** null and absent are the same in this protocol. */
  get(name: string): unknown {
    this.#read.add(name);
    return this.#body[name] ?? undefined;
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.get(name);
    if (value === undefined) return absent;
    if (typeof value === "boolean") return value;
    throw wrong(name, value, "true or false");
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw wrong(name, value, `an integer from ${least} to ${most}`);
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw wrong(name, value, `a number from ${least} to ${most}`);
  }

  string(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "string") return value;
    throw wrong(name, value, "a string");
  }

  /** @throws `Refusal` naming the first field that is neither read, nor inert, nor set to what asks for nothing */
  refuseOthers(): void {
    for (const [name, value] of Object.entries(this.#body)) {
      if (this.#read.has(name) || INERT.has(name) || value === null) continue;
      const neutral = Object.hasOwn(NEUTRAL, name) ? NEUTRAL[name] : undefined;
      if (neutral === undefined) throw new Refusal(400, `This server does not know the field "${name}".`, name);
      if (neutral.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
      const allowed = neutral.map((one) => JSON.stringify(one)).join(" or ");
      throw new Refusal(
        400,
        `${name} is ${quote(value)}; this server does without it and takes only ${allowed}.`,
        name,
      );
    }
  }
}

export function wrong(name: string, value: unknown, expected: string): Refusal {
  return new Refusal(400, `${name} is ${quote(value)}; expected ${expected}.`, name);
}
