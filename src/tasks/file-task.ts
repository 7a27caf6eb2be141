// A task over rows of a file: examples and RL problems in seeded epochs, graded by a given judge.

import { SwarrError } from "../base/errors.ts";
import { randomStream, shuffle } from "../base/seeds.ts";
import type { Graded, Task, TaskExample, TaskProblem, TaskResponse, TaskVerdict } from "./task.ts";

/** Whether a response ends in the gold answer (verify/ knows how). */
export type Judge = (gold: string, response: string) => Judged | Promise<Judged>;

export interface Judged {
  readonly verdict: TaskVerdict;
  readonly answer: string | null;
}

export interface FileTaskOptions {
  readonly name: string;
  readonly seed: number;
  /** rows with a worked solution; may be empty when nothing is trained by SFT */
  readonly examples: readonly TaskExample[];
  /** rows with a gold answer, for RL; may be empty when there is no RL */
  readonly problems: readonly TaskProblem[];
  readonly tests: readonly TaskProblem[];
  readonly judge: Judge;
  /** reward for a response that holds `#### number` at all, whatever the number; 0 leaves the reward to the answer alone */
  readonly formatWeight?: number;
  /** replaces judge and format term: what a response is worth is then for it alone to say */
  readonly grade?: (problem: TaskProblem, response: TaskResponse) => Promise<Graded>;
}

/**
 * @throws `CONTAMINATED` when a test prompt is also a training prompt; drawing from an empty list throws `BAD_DATA`
 */
export function fileTask(options: FileTaskOptions): Task {
  const { name, seed, examples, problems, tests, judge, formatWeight = 0 } = options;
  requireUntested(name, [...examples, ...problems], tests);
  const inEpochs = epochs(seed);
  return {
    name,
    example: (purpose, index) =>
      rowAt(examples, inEpochs(purpose, index, examples.length), `${name}: rows with a worked solution`),
    rlProblem: (index) => rowAt(problems, inEpochs("rl", index, problems.length), `${name}: rows with a gold answer`),
    testProblems: () => tests,
    async grade(problem, response): Promise<Graded> {
      if (options.grade !== undefined) return options.grade(problem, response);
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

function rowAt<Row>(rows: readonly Row[], index: number, what: string): Row {
  const row = rows[index];
  if (row !== undefined) return row;
  throw new SwarrError("BAD_DATA", {
    what: `There are no rows to draw from (${what}).`,
    expected: "at least one.",
    fix: "Give another file as data.train, or skip the stage.",
  });
}

type Asked = Pick<TaskProblem, "id" | "prompt">;

function requireUntested(name: string, trained: readonly Asked[], tests: readonly Asked[]): void {
  const tested = new Map(tests.map(({ prompt, id }) => [prompt.trim(), id]));
  const shared = trained.filter(({ prompt }) => tested.has(prompt.trim()));
  const first = shared[0];
  if (first === undefined) return;
  const count = new Set(shared.map(({ prompt }) => prompt.trim())).size;
  throw new SwarrError("CONTAMINATED", {
    what: `${name}: ${count} training prompts are test prompts too; the first is row "${first.id}", test row "${tested.get(first.prompt.trim()) ?? ""}".`,
    expected: "training and test rows with no prompt in common.",
    fix: "Remove those rows from the training file.",
  });
}
