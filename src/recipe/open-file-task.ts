// A task over the files a recipe names: rows through template and tokenizer, answers through the verifier.

import { textDependencies } from "../analyze/dependency.ts";
import { readConversations, readProblems } from "../data/read.ts";
import type { Conversation, Problem } from "../data/record.ts";
import { promptOf, templateFrom, type Template } from "../data/template.ts";
import { fileTask, hasFinalNumber } from "../tasks/file-task.ts";
import type { Graded, Task, TaskExample, TaskProblem, TaskResponse } from "../tasks/task.ts";
import { tokenText } from "../tokens/token-text.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";
import type { RlSettings } from "../stage2-rl/settings.ts";
import { overlongTerm, rewardOf, type Reward } from "../verify/reward.ts";
import { loadReward } from "../verify/reward-module.ts";
import { createVerifier, type Verdict, type Verifier } from "../verify/verify.ts";
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
  const grade = await ownGrade(recipe, verifier);
  const task = fileTask({
    name: data.train ?? data.rl ?? data.test ?? "file",
    seed: recipe.seed,
    examples: conversations.map((row, index) => taskExample(row, String(index), tokenizer)),
    problems,
    tests,
    judge: async (gold, response) => {
      const verdict = await verifier.grade(gold, response);
      return { verdict: verdict.kind, answer: verdict.answer };
    },
    formatWeight: recipe.rl?.formatWeight ?? 0,
    ...(grade === null ? {} : { grade }),
  });
  const textOf = tokenTexts(tokenizer);
  return {
    ...task,
    dependency: (promptIds, responseIds, window) => {
      const ids = [...Array.from(promptIds), ...Array.from(responseIds)];
      return textDependencies({ ids, texts: ids.map(textOf) }, promptIds.length, window);
    },
    close: () => verifier.close(),
  };
}

type Grade = (problem: TaskProblem, response: TaskResponse) => Promise<Graded>;

/** What the recipe's own reward module, or its penalty for length, makes of a response; null where it has neither. */
async function ownGrade({ rewards, rl }: Recipe, verifier: Verifier): Promise<Grade | null> {
  const module = rewards === null ? null : await loadReward(rewards);
  const overlong = rl?.overlong ?? null;
  if (module === null && overlong === null) return null;
  return async (problem, response) => {
    const verdict = await verifier.grade(problem.gold, response.text);
    const maxTokens = rl?.maxNewTokens ?? null;
    const tokens = response.ids.length;
    const { prompt: question, gold } = problem;
    const { total, terms } =
      module !== null
        ? await module.score({ question, gold, response: response.text, verdict, tokens, maxTokens })
        : shaped(verdict, response, rl!);
    return { verdict: verdict.kind, answer: verdict.answer, reward: total, terms };
  };
}

function shaped(verdict: Verdict, response: TaskResponse, rl: RlSettings): Reward {
  const terms: Record<string, number> = { answer: rewardOf(verdict) };
  if (rl.formatWeight !== 0) terms["format"] = hasFinalNumber(response) ? 1 : 0;
  const { overlong } = rl;
  if (overlong !== null) terms["overlong"] = overlongTerm(response.ids.length, rl.maxNewTokens, overlong.bufferTokens);
  const { answer = 0, format = 0, overlong: late = 0 } = terms;
  return { total: answer + rl.formatWeight * format + (overlong?.weight ?? 0) * late, terms };
}

/** The text of single tokens, each worked out once. */
function tokenTexts(tokenizer: Tokenizer): (id: number) => string {
  const known = new Map<number, string>();
  return (id) => {
    const text = known.get(id) ?? tokenText(tokenizer, id) ?? "";
    known.set(id, text);
    return text;
  };
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
  const { text, spans } = tokenizer.chatTemplate().conversation(row.messages, row.learnFrom);
  const first = spans[0]?.start ?? text.length;
  return {
    id,
    prompt: text.slice(0, first),
    response: text.slice(first),
    spans: spans.map(({ start, end }) => ({ start: start - first, end: end - first })),
    closed: true,
  };
}
