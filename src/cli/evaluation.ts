// What `swarr eval` and `swarr compare` share: their flags, the verifier as a grader, progress.

import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { SwarrError } from "../base/errors.ts";
import { DEFAULT_TEMPLATE } from "../data/template.ts";
import type { Grade } from "../evaluate/benchmark.ts";
import type { ProblemSet, TargetEvaluation, TargetEvaluationOptions } from "../evaluate/evaluate-file.ts";
import { MOST_SAMPLES } from "../evaluate/sample.ts";
import { MOST_NEW_TOKENS } from "../generate/sampler.ts";
import { realNumber, temperatureFlag, wholeNumber } from "./flags.ts";
import { createProgress, type Progress } from "./progress.ts";

export interface EvaluationFlags {
  readonly data: string;
  readonly samples?: number;
  readonly temperature?: number;
  readonly topP: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly limit?: number;
  readonly template: string;
  readonly questionField?: string;
  readonly answerField?: string;
}

/** Adds the flags that say what is asked and how. */
export function addEvaluationFlags(command: Command): Command {
  return command
    .requiredOption("--data <file>", "problems with answers, JSON Lines or Parquet; the usual layouts are recognised")
    .option(
      "--samples <K>",
      "responses a problem (default: 1, or what a file of responses holds)",
      wholeNumber(1, MOST_SAMPLES),
    )
    .option("--temperature <T>", "0 is greedy (default: 0 for one sample, 1 for several)", temperatureFlag)
    .option("--top-p <P>", "keep the likeliest tokens that reach this probability", realNumber(Number.MIN_VALUE, 1), 1)
    .option("--seed <S>", "of the samples and the bootstrap", wholeNumber(), 0)
    .option("--max-tokens <N>", "at most this many new tokens", wholeNumber(1, MOST_NEW_TOKENS), 512)
    .option("--limit <N>", "only the first N problems", wholeNumber(1))
    .option(
      "--template <T>",
      "plain, gsm8k, boxed, qwen-math, chat, chat-boxed; text with {question}, or a file of such text",
      DEFAULT_TEMPLATE,
    )
    .option("--question-field <F>", "the column that holds the question")
    .option("--answer-field <F>", "the column that holds the answer");
}

export async function problemSetOf(flags: EvaluationFlags): Promise<ProblemSet> {
  const { openProblemSet } = await import("../evaluate/evaluate-file.ts");
  return openProblemSet(flags.data, mappingOf(flags), flags.limit);
}

export function mappingOf(flags: EvaluationFlags): { readonly questionField?: string; readonly answerField?: string } {
  return {
    ...(flags.questionField === undefined ? {} : { questionField: flags.questionField }),
    ...(flags.answerField === undefined ? {} : { answerField: flags.answerField }),
  };
}

/** Runs `work` with the verifier as the grader; its workers are gone afterwards, whatever happens. */
export async function withVerifier<Result>(work: (grade: Grade) => Promise<Result>): Promise<Result> {
  const { createVerifier } = await import("../verify/verify.ts");
  const verifier = createVerifier({ workers: Math.min(availableParallelism(), 16) });
  try {
    return await work((problem, response) => verifier.grade(problem.answer, response.text));
  } finally {
    await verifier.close();
  }
}

/** How the problems are asked. */
export type Asked = Pick<TargetEvaluationOptions, "template" | "sampling" | "samples" | "seed">;

/**
 * The flags as settings, checked before anything is opened.
 *
 * @param drawn  false when every response is in a file already, whatever the temperature
 */
export async function askedOf(flags: EvaluationFlags, drawn: boolean): Promise<Asked> {
  const { templateFrom } = await import("../data/template.ts");
  const { requireDistinctSamples } = await import("../evaluate/benchmark.ts");
  const samples = flags.samples ?? 1;
  const sampling = {
    temperature: flags.temperature ?? (samples > 1 ? 1 : 0),
    topP: flags.topP,
    maxNewTokens: flags.maxTokens,
  };
  if (drawn) requireDistinctSamples(samples, sampling);
  return {
    template: templateFrom(flags.template),
    sampling,
    ...(flags.samples === undefined ? {} : { samples }),
    seed: flags.seed,
  };
}

/** One target put to the problems, with progress on stderr. */
export async function evaluateWithProgress(
  label: string,
  options: Omit<TargetEvaluationOptions, "onProgress">,
): Promise<TargetEvaluation> {
  const { evaluateTarget } = await import("../evaluate/evaluate-file.ts");
  // An object, because the compiler does not see that a callback sets a variable.
  const shown: { progress: Progress | null } = { progress: null };
  try {
    return await evaluateTarget({
      ...options,
      onProgress(done, total) {
        // Opened at the first call: only then is it known how many samples there are already.
        shown.progress ??= createProgress({ label, total, unit: "samples", done: done - 1 });
        shown.progress.update(done);
      },
    });
  } finally {
    shown.progress?.end();
  }
}

/** A share and its interval for a person: `41.3 % [38.6, 44.0]`. */
export function percent(share: number, interval?: readonly [number, number]): string {
  const shown = (value: number): string => (100 * value).toFixed(1);
  return `${shown(share)} %${interval === undefined ? "" : ` [${shown(interval[0])}, ${shown(interval[1])}]`}`;
}

export function badTarget(what: string, expected: string, fix: string): SwarrError {
  return new SwarrError("BAD_ARGUMENT", { what, expected, fix });
}
