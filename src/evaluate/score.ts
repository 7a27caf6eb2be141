// From verdicts to figures: accuracy, pass@k, avg@k and majority@k, as pure functions.

import { invariant } from "../base/invariant.ts";
import { cleanText } from "../verify/clean-text.ts";
import { sameNumbers } from "../verify/numeric.ts";

export type VerdictKind = "right" | "wrong" | "unreadable" | "timeout";

/** What the figures need to know of one graded response. */
export interface GradedAnswer {
  readonly kind: VerdictKind;
  /** the extracted answer; null when there is none */
  readonly answer: string | null;
}

/** Figures by k: k as text, as JSON writes it. */
export type ByK = Readonly<Record<string, number>>;

/** The ks that are reported: 1, 2, 4 … and K itself. */
export function reportedKs(samples: number): readonly number[] {
  const ks: number[] = [];
  for (let k = 1; k < samples; k *= 2) ks.push(k);
  return [...ks, samples];
}

/**
 * The unbiased estimate of the chance that at least one of k samples is right: 1 - C(n-c, k) / C(n, k).
 *
 * @param n  samples drawn
 * @param c  of which right
 * @param k  1 .. n
 * @source Chen et al. (2021), "Evaluating large language models trained on code", equation 1, as a running product
 */
export function passAtK(n: number, c: number, k: number): number {
  invariant(k >= 1 && k <= n && c >= 0 && c <= n, `passAtK(${n}, ${c}, ${k})`);
  if (n - c < k) return 1;
  let allWrong = 1;
  for (let i = 0; i < k; i++) allWrong *= (n - c - i) / (n - i);
  return 1 - allWrong;
}

/** The share of the answers that are right. */
export function meanRight(answers: readonly GradedAnswer[]): number {
  invariant(answers.length > 0, "meanRight of no answers");
  return answers.filter((answer) => answer.kind === "right").length / answers.length;
}

/**
 * Whether the majority of the answers is right.
 *
 * Right answers vote together, for they are all equal to the known answer. A wrong one votes with the first earlier wrong
 * one that is the same plain number (`12`, `12.0`, `$12`) or reads the same without spacing, dollar signs and case.
 * Unreadable and timed-out responses do not vote. Among equally large groups the one whose first vote came first wins.
 * Without a single vote the majority is wrong.
 */
export function majorityRight(answers: readonly GradedAnswer[]): boolean {
  const groups: { readonly vote: Vote; count: number }[] = [];
  for (const answer of answers) {
    const vote = voteOf(answer);
    if (vote === null) continue;
    const group = groups.find((candidate) => together(candidate.vote, vote));
    if (group === undefined) groups.push({ vote, count: 1 });
    else group.count += 1;
  }
  const most = groups.reduce((count, group) => Math.max(count, group.count), 0);
  return groups.find((group) => group.count === most)?.vote.right ?? false;
}

/** The mean over problems of a figure of each problem's answers. */
export function meanOver(
  problems: readonly (readonly GradedAnswer[])[],
  figure: (answers: readonly GradedAnswer[]) => number,
): number {
  return meanOf(problems.map(figure));
}

/** The mean, summed with a running correction (Neumaier), so that thousands of thirds still give the nearest double. */
export function meanOf(values: readonly number[]): number {
  invariant(values.length > 0, "meanOf of no values");
  let sum = 0;
  let correction = 0;
  for (const value of values) {
    const next = sum + value;
    correction += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return (sum + correction) / values.length;
}

/**
 * The figures by k over all problems, each with the same K samples in the order they were drawn: pass@k over all subsets
 * of size k at once (unbiased), avg@k and majority@k over the first k samples.
 */
export function figuresByK(problems: readonly (readonly GradedAnswer[])[]): {
  readonly passAtK: ByK;
  readonly avgAtK: ByK;
  readonly majorityAtK: ByK;
} {
  const samples = problems[0]?.length ?? 0;
  invariant(samples > 0 && problems.every((answers) => answers.length === samples), "figuresByK needs equal counts");
  const byK = (figure: (answers: readonly GradedAnswer[], k: number) => number): ByK =>
    Object.fromEntries(reportedKs(samples).map((k) => [k, meanOver(problems, (answers) => figure(answers, k))]));
  return {
    passAtK: byK((answers, k) => passAtK(samples, answers.filter((answer) => answer.kind === "right").length, k)),
    avgAtK: byK((answers, k) => meanRight(answers.slice(0, k))),
    majorityAtK: byK((answers, k) => (majorityRight(answers.slice(0, k)) ? 1 : 0)),
  };
}

interface Vote {
  readonly right: boolean;
  readonly answer: string;
  /** the answer as it reads */
  readonly reading: string;
}

function voteOf({ kind, answer }: GradedAnswer): Vote | null {
  switch (kind) {
    case "right":
      return { right: true, answer: "", reading: "" };
    case "wrong":
      return answer === null ? null : { right: false, answer, reading: readingOf(answer) };
    case "unreadable":
    case "timeout":
      return null;
    default:
      return kind satisfies never;
  }
}

function readingOf(answer: string): string {
  return cleanText(answer)
    .replace(/[\s$]|\\[,;:! ]/g, "")
    .toLowerCase();
}

function together(a: Vote, b: Vote): boolean {
  if (a.right || b.right) return a.right && b.right;
  return a.reading === b.reading || sameNumbers(a.answer, b.answer) === true;
}
