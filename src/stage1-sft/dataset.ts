// Task examples → the sequences of a step: prompt, response, end token, and which of them are trained on.

import { SwarrError } from "../base/errors.ts";
import type { ExamplePurpose, Task, TaskExample } from "../tasks/task.ts";
import type { PackSequence } from "../tokens/pack.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";

export interface BatchOptions {
  readonly purpose: ExamplePurpose;
  /** index of the first example */
  readonly cursor: number;
  /** examples of a step; null where the size is given in tokens */
  readonly batchExamples: number | null;
  /** a step takes examples while they hold fewer tokens than this; null where the size is given in examples */
  readonly batchTokens: number | null;
  /** longer examples are left out and counted; null leaves none out */
  readonly maxTokens: number | null;
  readonly endId: number;
}

export interface ExampleBatch {
  readonly sequences: readonly PackSequence[];
  /** index of the first example of the next step */
  readonly cursor: number;
  readonly tooLong: number;
}

/** How many examples in a row may be left out before the data are refused. */
const MAX_SKIPPED = 10_000;

/**
 * The examples of one step, from `cursor` on.
 *
 * @throws `BAD_DATA` when thousands of examples in a row are too long
 */
export function nextBatch(task: Task, tokenizer: Tokenizer, options: BatchOptions): ExampleBatch {
  const { purpose, batchExamples, batchTokens, maxTokens, endId } = options;
  const sequences: PackSequence[] = [];
  let { cursor } = options;
  let tokens = 0;
  let tooLong = 0;
  while (batchExamples !== null ? sequences.length < batchExamples : tokens < (batchTokens ?? 1)) {
    const sequence = sequenceOf(tokenizer, task.example(purpose, cursor++), endId);
    if (maxTokens === null || sequence.ids.length <= maxTokens) {
      sequences.push(sequence);
      tokens += sequence.ids.length;
    } else if (++tooLong >= MAX_SKIPPED) throw nothingFits(task.name, maxTokens, tooLong);
  }
  return { sequences, cursor, tooLong };
}

/** One example as token ids. A response's parts are tokenised apart, so that no token straddles what is trained on. */
export function sequenceOf(tokenizer: Tokenizer, example: TaskExample, endId: number): PackSequence {
  const { prompt, response, spans, closed } = example;
  const promptIds = tokenizer.encode(prompt);
  const responseIds: number[] = [];
  const trained: number[] = [];
  let done = 0;
  const take = (end: number, mark: number): void => {
    const ids = tokenizer.encode(response.slice(done, end), { after: prompt + response.slice(0, done) });
    for (const id of ids) {
      responseIds.push(id);
      trained.push(mark);
    }
    done = end;
  };
  for (const { start, end } of spans ?? [{ start: 0, end: response.length }]) {
    if (start > done) take(start, 0);
    take(end, 1);
  }
  if (done < response.length) take(response.length, 0);
  if (closed !== true) {
    responseIds.push(endId);
    trained.push(1);
  }
  return { ids: [...promptIds, ...responseIds], promptLength: promptIds.length, trained };
}

function nothingFits(name: string, maxTokens: number, skipped: number): SwarrError {
  return new SwarrError("BAD_DATA", {
    what: `${skipped} examples of "${name}" in a row are longer than ${maxTokens} tokens.`,
    expected: "examples that fit.",
    fix: "Raise sft.maxTokens, or leave the long examples out of the data.",
  });
}
