// A task over the files a recipe names: rows through template and tokenizer, answers through the verifier.

import { readConversations, readProblems } from "../data/read.ts";
import type { Conversation, Problem } from "../data/record.ts";
import { promptOf, templateFrom, type Template } from "../data/template.ts";
import { fileTask, type Judge } from "../tasks/file-task.ts";
import type { Task, TaskExample, TaskProblem } from "../tasks/task.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import { createVerifier } from "../verify/verify.ts";
import type { Recipe, RecipeData } from "./recipe.ts";

type FileData = Extract<RecipeData, { readonly task: "file" }>;

/** A task that may hold workers of a verifier. */
export interface OpenTask extends Task {
  close(): Promise<void>;
}

export async function openFileTask(recipe: Recipe, data: FileData, tokenizer: Tokenizer): Promise<OpenTask> {
  const template = templateFrom(data.template);
  const mapping = {
    ...(data.questionField === null ? {} : { questionField: data.questionField }),
    ...(data.answerField === null ? {} : { answerField: data.answerField }),
  };
  const problemsOf = async (file: string | null): Promise<readonly TaskProblem[]> =>
    file === null
      ? []
      : (await readProblems(file, mapping)).map((problem) => taskProblem(problem, template, tokenizer));
  const conversations =
    (recipe.sft === null && recipe.pretrain === null) || data.train === null
      ? []
      : await readConversations(data.train, template, mapping);
  const problems = recipe.rl === null ? [] : await problemsOf(data.rl ?? data.train);
  const tests = await problemsOf(data.test);
  const verifier = createVerifier();
  const judge: Judge = async (gold, response) => {
    const { kind, answer } = await verifier.grade(gold, response);
    return { verdict: kind, answer };
  };
  const task = fileTask({
    name: data.train ?? data.rl ?? data.test ?? "file",
    seed: recipe.seed,
    examples: conversations.map((row, index) => taskExample(row, String(index), tokenizer)),
    problems,
    tests,
    judge,
    formatWeight: recipe.rl?.formatWeight ?? 0,
  });
  return { ...task, close: () => verifier.close() };
}

/** A problem with its prompt as the model reads it. */
export function taskProblem(problem: Problem, template: Template, tokenizer: Tokenizer): TaskProblem {
  const prompt = promptOf(template, problem.question);
  const text =
    prompt.kind === "text"
      ? prompt.text
      : tokenizer.chatTemplate().prompt(prompt.messages, { addGenerationPrompt: true });
  return { id: problem.id, prompt: text, gold: problem.answer };
}

/** A chat is one text; what comes before the assistant's first span is the prompt. */
export function taskExample(row: Conversation, id: string, tokenizer: Tokenizer): TaskExample {
  if (row.kind === "text") return { id, prompt: row.prompt, response: row.response };
  const { text, spans } = tokenizer.chatTemplate().conversation(row.messages);
  const first = spans[0]?.start ?? text.length;
  return {
    id,
    prompt: text.slice(0, first),
    response: text.slice(first),
    spans: spans.map(({ start, end }) => ({ start: start - first, end: end - first })),
    closed: true,
  };
}
