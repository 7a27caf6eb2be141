// Rows and problems as a library user gives them, files or plain objects, as a task for the stages.

import { SwarrError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { conversationsFromRows } from "../data/conversations.ts";
import type { FieldMapping, Row } from "../data/fields.ts";
import { problemsFromRows } from "../data/problems.ts";
import { readRows } from "../data/read.ts";
import type { Message, Problem } from "../data/record.ts";
import { DEFAULT_TEMPLATE, templateFrom } from "../data/template.ts";
import { taskExample, taskProblem } from "../recipe/open-file-task.ts";
import { fileTask } from "../tasks/file-task.ts";
import type { Graded, Task } from "../tasks/task.ts";
import { checkedScore, type RewardModule } from "../verify/reward-module.ts";
import { rewardOf } from "../verify/reward.ts";
import { createVerifier } from "../verify/verify.ts";
import type { Model } from "./model.ts";

/** One training row; the loss is taken on what the model is to say. */
export type TrainingRow =
  | { readonly prompt: string; readonly completion: string }
  | { readonly prompt: readonly Message[]; readonly completion: readonly Message[] }
  | { readonly messages: readonly Message[] }
  | { readonly question: string; readonly answer: string };

/** A question with its answer: the answer alone, or a worked solution that ends in `#### answer` or `\boxed{answer}`. */
export interface ProblemRow {
  readonly question: string;
  readonly answer: string;
  readonly id?: string;
}

/** How rows become text. */
export interface RowOptions {
  /** how a question becomes a prompt: a built-in name, text with `{question}`, or a file of such text; default "plain" */
  readonly template?: string;
  /** the columns of a file of another layout */
  readonly questionField?: string;
  readonly answerField?: string;
}

/** A task that may hold the verifier's threads. */
export interface OpenedTask {
  readonly task: Task;
  close(): Promise<void>;
}

const NOTHING_TO_CLOSE = async (): Promise<void> => {};

/** A task of one's own, or one over training rows. @throws `BAD_ARGUMENT` unless exactly one is given; `BAD_DATA` */
export async function trainingTask(
  model: Model,
  given: RowOptions & { readonly rows?: string | readonly TrainingRow[]; readonly task?: Task },
  seed: number,
): Promise<Task> {
  const { rows, task } = given;
  requireOne("sft", "rows", rows, task);
  if (task !== undefined) return task;
  const { loaded, where } = await loadRows(rows ?? [], "the training rows");
  const template = templateFrom(given.template ?? DEFAULT_TEMPLATE);
  const conversations = conversationsFromRows(loaded, where, template, mappingOf(given));
  return fileTask({
    name: where,
    seed,
    examples: conversations.map((row, index) => taskExample(row, String(index), model.tokenizer)),
    problems: [],
    tests: [],
    judge: () => ({ verdict: "unreadable", answer: null }),
  });
}

export type ProblemSource = RowOptions & {
  readonly problems?: string | readonly ProblemRow[];
  readonly task?: Task;
  readonly reward?: RewardModule;
};

/** @throws `BAD_DATA` naming row and fault */
export async function problemsOf(given: ProblemSource): Promise<readonly Problem[]> {
  const { loaded, where } = await loadRows(given.problems ?? [], "the problems");
  return problemsFromRows(loaded, where, mappingOf(given));
}

/** A task of one's own, or one over problems that the verifier judges and the reward, where there is one, scores. */
export async function problemTask(
  model: Model,
  given: ProblemSource,
  options: { readonly seed: number; readonly maxTokens: number },
): Promise<OpenedTask> {
  requireOne("rl", "problems", given.problems, given.task);
  if (given.task !== undefined) {
    if (given.reward === undefined) return { task: given.task, close: NOTHING_TO_CLOSE };
    throw new SwarrError("BAD_ARGUMENT", {
      what: "rl: both task and reward are given.",
      expected: "a task, whose grade holds the reward, or problems with a reward.",
      fix: "Leave one of the two out.",
    });
  }
  const template = templateFrom(given.template ?? DEFAULT_TEMPLATE);
  const problems = (await problemsOf(given)).map((problem) => ({
    question: problem.question,
    asked: taskProblem(problem, template, model.tokenizer),
  }));
  const questions = new Map(problems.map(({ question, asked }) => [asked.prompt, question]));
  const verifier = createVerifier();
  const task = fileTask({
    name: typeof given.problems === "string" ? given.problems : "problems",
    seed: options.seed,
    examples: [],
    problems: problems.map(({ asked }) => asked),
    tests: [],
    judge: () => ({ verdict: "unreadable", answer: null }),
  });
  const { reward } = given;
  const grade: Task["grade"] = async ({ prompt, gold }, { text, ids }): Promise<Graded> => {
    const verdict = await verifier.grade(gold, text);
    const judged = { verdict: verdict.kind, answer: verdict.answer };
    if (reward === undefined) {
      const correct = rewardOf(verdict);
      return { ...judged, reward: correct, terms: { correct } };
    }
    const { maxTokens } = options;
    const question = questions.get(prompt) ?? prompt;
    const input = { question, gold, response: text, verdict, tokens: ids.length, maxTokens };
    const { total, terms } = await checkedScore(reward, input, "");
    return { ...judged, reward: total, terms };
  };
  return { task: { ...task, grade }, close: () => verifier.close() };
}

interface LoadedRows {
  readonly loaded: readonly Row[];
  /** names the rows in complaints */
  readonly where: string;
}

async function loadRows(rows: string | readonly object[], purpose: string): Promise<LoadedRows> {
  if (typeof rows === "string") return { loaded: await readRows(rows, purpose), where: rows };
  const loaded = rows.map((value, index) => ({ line: index + 1, value: value as JsonObject }));
  return { loaded, where: purpose };
}

function mappingOf({ questionField, answerField }: RowOptions): FieldMapping {
  return {
    ...(questionField === undefined ? {} : { questionField }),
    ...(answerField === undefined ? {} : { answerField }),
  };
}

/** @throws `BAD_ARGUMENT` unless exactly one of the two is given */
export function requireOne(call: string, name: string, data: unknown, task: Task | undefined): void {
  if ((data === undefined) !== (task === undefined)) return;
  throw new SwarrError("BAD_ARGUMENT", {
    what: `${call}: ${name} and task are ${task === undefined ? "both left out" : "both given"}.`,
    expected: "exactly one of them.",
    fix: `Give ${name}, or a task made by defineTask.`,
  });
}
