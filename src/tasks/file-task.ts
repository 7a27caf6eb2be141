// A task over rows of a file: examples and RL problems in seeded epochs, graded by a given judge.

import { SwarrError } from "../base/errors.ts";
import { randomStream, shuffle } from "../base/seeds.ts";
import type { Graded, Task, TaskExample, TaskProblem, TaskResponse, TaskVerdict } from "./task.ts";

/** One row of data, read already (data/ knows the layouts). */
export interface FileRow {
  readonly id: string;
  readonly prompt: string;
  /** the worked solution; null where a row has only an answer, which is enough for RL */
  readonly response: string | null;
  readonly gold: string;
}

/** Whether a response ends in the gold answer (verify/ knows how). */
export type Judge = (gold: string, response: string) => Judged | Promise<Judged>;

export interface Judged {
  readonly verdict: TaskVerdict;
  readonly answer: string | null;
}

export interface FileTaskOptions {
  readonly name: string;
  readonly seed: number;
  readonly train: readonly FileRow[];
  readonly test: readonly FileRow[];
  readonly judge: Judge;
  /** reward for a response that holds `#### number` at all, whatever the number; 0 leaves the reward to the answer alone */
  readonly formatWeight?: number;
  /** which training rows RL draws from; all by default */
  readonly forRl?: (row: FileRow) => boolean;
}

/**
 * @throws `BAD_DATA` when there is nothing to train on
 * @throws `CONTAMINATED` when a test prompt is also a training prompt
 */
export function fileTask(options: FileTaskOptions): Task {
  const { name, seed, test, judge, formatWeight = 0 } = options;
  const solved = options.train.filter((row) => row.response !== null);
  const asked = options.train.filter(options.forRl ?? (() => true));
  requireUntested(name, options.train, test);
  const tests = test.map(problemOf);
  const inEpochs = epochs(seed);
  return {
    name,
    example(purpose, index): TaskExample {
      const row = rowAt(solved, inEpochs(purpose, index, solved.length), `${name}: rows with a worked solution`);
      return { id: row.id, prompt: row.prompt, response: row.response ?? "" };
    },
    rlProblem: (index) => problemOf(rowAt(asked, inEpochs("rl", index, asked.length), `${name}: rows for RL`)),
    testProblems: () => tests,
    async grade(problem, response): Promise<Graded> {
      const judged = await judge(problem.gold, response.text);
      const answer = judged.verdict === "right" ? 1 : 0;
      if (formatWeight === 0) return { ...judged, reward: answer, terms: { answer } };
      const format = hasFinalNumber(response) ? 1 : 0;
      return { ...judged, reward: answer + formatWeight * format, terms: { answer, format } };
    },
  };
}

/** GSM8K's closing line, `#### number`, once and last: what comes after it would be a second answer. */
export function hasFinalNumber({ text, ended }: Pick<TaskResponse, "text" | "ended">): boolean {
  const [, last, ...more] = text.split("####");
  return ended && last !== undefined && more.length === 0 && /^\s*-?\$?\d[\d,]*(\.\d+)?\s*$/.test(last);
}

/** Index → row: each epoch is a permutation of its own, named by purpose and epoch; the latest of each purpose is kept. */
function epochs(seed: number): (purpose: string, index: number, size: number) => number {
  const kept = new Map<string, { readonly epoch: number; readonly order: readonly number[] }>();
  return (purpose, index, size) => {
    if (size === 0) return -1;
    const epoch = Math.floor(index / size);
    let current = kept.get(purpose);
    if (current?.epoch !== epoch || current.order.length !== size) {
      const stream = randomStream({ root: seed, purpose: `${purpose}-order`, step: epoch });
      const order = shuffle(
        Array.from({ length: size }, (_, i) => i),
        stream,
      );
      current = { epoch, order };
      kept.set(purpose, current);
    }
    return current.order[index % size]!;
  };
}

function rowAt(rows: readonly FileRow[], index: number, what: string): FileRow {
  const row = rows[index];
  if (row !== undefined) return row;
  throw new SwarrError("BAD_DATA", {
    what: `There are no rows to draw from (${what}).`,
    expected: "at least one.",
    fix: "Give another file as data.train, or skip the stage.",
  });
}

function problemOf({ id, prompt, gold }: FileRow): TaskProblem {
  return { id, prompt, gold };
}

function requireUntested(name: string, train: readonly FileRow[], test: readonly FileRow[]): void {
  const tested = new Map(test.map((row) => [row.prompt.trim(), row.id]));
  const shared = train.filter((row) => tested.has(row.prompt.trim()));
  const first = shared[0];
  if (first === undefined) return;
  throw new SwarrError("CONTAMINATED", {
    what: `${name}: ${shared.length} of ${train.length} training prompts are test prompts too; the first is row "${first.id}", test row "${tested.get(first.prompt.trim()) ?? ""}".`,
    expected: "training and test rows with no prompt in common.",
    fix: "Remove those rows from data.train.",
  });
}
