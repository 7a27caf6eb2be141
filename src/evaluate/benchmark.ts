// A problem set put to whoever answers: every sample graded as it comes, figures at the end.

import { SwarrError } from "../base/errors.ts";
import { randomStream } from "../base/seeds.ts";
import type { Problem } from "../data/record.ts";
import { evaluationFigures, type EvaluationFigures } from "./figures.ts";
import type { Ask, Response, ResponseSource, SamplingSettings } from "./response-source.ts";
import { inOrder, type Sample } from "./sample.ts";
import type { GradedAnswer } from "./score.ts";

/** What a grader says of one response; a verifier's verdict fits. */
export interface GradedResponse extends GradedAnswer {
  readonly reason: string;
}

export type Grade = (problem: Problem, response: Response) => Promise<GradedResponse> | GradedResponse;

export interface EvaluationOptions {
  readonly problems: readonly Problem[];
  readonly source: ResponseSource;
  readonly grade: Grade;
  readonly sampling: SamplingSettings;
  /** K, samples a problem; 1 unless told */
  readonly samples?: number;
  /** root of every sample's stream and of the bootstrap */
  readonly seed: number;
  /** graded earlier: not asked for again; those beyond `problems` and `samples` are ignored */
  readonly known?: readonly Sample[];
  /** called once for every new sample, after grading, in no fixed order */
  readonly onSample?: (sample: Sample, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface EvaluationResult {
  readonly figures: EvaluationFigures;
  /** by problem, then by sample */
  readonly samples: readonly Sample[];
}

/**
 * Asks for K responses to every problem and grades each as it comes. The same seed gives the same samples whatever the
 * batch, K and the number of problems: raising K or adding problems keeps the samples there were.
 *
 * @throws `BAD_ARGUMENT` for several samples at temperature 0, which would all be the same; whatever source and grader throw
 */
export async function evaluateProblems(options: EvaluationOptions): Promise<EvaluationResult> {
  const samplesEach = options.samples ?? 1;
  requireDistinctSamples(samplesEach, options.sampling);
  const done = knownSamples(options, samplesEach);
  const asks = missingAsks(options, samplesEach, done);
  const total = options.problems.length * samplesEach;
  let failure: { readonly thrown: unknown } | null = null;
  const grading: Promise<void>[] = [];
  const onResponse = (ask: Ask, response: Response): void => {
    const graded = gradedSample(options.grade, ask, response).then(
      (sample) => {
        done.set(keyOf(sample), sample);
        options.onSample?.(sample, done.size, total);
      },
      (thrown: unknown) => {
        failure ??= { thrown };
      },
    );
    grading.push(graded);
    // Thrown here, a grader's failure or Ctrl-C stops the source at its next response.
    if (failure !== null) throw failure.thrown;
    options.signal?.throwIfAborted();
  };
  try {
    if (asks.length > 0) await options.source.respond(asks, options.sampling, onResponse, options.signal);
  } finally {
    // What was answered is graded and reported even when the rest fails, so that a resumed run need not ask again.
    await Promise.all(grading);
  }
  throwFailure(failure);
  const samples = inOrder([...done.values()]);
  return { figures: evaluationFigures(options.problems, samples, options.seed), samples };
}

/** The stream of one sample: a function of the evaluation's seed, the problem's index and the sample alone. */
export function sampleSeed(seed: number, index: number, sample: number): number {
  return randomStream({ root: seed, purpose: "evaluation", item: index, step: sample }).integer(2 ** 31);
}

/** @throws `BAD_ARGUMENT` when several samples are asked for at temperature 0 */
export function requireDistinctSamples(samples: number, sampling: SamplingSettings): void {
  if (samples === 1 || sampling.temperature > 0) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${samples} samples a problem were asked for at temperature 0, where all of them are the same.`,
    expected: "one sample, or a temperature above 0.",
    fix: "Use --samples 1, or --temperature 1.",
  });
}

function knownSamples(options: EvaluationOptions, samplesEach: number): Map<string, Sample> {
  const wanted = (options.known ?? []).filter(
    ({ index, sample }) => index < options.problems.length && sample < samplesEach,
  );
  return new Map(wanted.map((sample) => [keyOf(sample), sample]));
}

/** A problem's samples stand together, so that a sampler runs its prompt once. */
function missingAsks(options: EvaluationOptions, samplesEach: number, done: ReadonlyMap<string, Sample>): Ask[] {
  const asks: Ask[] = [];
  for (const [index, problem] of options.problems.entries()) {
    for (let sample = 0; sample < samplesEach; sample++) {
      if (done.has(keyOf({ index, sample }))) continue;
      asks.push({ index, problem, sample, seed: sampleSeed(options.seed, index, sample) });
    }
  }
  return asks;
}

async function gradedSample(grade: Grade, ask: Ask, response: Response): Promise<Sample> {
  const verdict = await grade(ask.problem, response);
  return {
    index: ask.index,
    id: ask.problem.id,
    sample: ask.sample,
    seed: ask.seed,
    text: response.text,
    tokens: response.tokens,
    finishReason: response.finishReason,
    verdict: verdict.kind,
    answer: verdict.answer,
    reason: verdict.reason,
  };
}

function keyOf({ index, sample }: { readonly index: number; readonly sample: number }): string {
  return `${index}/${sample}`;
}

// A function of its own, because the compiler cannot see that a callback has set the variable.
function throwFailure(failure: { readonly thrown: unknown } | null): void {
  if (failure !== null) throw failure.thrown;
}
