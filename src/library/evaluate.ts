// How many problems a model gets right, with intervals: over rows judged by the verifier, or over a task's own tests.

import { promptOf, templateFrom, DEFAULT_TEMPLATE } from "../data/template.ts";
import type { Problem } from "../data/record.ts";
import { evaluateProblems, type Grade } from "../evaluate/benchmark.ts";
import type { EvaluationFigures } from "../evaluate/figures.ts";
import type { Sample } from "../evaluate/sample.ts";
import { samplerSource } from "../evaluate/sampler-source.ts";
import type { Task } from "../tasks/task.ts";
import { createVerifier } from "../verify/verify.ts";
import { workingsOf, type Model } from "./model.ts";
import { problemsOf, requireOne, type ProblemRow, type RowOptions } from "./rows.ts";

export interface EvaluateOptions extends RowOptions {
  /** a JSON Lines or Parquet file, or problems; exactly one of `problems` and `task` is given */
  readonly problems?: string | readonly ProblemRow[];
  /** its test problems, graded by it */
  readonly task?: Task;
  /** responses a problem; default 1 */
  readonly samples?: number;
  /** default 0 (greedy) for one sample, 1 for several */
  readonly temperature?: number;
  /** default 1 */
  readonly topP?: number;
  /** new tokens at most, the end token included; default 512 */
  readonly maxTokens?: number;
  /** names the draws; default 0 */
  readonly seed?: number;
  /** only the first so many problems */
  readonly limit?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The figures of docs/evaluation.md, and every graded response. */
export interface EvaluateResult extends EvaluationFigures {
  /** by problem, then by sample */
  readonly responses: readonly Sample[];
}

/**
 * Samples K responses to every problem and grades each.
 *
 * @throws `BAD_ARGUMENT` for several samples at temperature 0, or unless exactly one of problems and task is given;
 *   `BAD_DATA` naming the row
 */
export async function evaluate(model: Model, options: EvaluateOptions): Promise<EvaluateResult> {
  const { samples = 1, topP = 1, maxTokens = 512, seed = 0, limit, onProgress, signal } = options;
  const workings = workingsOf(model);
  const asked = options.task === undefined ? await askRows(model, options) : askTask(options, options.task);
  try {
    const { figures, samples: responses } = await evaluateProblems({
      problems: asked.problems.slice(0, limit),
      source: samplerSource({
        sampler: workings,
        endIds: model.endIds,
        promptIds: ({ question }) => model.tokenizer.encode(asked.promptText(question)),
        textOf: (ids) => model.tokenizer.decode(ids, { skipSpecialTokens: true }),
      }),
      grade: asked.grade,
      sampling: { temperature: options.temperature ?? (samples > 1 ? 1 : 0), topP, maxNewTokens: maxTokens },
      samples,
      seed,
      ...(onProgress === undefined ? {} : { onSample: (_, done, total) => onProgress(done, total) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { ...figures, responses };
  } finally {
    await asked.close();
  }
}

interface Asked {
  readonly problems: readonly Problem[];
  promptText(question: string): string;
  readonly grade: Grade;
  close(): Promise<void>;
}

async function askRows(model: Model, options: EvaluateOptions): Promise<Asked> {
  requireOne("evaluate", "problems", options.problems, undefined);
  const problems = await problemsOf(options);
  const template = templateFrom(options.template ?? DEFAULT_TEMPLATE);
  const chat = template.kind === "chat" ? model.tokenizer.chatTemplate() : null;
  const verifier = createVerifier();
  return {
    problems,
    promptText: (question) => {
      const prompt = promptOf(template, question);
      if (prompt.kind === "text") return prompt.text;
      return chat === null ? question : chat.prompt(prompt.messages, { addGenerationPrompt: true });
    },
    grade: (problem, response) => verifier.grade(problem.answer, response.text),
    close: () => verifier.close(),
  };
}

/** A task's prompts are whole texts already. */
function askTask(options: EvaluateOptions, task: Task): Asked {
  requireOne("evaluate", "problems", options.problems, task);
  const tests = task.testProblems();
  return {
    problems: tests.map(({ id, prompt, gold }) => ({ id, question: prompt, answer: gold })),
    promptText: (question) => question,
    grade: async ({ id, question, answer: gold }, { text, ids, finishReason }) => {
      const response = { text, ids: ids ?? [], ended: finishReason === "stop" };
      const { verdict, answer } = await task.grade({ id, prompt: question, gold }, response);
      return { kind: verdict, answer, reason: `graded by ${task.name}` };
    },
    close: async () => {},
  };
}
