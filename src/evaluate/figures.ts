// From graded samples to the figures of an evaluation: the contract's, and the breakdowns beside them.

import { invariant } from "../base/invariant.ts";
import type { Problem } from "../data/record.ts";
import { accuracyInterval, quantile, type Interval } from "./intervals.ts";
import { inOrder, type Sample } from "./sample.ts";
import { figuresByK, meanOf, meanRight, type ByK, type GradedAnswer, type VerdictKind } from "./score.ts";

/** Accuracy of a part of the problems. */
export interface PartFigures {
  readonly n: number;
  readonly accuracy: number;
  readonly ci95: Interval;
}

export interface LengthFigures {
  readonly median: number;
  readonly p90: number;
  readonly max: number;
  /** mean over right responses, and over all others; null when there are none */
  readonly meanRight: number | null;
  readonly meanNotRight: number | null;
}

export interface EvaluationFigures {
  /** problems */
  readonly n: number;
  /** K, samples a problem */
  readonly samples: number;
  /** mean over problems of the mean over samples */
  readonly accuracy: number;
  readonly ci95: Interval;
  readonly passAtK: ByK;
  readonly avgAtK: ByK;
  readonly majorityAtK: ByK;
  /** mean new tokens a response, the end token included; null when some response has no count */
  readonly meanTokens: number | null;
  /** share of responses cut off by the token limit; null when nobody knows of some response */
  readonly truncated: number | null;
  /** responses by verdict */
  readonly verdicts: Readonly<Record<VerdictKind, number>>;
  /** null when some response has no count */
  readonly tokens: LengthFigures | null;
  /** absent when no problem has a level, or a subject */
  readonly byLevel?: Readonly<Record<string, PartFigures>>;
  readonly bySubject?: Readonly<Record<string, PartFigures>>;
}

/**
 * The figures of samples, K for each problem.
 *
 * @param problems  in the order that the samples' `index` refers to
 * @param seed      of the bootstrap
 */
export function evaluationFigures(
  problems: readonly Problem[],
  samples: readonly Sample[],
  seed: number,
): EvaluationFigures {
  const answers = answersByProblem(problems.length, samples);
  const means = answers.map(meanRight);
  const samplesEach = answers[0]?.length ?? 0;
  const part = (indices: readonly number[]): PartFigures => {
    const partMeans = indices.map((index) => means[index] ?? NaN);
    return { n: indices.length, accuracy: meanOf(partMeans), ci95: accuracyInterval(partMeans, samplesEach, seed) };
  };
  const { accuracy, ci95 } = part([...problems.keys()]);
  const byLevel = partsBy(problems, (problem) => problem.level, part);
  const bySubject = partsBy(problems, (problem) => problem.subject, part);
  const counts = samples.map((sample) => sample.tokens);
  return {
    n: problems.length,
    samples: samplesEach,
    accuracy,
    ci95,
    ...figuresByK(answers),
    meanTokens: allKnown(counts) ? meanOf(counts) : null,
    truncated: truncatedShare(samples),
    verdicts: verdictCounts(samples),
    tokens: allKnown(counts) ? lengthFigures(samples, counts) : null,
    ...(byLevel === undefined ? {} : { byLevel }),
    ...(bySubject === undefined ? {} : { bySubject }),
  };
}

/** The mean verdict of each problem: what two evaluations are compared by. */
export function problemMeans(problemCount: number, samples: readonly Sample[]): readonly number[] {
  return answersByProblem(problemCount, samples).map(meanRight);
}

function answersByProblem(problemCount: number, samples: readonly Sample[]): readonly (readonly GradedAnswer[])[] {
  const answers: GradedAnswer[][] = Array.from({ length: problemCount }, () => []);
  for (const sample of inOrder(samples)) {
    const own = answers[sample.index];
    invariant(own !== undefined, `a sample of problem ${sample.index} among ${problemCount}`);
    own.push({ kind: sample.verdict, answer: sample.answer });
  }
  const empty = answers.findIndex((own) => own.length === 0);
  invariant(empty < 0, `problem ${empty} has no samples`);
  return answers;
}

function partsBy(
  problems: readonly Problem[],
  keyOf: (problem: Problem) => string | undefined,
  part: (indices: readonly number[]) => PartFigures,
): Readonly<Record<string, PartFigures>> | undefined {
  const groups = new Map<string, number[]>();
  for (const [index, problem] of problems.entries()) {
    const key = keyOf(problem);
    if (key === undefined) continue;
    const members = groups.get(key) ?? [];
    members.push(index);
    groups.set(key, members);
  }
  if (groups.size === 0) return undefined;
  const ordered = [...groups].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return Object.fromEntries(ordered.map(([key, indices]) => [key, part(indices)]));
}

function truncatedShare(samples: readonly Sample[]): number | null {
  if (samples.some((sample) => sample.finishReason === null)) return null;
  return samples.filter((sample) => sample.finishReason === "length").length / samples.length;
}

function verdictCounts(samples: readonly Sample[]): Readonly<Record<VerdictKind, number>> {
  const counts = { right: 0, wrong: 0, unreadable: 0, timeout: 0 };
  for (const sample of samples) counts[sample.verdict] += 1;
  return counts;
}

function lengthFigures(samples: readonly Sample[], counts: readonly number[]): LengthFigures {
  const sorted = counts.toSorted((a, b) => a - b);
  const right = counts.filter((_, index) => samples[index]?.verdict === "right");
  const others = counts.filter((_, index) => samples[index]?.verdict !== "right");
  return {
    median: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    max: sorted.at(-1) ?? 0,
    meanRight: right.length === 0 ? null : meanOf(right),
    meanNotRight: others.length === 0 ? null : meanOf(others),
  };
}

function allKnown(counts: readonly (number | null)[]): counts is readonly number[] {
  return counts.every((count) => count !== null);
}
