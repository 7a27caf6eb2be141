// The miniature's task: keep a running total over a list of labelled terms, and write every step down.

import { invariant } from "../base/invariant.ts";
import { randomStream, type RandomStream } from "../base/seeds.ts";
import { gradeTrace, traceDependencies } from "./running-total-trace.ts";
import { RUNNING_TOTAL_ALPHABET, labelOf } from "./running-total-alphabet.ts";
import type { Task, TaskExample, TaskProblem } from "./task.ts";

/** Signed terms, none of them 0, in order; the running total starts at 0 and stays in 0..9. */
export interface RunningTotal {
  readonly terms: readonly number[];
}

export interface RunningTotalOptions {
  readonly seed: number;
  /** test problems; they come from a seed of their own, the same for every `seed` */
  readonly testCount?: number;
  /** chance of a restatement after each step but the last */
  readonly restateProbability?: number;
}

const MIN_TERMS = 4;
const MAX_TERMS = 8;
const HELD_OUT_OF = 16;
const TEST_SEED = 20260611;

/** Draws a problem: 4..8 terms, each next total uniform over the nine others. */
export function drawRunningTotal(stream: RandomStream): RunningTotal {
  const count = MIN_TERMS + stream.integer(MAX_TERMS - MIN_TERMS + 1);
  const terms: number[] = [];
  let total = 0;
  while (terms.length < count) {
    const other = stream.integer(9);
    const next = other < total ? other : other + 1;
    terms.push(next - total);
    total = next;
  }
  return { terms };
}

/** Whether a problem belongs to the test side: one in 16, by a hash of its terms, so that no stage can train on it. */
export function isHeldOut({ terms }: RunningTotal): boolean {
  let hash = 0;
  for (const term of terms) hash = (hash * 31 + (term > 0 ? term : 11 - term) * 7 + 3) % 1000003;
  return hash % HELD_OUT_OF === 0;
}

export function finalTotal({ terms }: RunningTotal): number {
  return terms.reduce((total, term) => total + term, 0);
}

/** `^f+3e+2…a+1=` */
export function promptOf(problem: RunningTotal): string {
  return `^${written(problem.terms, 0)}=`;
}

/**
 * The worked solution: per step `label op d : t op d = t'`, after each step but the last perhaps `[` all that remains `]`,
 * then `#answer`. The end token is not part of it.
 *
 * @param restates asked after each step but the last
 */
export function traceOf({ terms }: RunningTotal, restates: () => boolean): string {
  let trace = "";
  let total = 0;
  for (const [index, term] of terms.entries()) {
    const change = signed(term);
    trace += `${labelOf(terms.length, index)}${change}:${total}${change}=${total + term}`;
    total += term;
    if (index + 1 < terms.length && restates()) trace += `[${written(terms, index + 1)}]`;
  }
  return `${trace}#${total}`;
}

/** The miniature's task; everything it draws is named by seed, purpose and index. */
export function runningTotalTask(options: RunningTotalOptions): Task {
  const { seed, testCount = 512, restateProbability = 0.2 } = options;
  const tests = drawTests(testCount);
  const trainingProblem = (stream: RandomStream): RunningTotal => {
    for (;;) {
      const problem = drawRunningTotal(stream);
      if (!isHeldOut(problem)) return problem;
    }
  };
  return {
    name: "running-total",
    alphabet: RUNNING_TOTAL_ALPHABET,
    example(purpose, index): TaskExample {
      const stream = randomStream({ root: seed, purpose: `${purpose}-problem`, item: index });
      const problem = trainingProblem(stream);
      return {
        id: `${purpose}-${index}`,
        prompt: promptOf(problem),
        response: traceOf(problem, () => stream.uniform() < restateProbability),
      };
    },
    rlProblem: (index) => {
      const stream = randomStream({ root: seed, purpose: "rl-problem", item: index });
      return taskProblem(`rl-${index}`, trainingProblem(stream));
    },
    testProblems: () => tests,
    grade: (problem, response) => gradeTrace(response.ids, problem.gold),
    dependency: traceDependencies,
  };
}

/** Distinct held-out problems from their own fixed seed. */
function drawTests(count: number): readonly TaskProblem[] {
  const stream = randomStream({ root: TEST_SEED, purpose: "running-total-test" });
  const byPrompt = new Map<string, TaskProblem>();
  // The held-out side has far more problems than anyone asks for: 9^8 / 16 with eight terms alone.
  for (let draws = 0; byPrompt.size < count; draws++) {
    invariant(draws < 1000 * count + 1000, `${count} distinct held-out problems are found among ${draws} draws`);
    const problem = drawRunningTotal(stream);
    if (!isHeldOut(problem) || byPrompt.has(promptOf(problem))) continue;
    byPrompt.set(promptOf(problem), taskProblem(`test-${byPrompt.size}`, problem));
  }
  return [...byPrompt.values()];
}

function taskProblem(id: string, problem: RunningTotal): TaskProblem {
  return { id, prompt: promptOf(problem), gold: String(finalTotal(problem)) };
}

function written(terms: readonly number[], from: number): string {
  let text = "";
  for (let i = from; i < terms.length; i++) text += labelOf(terms.length, i) + signed(terms[i]!);
  return text;
}

function signed(term: number): string {
  return term > 0 ? `+${term}` : `-${-term}`;
}
