// What a model says to a text: the log-prob of every token, and new tokens after it.

import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { workingsOf, type Model } from "./model.ts";

export interface TokenLogProbs {
  readonly ids: readonly number[];
  /** natural log of each token's probability given those before it; the first is null */
  readonly logprobs: readonly (number | null)[];
}

export interface GenerateOptions {
  /** new tokens at most, the end token included; default 256 */
  readonly maxTokens?: number;
  /** 0 is greedy; default 1 */
  readonly temperature?: number;
  /** draw from the likeliest tokens that reach this probability together; default 1 */
  readonly topP?: number;
  /** names the draws: the same seed gives the same tokens; default 0 */
  readonly seed?: number;
  /** put the prompt through the model's chat template as a user's message; default false */
  readonly chat?: boolean;
  readonly signal?: AbortSignal;
}

export interface Generated {
  /** of the new tokens */
  readonly text: string;
  /** the new tokens, the end token included when drawn */
  readonly ids: readonly number[];
  /** natural log of each new token's probability at temperature 1 and top-p 1 */
  readonly logprobs: readonly number[];
  /** "length" when maxTokens cut it off */
  readonly finishReason: "stop" | "length";
}

/**
 * The log-prob of every token of a text, or of token ids; taken as they stand, no beginning-of-text token is added.
 *
 * @throws `BAD_ARGUMENT` for a text without tokens or an id the model has no row for
 */
export async function logprobs(model: Model, textOrIds: string | readonly number[]): Promise<TokenLogProbs> {
  const ids = idsOf(model, textOrIds);
  const [, ...later] = await workingsOf(model).logProbs(ids);
  return { ids, logprobs: [null, ...later] };
}

/**
 * Samples new tokens after a prompt, a text or token ids.
 *
 * @throws `BAD_ARGUMENT` as `logprobs`, and for settings out of range; `BAD_TOKENIZER` for a chat without a chat template
 */
export async function generate(
  model: Model,
  promptOrIds: string | readonly number[],
  options: GenerateOptions = {},
): Promise<Generated> {
  const { maxTokens: maxNewTokens = 256, temperature = 1, topP = 1, seed = 0, chat = false, signal } = options;
  const workings = workingsOf(model);
  const promptIds = idsOf(model, chat ? chatPrompt(model, promptOrIds) : promptOrIds);
  const [response] = await workings.sample([{ promptIds, maxNewTokens, temperature, topP, seed }], {
    endIds: model.endIds,
    ...(signal === undefined ? {} : { signal }),
  });
  invariant(response !== undefined, "one request has one response");
  const ids = Array.from(response.ids);
  return {
    text: workings.hasTokenizer ? model.tokenizer.decode(ids) : "",
    ids,
    logprobs: Array.from(response.logProbs),
    finishReason: response.finishReason,
  };
}

function chatPrompt(model: Model, prompt: string | readonly number[]): string {
  if (typeof prompt === "string") {
    return model.tokenizer.chatTemplate().prompt([{ role: "user", content: prompt }], { addGenerationPrompt: true });
  }
  throw new SwarrError("BAD_ARGUMENT", {
    what: "chat is asked for with token ids.",
    expected: "a text, which the chat template goes around.",
    fix: "Give the prompt as text, or leave chat out.",
  });
}

function idsOf(model: Model, textOrIds: string | readonly number[]): readonly number[] {
  const ids = typeof textOrIds === "string" ? model.tokenizer.encode(textOrIds) : textOrIds;
  const wrong = ids.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= model.config.vocabularySize);
  if (ids.length > 0 && wrong === undefined) return ids;
  throw new SwarrError("BAD_ARGUMENT", {
    what: wrong === undefined ? "The text has no tokens." : `The token id ${wrong} is given.`,
    expected: `at least one token, each from 0 to ${model.config.vocabularySize - 1}.`,
    fix: "Correct the ids or the text.",
  });
}
