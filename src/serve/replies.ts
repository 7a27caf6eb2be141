// What goes back to the client: the documents of the completions and the chat completions protocol, whole or in chunks.

import type { Choice, ChoiceToken } from "./choice.ts";
import type { CompletionRequest } from "./completion-request.ts";
import type { PositionLogProbs, ServedModel } from "./served-model.ts";
import { TextStream } from "./text-stream.ts";

/** A prompt as it was read, with its log-probs where the request needs them. */
export interface AnsweredPrompt {
  readonly ids: readonly number[];
  readonly positions: readonly (PositionLogProbs | null)[] | null;
}

export interface ReplyHead {
  readonly id: string;
  /** seconds since 1970 */
  readonly created: number;
  /** the name the model is served under */
  readonly name: string;
}

export class Replies {
  readonly #model: ServedModel;
  readonly #request: CompletionRequest;
  readonly #head: ReplyHead;

  constructor(model: ServedModel, request: CompletionRequest, head: ReplyHead) {
    this.#model = model;
    this.#request = request;
    this.#head = head;
  }

  /** The whole answer; choice i belongs to prompt floor(i / n). */
  whole(prompts: readonly AnsweredPrompt[], choices: readonly Choice[]): object {
    const { chat, n } = this.#request;
    return {
      ...this.#frame(chat ? "chat.completion" : "text_completion"),
      choices: choices.map((choice) => {
        const prompt = prompts[Math.floor(choice.index / n)]!;
        const parts = this.#request.echo ? this.#withPrompt(prompt, choice) : choice;
        return {
          index: choice.index,
          ...(chat ? { message: { role: "assistant", content: parts.text } } : { text: parts.text }),
          logprobs: this.#logProbs(parts.tokens),
          finish_reason: choice.finishReason,
          stop_reason: choice.stopReason,
          ...this.#promptLogProbs(prompt),
          ...this.#ids(prompt.ids, choice.tokens),
        };
      }),
      usage: usageOf(prompts, choices),
    };
  }

  /** The first chunk of a choice: the role in a chat, the prompt where it is echoed; null where there is nothing to say. */
  opening(index: number, prompt: AnsweredPrompt): object | null {
    if (this.#request.chat) return this.#chunk(index, { delta: { role: "assistant", content: "" }, logprobs: null });
    if (!this.#request.echo) return null;
    const { text, tokens } = this.#withPrompt(prompt, { text: "", tokens: [] });
    return this.#chunk(index, { text, logprobs: this.#logProbs(tokens) });
  }

  /** @param echoed  length of the text in front of the choice's own */
  part(index: number, text: string, tokens: readonly ChoiceToken[], echoed: number): object {
    const moved = tokens.map((token) => ({ ...token, offset: token.offset + echoed }));
    const content = this.#request.chat ? { delta: { content: text } } : { text };
    return this.#chunk(index, {
      ...content,
      logprobs: this.#logProbs(moved),
      ...(this.#request.tokenIds ? { token_ids: tokens.map(({ id }) => id) } : {}),
    });
  }

  closing({ index, finishReason, stopReason }: Choice): object {
    const content = this.#request.chat ? { delta: {} } : { text: "" };
    return this.#chunk(index, { ...content, logprobs: null, stop_reason: stopReason }, finishReason);
  }

  usage(prompts: readonly AnsweredPrompt[], choices: readonly Choice[]): object {
    return { ...this.#frame(this.#streamed()), choices: [], usage: usageOf(prompts, choices) };
  }

  promptText(prompt: AnsweredPrompt): string {
    return this.#model.decode(prompt.ids, false);
  }

  #chunk(index: number, content: object, finishReason: string | null = null): object {
    return { ...this.#frame(this.#streamed()), choices: [{ index, ...content, finish_reason: finishReason }] };
  }

  #streamed(): string {
    return this.#request.chat ? "chat.completion.chunk" : "text_completion";
  }

  #frame(object: string): object {
    const { id, created, name } = this.#head;
    return { id, object, created, model: name };
  }

  /** The prompt's text and tokens in front of the choice's. */
  #withPrompt(
    prompt: AnsweredPrompt,
    choice: Pick<Choice, "text" | "tokens">,
  ): { readonly text: string; readonly tokens: readonly ChoiceToken[] } {
    const before = this.promptText(prompt);
    const stream = new TextStream((ids) => this.#model.decode(ids, false), []);
    const tokens = prompt.ids.map((id, i): ChoiceToken => {
      const at = stream.length;
      stream.push(id);
      const position = prompt.positions?.[i] ?? null;
      return { id, logProb: position?.logProb ?? null, top: position?.top ?? [], offset: at };
    });
    const moved = choice.tokens.map((token) => ({ ...token, offset: token.offset + before.length }));
    return { text: before + choice.text, tokens: [...tokens, ...moved] };
  }

  #logProbs(tokens: readonly ChoiceToken[]): object | null {
    if (this.#request.logProbs === null) return null;
    return this.#request.chat ? this.#chatLogProbs(tokens) : this.#textLogProbs(tokens);
  }

  #textLogProbs(tokens: readonly ChoiceToken[]): object {
    const name = (id: number): string => this.#model.tokenName(id, this.#request.tokensAsIds);
    return {
      text_offset: tokens.map(({ offset }) => offset),
      token_logprobs: tokens.map(({ logProb }) => logProb),
      tokens: tokens.map(({ id }) => name(id)),
      // Where two tokens have one name the later entry stays: the likelier one, and the token itself above all.
      top_logprobs: tokens.map(({ id, logProb, top }) =>
        logProb === null
          ? null
          : Object.fromEntries([...top.toReversed(), { id, logProb }].map((one) => [name(one.id), one.logProb])),
      ),
    };
  }

  #chatLogProbs(tokens: readonly ChoiceToken[]): object {
    const entry = ({ id, logProb }: { readonly id: number; readonly logProb: number | null }): object => {
      const text = this.#model.tokenText(id);
      const bytes = text === null ? null : [...Buffer.from(text, "utf8")];
      return { token: this.#model.tokenName(id, this.#request.tokensAsIds), logprob: logProb, bytes };
    };
    return { content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.top.map(entry) })) };
  }

  #promptLogProbs({ positions }: AnsweredPrompt): object {
    const wanted = this.#request.promptLogProbs;
    if (wanted === null || positions === null) return {};
    const rows = positions.map((position) => {
      if (position === null) return null;
      const entry = (id: number, logProb: number, rank: number | null): readonly [string, object] => [
        String(id),
        { logprob: logProb, rank, decoded_token: this.#model.tokenName(id, false) },
      ];
      const top = position.top.slice(0, wanted).map(({ id, logProb }, i) => entry(id, logProb, i + 1));
      return Object.fromEntries([...top, entry(position.id, position.logProb, position.rank)]);
    });
    return { prompt_logprobs: rows };
  }

  #ids(promptIds: readonly number[], tokens: readonly ChoiceToken[]): object {
    return this.#request.tokenIds ? { prompt_token_ids: promptIds, token_ids: tokens.map(({ id }) => id) } : {};
  }
}

function usageOf(prompts: readonly AnsweredPrompt[], choices: readonly Choice[]): object {
  const promptTokens = prompts.reduce((total, { ids }) => total + ids.length, 0);
  const completionTokens = choices.reduce((total, { tokens }) => total + tokens.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
