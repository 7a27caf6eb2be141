// A model as the server uses it: prompts to ids, one batch for all responses, log-probs of prompts, names of tokens.

import { messageOf } from "../base/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { createSampler } from "../generate/decode.ts";
import { createDistributions } from "../generate/distributions.ts";
import { createScorer } from "../generate/log-probs.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Weights } from "../tensor/tensor.ts";
import type { ChatTemplate } from "../tokens/chat-template.ts";
import { tokenText } from "../tokens/token-text.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import type { PromptSource } from "./completion-request.ts";
import { Refusal } from "./http.ts";
import { SequenceQueue } from "./sequence-queue.ts";

export interface ServedModelOptions {
  readonly engine: Engine;
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** null: prompts are token ids, and texts are empty */
  readonly tokenizer: Tokenizer | null;
  readonly endIds: readonly number[];
  /** sequences decoded together at most */
  readonly batch?: number;
  /** sequences that may wait */
  readonly queue?: number;
}

export interface TopToken {
  readonly id: number;
  readonly logProb: number;
}

/** One position of a text: its own token's log-prob, and the likeliest tokens there. */
export interface PositionLogProbs {
  readonly id: number;
  readonly logProb: number;
  /** 1 is the likeliest; null where no alternatives were asked for */
  readonly rank: number | null;
  readonly top: readonly TopToken[];
}

const DEFAULTS = { batch: 32, queue: 256 } as const;

export class ServedModel {
  readonly config: ModelConfig;
  readonly endIds: readonly number[];
  readonly queue: SequenceQueue;
  readonly #tokenizer: Tokenizer | null;
  /** or why there is none */
  readonly #template: ChatTemplate | string;
  readonly #scorer: ReturnType<typeof createScorer>;
  readonly #distributions: ReturnType<typeof createDistributions>;
  /** one text is scored at a time: the programs write into their own arrays */
  #scoring: Promise<unknown> = Promise.resolve();

  constructor(options: ServedModelOptions) {
    const { engine, config, weights, tokenizer, batch = DEFAULTS.batch } = options;
    this.config = config;
    this.endIds = options.endIds;
    this.queue = new SequenceQueue(
      createSampler({ engine, config, weights, batch, fixedWeights: true }),
      options.queue ?? DEFAULTS.queue,
    );
    this.#tokenizer = tokenizer;
    this.#template = tokenizer === null ? "The model has no tokenizer." : templateOf(tokenizer);
    this.#scorer = createScorer(engine, config, weights);
    this.#distributions = createDistributions(engine, config, weights);
  }

  /** @throws `Refusal` when the prompt is empty, has unknown ids, or is of a kind the model cannot read */
  idsOf(prompt: PromptSource): readonly number[] {
    const ids = prompt.kind === "ids" ? prompt.ids : this.#encode(prompt);
    const wrong = ids.find((id) => id >= this.config.vocabularySize);
    if (wrong !== undefined) {
      throw new Refusal(
        400,
        `The token id ${wrong} is not below the vocabulary's ${this.config.vocabularySize}.`,
        "prompt",
      );
    }
    if (ids.length === 0)
      throw new Refusal(400, "The prompt has no tokens; this server adds none of its own.", "prompt");
    return ids;
  }

  #encode(prompt: Exclude<PromptSource, { readonly kind: "ids" }>): readonly number[] {
    if (this.#tokenizer === null) throw new Refusal(400, "The model has no tokenizer: send token ids.", "prompt");
    if (prompt.kind === "text") return this.#tokenizer.encode(prompt.text);
    if (typeof this.#template === "string") throw new Refusal(400, this.#template, "messages");
    const { messages, addGenerationPrompt } = prompt;
    return this.#tokenizer.encode(this.#template.prompt(messages, { addGenerationPrompt }));
  }

  get hasChat(): boolean {
    return typeof this.#template !== "string";
  }

  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    return this.#tokenizer?.decode(ids, { skipSpecialTokens }) ?? "";
  }

  /** What the token adds to a text; null for one without a text of its own (part of a character). */
  tokenText(id: number): string | null {
    return this.#tokenizer === null ? null : tokenText(this.#tokenizer, id);
  }

  /** The token as log-probs name it: by its text, else by its id. */
  tokenName(id: number, asId: boolean): string {
    return (asId ? null : this.tokenText(id)) ?? `token_id:${id}`;
  }

  /** Entry i is of ids[i]; the first token has none. With no alternatives asked for, `top` is empty. */
  async promptLogProbs(ids: readonly number[], alternatives: number): Promise<readonly (PositionLogProbs | null)[]> {
    const work = this.#scoring.then(() =>
      alternatives === 0 ? this.#ownLogProbs(ids) : this.#allLogProbs(ids, alternatives),
    );
    this.#scoring = work.catch(() => undefined);
    return work;
  }

  async #ownLogProbs(ids: readonly number[]): Promise<readonly (PositionLogProbs | null)[]> {
    const logProbs = await this.#scorer.logProbs(ids);
    return ids.map((id, i) => (i === 0 ? null : { id, logProb: logProbs[i]!, rank: null, top: [] }));
  }

  async #allLogProbs(ids: readonly number[], alternatives: number): Promise<readonly (PositionLogProbs | null)[]> {
    const positions: (PositionLogProbs | null)[] = [null];
    await this.#distributions.visit(ids, (position, logProbs) => {
      if (position === ids.length) return;
      const id = ids[position]!;
      const logProb = logProbs[id]!;
      const rank = logProbs.reduce((count, each) => count + (each > logProb ? 1 : 0), 1);
      positions.push({ id, logProb, rank, top: topTokens(logProbs, alternatives) });
    });
    return positions;
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.#scoring;
    await this.#scorer.dispose();
    await this.#distributions.dispose();
  }
}

/** The likeliest `count` tokens, the likeliest first; equal ones in the order of their ids. */
export function topTokens(logProbs: Float32Array, count: number): readonly TopToken[] {
  const top: TopToken[] = [];
  for (const [id, logProb] of logProbs.entries()) {
    if (top.length === count && !(logProb > (top.at(-1)?.logProb ?? Infinity))) continue;
    let place = top.length;
    while (place > 0 && top[place - 1]!.logProb < logProb) place -= 1;
    top.splice(place, 0, { id, logProb });
    if (top.length > count) top.pop();
  }
  return top;
}

/** A tokenizer without a usable template says so when asked for it; here that sentence is the answer to who wants to chat. */
function templateOf(tokenizer: Tokenizer): ChatTemplate | string {
  try {
    return tokenizer.chatTemplate();
  } catch (thrown) {
    return messageOf(thrown);
  }
}
