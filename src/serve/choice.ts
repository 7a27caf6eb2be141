// One response of a request, token by token: its text, its log-probs, and why it ended.

import type { DrawnToken } from "../generate/sampler.ts";
import type { CompletionRequest } from "./completion-request.ts";
import { topTokens, type ServedModel, type TopToken } from "./served-model.ts";
import { TextStream } from "./text-stream.ts";

export interface ChoiceToken {
  readonly id: number;
  /** null for the first token of a prompt */
  readonly logProb: number | null;
  readonly top: readonly TopToken[];
  /** where its text begins in the response */
  readonly offset: number;
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly ChoiceToken[];
  readonly finishReason: "stop" | "length";
  /** the stop text or the token id that ended it, where one of the request's own did */
  readonly stopReason: string | number | null;
}

export interface ChoiceOptions {
  readonly index: number;
  readonly promptIds: readonly number[];
  readonly seed: number;
  readonly cancelled: () => boolean;
  /** gets each part of the text with the tokens it took since the last part */
  readonly onPart?: (text: string, tokens: readonly ChoiceToken[]) => void;
}

/** Samples one response through the model's batch. */
export async function sampleChoice(
  model: ServedModel,
  request: CompletionRequest,
  options: ChoiceOptions,
): Promise<Choice> {
  const { index, promptIds, onPart } = options;
  const stream = new TextStream((ids) => model.decode(ids, request.skipSpecialTokens), request.stop);
  const endIds = [...(request.ignoreEnd ? [] : model.endIds), ...request.stopTokenIds];
  const tokens: ChoiceToken[] = [];
  let text = "";
  let told = 0;
  let stopReason: Choice["stopReason"] = null;
  let finishReason: Choice["finishReason"] = "length";
  const give = (part: string): void => {
    text += part;
    if (part === "" && told === tokens.length) return;
    onPart?.(part, tokens.slice(told));
    told = tokens.length;
  };
  const onToken = ({ id, logProb, logProbs }: DrawnToken): boolean => {
    const top = logProbs === null ? [] : topTokens(logProbs, request.logProbs ?? 0);
    tokens.push({ id, logProb, top, offset: stream.length });
    const ended = endIds.includes(id);
    // The token that ends a response is no part of its text.
    if (!ended) give(stream.push(id));
    if (ended && request.stopTokenIds.includes(id)) stopReason = id;
    if (!ended && !stream.stopped) return false;
    stopReason ??= stream.stopText;
    finishReason = "stop";
    return true;
  };
  if (request.maxTokens > 0) {
    const { maxTokens: maxNewTokens, temperature, topP, logProbs } = request;
    const { seed, cancelled } = options;
    const distribution = logProbs !== null && logProbs > 0;
    const sample = { promptIds, maxNewTokens, temperature, topP, seed, distribution };
    await model.queue.run({ request: sample, onToken, cancelled });
  }
  give(stream.end());
  return { index, text, tokens, finishReason, stopReason };
}
