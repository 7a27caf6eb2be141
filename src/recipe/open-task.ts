// The task that a recipe's `data` names, opened: its own problems, or rows of files behind the same interface.

import { readConversations, readProblems } from "../data/read.ts";
import type { Conversation, Problem } from "../data/record.ts";
import { promptOf, templateFrom, type Template } from "../data/template.ts";
import { fileTask, type Judge } from "../tasks/file-task.ts";
import { runningTotalTask } from "../tasks/running-total.ts";
import type { Task, TaskExample, TaskProblem } from "../tasks/task.ts";
import type { ChatTemplate } from "../tokens/chat-template.ts";
import type { Recipe, RecipeData } from "./recipe.ts";

/** What a task over files needs from the rest of the program. */
export interface TaskParts {
  /** the verifier */
  readonly judge: Judge;
  /** the checkpoint's chat template; asked for only when rows or the prompt template are messages */
  readonly chatTemplate: () => ChatTemplate;
}

/**
 * @throws `FILE_MISSING`, `BAD_DATA` with file and line, `CONTAMINATED` when a test prompt is among the training prompts
 */
export async function openTask(recipe: Recipe, parts: TaskParts): Promise<Task> {
  const { data, seed } = recipe;
  switch (data.task) {
    case "running-total":
      return runningTotalTask({ seed, testCount: data.testCount, restateProbability: data.restateProbability });
    case "file":
      return openFileTask(recipe, data, parts);
    default:
      return data satisfies never;
  }
}

type FileData = Extract<RecipeData, { task: "file" }>;

async function openFileTask(recipe: Recipe, data: FileData, parts: TaskParts): Promise<Task> {
  const template = templateFrom(data.template);
  const mapping = {
    ...(data.questionField === null ? {} : { questionField: data.questionField }),
    ...(data.answerField === null ? {} : { answerField: data.answerField }),
  };
  const supervised = recipe.sft !== null || recipe.pretrain !== null;
  const rlFile = recipe.rl === null ? null : (data.rl ?? data.train);
  const conversations = supervised && data.train !== null ? await readConversations(data.train, template, mapping) : [];
  const asProblems = async (file: string | null, prefix: string): Promise<readonly TaskProblem[]> => {
    const rows = file === null ? [] : await readProblems(file, mapping);
    return rows.map((row) => problemOf(row, prefix, template, parts));
  };
  return fileTask({
    name: data.train ?? data.rl ?? data.test ?? "file",
    seed: recipe.seed,
    examples: conversations.map((row, index) => exampleOf(row, `train-${index}`, parts)),
    problems: await asProblems(rlFile, "rl"),
    tests: await asProblems(data.test, "test"),
    judge: parts.judge,
    formatWeight: recipe.rl?.formatWeight ?? 0,
  });
}

/** A chat is trained on in the assistant's turns alone; its prompt ends where the first of them begins. */
function exampleOf(row: Conversation, id: string, { chatTemplate }: TaskParts): TaskExample {
  if (row.kind === "text") return { id, prompt: row.prompt, response: row.response };
  const { text, spans } = chatTemplate().conversation(row.messages);
  const start = spans[0]?.start ?? text.length;
  const end = spans.at(-1)?.end ?? text.length;
  return {
    id,
    prompt: text.slice(0, start),
    response: text.slice(start, end),
    spans: spans.map((span) => ({ start: span.start - start, end: span.end - start })),
    closed: true,
  };
}

function problemOf(row: Problem, prefix: string, template: Template, { chatTemplate }: TaskParts): TaskProblem {
  const prompt = promptOf(template, row.question);
  return {
    id: `${prefix}-${row.id}`,
    prompt:
      prompt.kind === "text" ? prompt.text : chatTemplate().prompt(prompt.messages, { addGenerationPrompt: true }),
    gold: row.answer,
  };
}
