// What a task is: problems and examples by index, and a grade for a response.

import { SwarrError } from "../base/errors.ts";
import { quote } from "../base/json.ts";

/** The supervised stages; each draws examples of its own. */
export type ExamplePurpose = "pretrain" | "sft" | "more-sft";

/** One supervised example; only the response is trained on. */
export interface TaskExample {
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  /** the parts of the response that are trained on, [start, end) in UTF-16 units; all of it when absent */
  readonly spans?: readonly { readonly start: number; readonly end: number }[];
  /** the response ends with an end token of its own (a chat turn does); when absent the stage adds one */
  readonly closed?: true;
}

/** A question with its gold answer. */
export interface TaskProblem {
  readonly id: string;
  readonly prompt: string;
  readonly gold: string;
}

/** What the model said to a prompt. */
export interface TaskResponse {
  readonly text: string;
  /** the response tokens, the end token included when drawn */
  readonly ids: ArrayLike<number>;
  /** the end token was drawn */
  readonly ended: boolean;
}

export const TASK_VERDICTS = ["right", "wrong", "unreadable", "timeout"] as const;
export type TaskVerdict = (typeof TASK_VERDICTS)[number];

export interface Graded {
  /** what RL maximises */
  readonly reward: number;
  /** the named parts of the reward, before weighting */
  readonly terms: Readonly<Record<string, number>>;
  /** of the final answer alone: accuracy counts "right" */
  readonly verdict: TaskVerdict;
  /** what was read as the answer; null when nothing was */
  readonly answer: string | null;
}

/** Where the tokens of one rollout look things up. Positions index prompt and response together. */
export interface DependencyStats {
  /** one per token that looks back: its position minus that of the latest earlier occurrence */
  readonly distances: readonly number[];
  /** `[from, to]`: the token at `to` looks up the one at `from`; one per distance */
  readonly arcs: readonly (readonly [from: number, to: number])[];
  /** the greatest distance; null when nothing looks back */
  readonly farthest: number | null;
  /** some distance > W: the position that writes the token is one before it, and W counts that position */
  readonly beyondWindow: boolean;
  /** tokens that name what was never written before */
  readonly unseenCount: number;
  /** mean distance over the look-ups that a step of the trace makes; null when there is none */
  readonly meanLookupDistance: number | null;
  /** steps that could have been followed by a restatement; 0 where the task knows no steps */
  readonly stepCount: number;
  /** those that were */
  readonly restatingSteps: number;
}

/** The tokens of a task that has a language of its own; everything else uses the checkpoint's tokenizer. */
export interface TaskAlphabet {
  /** one character each, in id order */
  readonly tokens: readonly string[];
  readonly padId: number;
  readonly bosId: number;
  readonly endId: number;
}

/**
 * Problems and examples are pure functions of the task's seed and an index, so that a run resumes from a cursor alone.
 * Test problems never occur among examples or RL problems.
 */
export interface Task {
  readonly name: string;
  readonly alphabet?: TaskAlphabet;
  /** @param index from 0; a finite data set starts a newly shuffled epoch when it is through */
  example(purpose: ExamplePurpose, index: number): TaskExample;
  /** @param index from 0 */
  rlProblem(index: number): TaskProblem;
  testProblems(): readonly TaskProblem[];
  grade(problem: TaskProblem, response: TaskResponse): Graded | Promise<Graded>;
  /** absent where the task has no measure of its own */
  dependency?(promptIds: ArrayLike<number>, responseIds: ArrayLike<number>, window: number): DependencyStats;
}

/**
 * Makes a task of one's own safe to train on: what it returns is checked on every call.
 *
 * @throws `BAD_ARGUMENT` when the name is empty or there is no test problem; the returned functions throw `BAD_DATA` for an
 *   empty prompt or response and `BAD_REWARD` for a grade that is not one
 */
export function defineTask(task: Task): Task {
  if (task.name.trim() === "") throw badTask("its name is empty", "a name.");
  const tests = task.testProblems().map((problem) => checkedProblem(task.name, problem));
  if (tests.length === 0) throw badTask(`task "${task.name}" has no test problems`, "at least one.");
  const { dependency } = task;
  return {
    name: task.name,
    ...(task.alphabet === undefined ? {} : { alphabet: task.alphabet }),
    example: (purpose, index) => checkedExample(task.name, task.example(purpose, index)),
    rlProblem: (index) => checkedProblem(task.name, task.rlProblem(index)),
    testProblems: () => tests,
    grade: async (problem, response) => checkedGrade(task.name, problem, await task.grade(problem, response)),
    ...(dependency === undefined ? {} : { dependency: (...given) => dependency.apply(task, given) }),
  };
}

function checkedProblem(name: string, problem: TaskProblem): TaskProblem {
  if (problem.prompt !== "") return problem;
  throw badRow(name, problem.id, "an empty prompt");
}

function checkedExample(name: string, example: TaskExample): TaskExample {
  if (example.prompt !== "" && example.response !== "") return example;
  throw badRow(name, example.id, example.prompt === "" ? "an empty prompt" : "an empty response");
}

function checkedGrade(name: string, problem: TaskProblem, graded: Graded): Graded {
  const numbers = { reward: graded.reward, ...graded.terms };
  for (const [term, value] of Object.entries(numbers)) {
    if (!Number.isFinite(value)) throw badGrade(name, problem, `${term} ${quote(value)}`, "a finite number.");
  }
  if (TASK_VERDICTS.includes(graded.verdict)) return graded;
  throw badGrade(name, problem, `verdict ${quote(graded.verdict)}`, `one of ${TASK_VERDICTS.join(", ")}.`);
}

function badTask(what: string, expected: string): SwarrError {
  return new SwarrError("BAD_ARGUMENT", {
    what: `A task cannot be used: ${what}.`,
    expected,
    fix: "Correct the task.",
  });
}

function badRow(name: string, id: string, what: string): SwarrError {
  return new SwarrError("BAD_DATA", {
    what: `Task "${name}" gave ${what} for "${id}".`,
    expected: "text to train on.",
    fix: "Leave the row out of the data.",
  });
}

function badGrade(name: string, problem: TaskProblem, what: string, expected: string): SwarrError {
  return new SwarrError("BAD_REWARD", {
    what: `Task "${name}" graded a response to "${problem.id}" with ${what}.`,
    expected,
    fix: "Correct the task's grade function.",
  });
}
