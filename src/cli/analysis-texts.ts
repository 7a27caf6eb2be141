// What `swarr analyze` measures: rows of a data file, a file of rollouts, or everything a run folder holds, as token ids.

import fs from "node:fs";
import path from "node:path";
import { lookBackDistances } from "../analyze/dependency.ts";
import type { MeasuredText } from "../analyze/gap.ts";
import { speaksRunningTotal, termDistances } from "../analyze/term-distances.ts";
import { SwarrError } from "../base/errors.ts";
import type { Checkpoint } from "../checkpoint/load.ts";
import { conversationsFromRows } from "../data/conversations.ts";
import type { FieldMapping } from "../data/fields.ts";
import { readRows } from "../data/read.ts";
import type { Template } from "../data/template.ts";
import { taskExample } from "../recipe/open-file-task.ts";
import { readRecipe } from "../recipe/read.ts";
import { openTask } from "../recipe/task.ts";
import type { ArmName, StageName } from "../run/events.ts";
import { readRollouts, rolloutFiles, type RolloutFile, type RolloutRecord } from "../run/rollouts.ts";
import { sequenceOf } from "../stage1-sft/dataset.ts";
import { endIdOf } from "../tokens/end-id.ts";
import type { PackSequence } from "../tokens/pack.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";

/** Texts of one origin. */
export interface TextSet {
  readonly name: string;
  readonly texts: readonly MeasuredText[];
  /** the row each text came from, for writing a part of them; absent where there is no file of them */
  readonly rows?: readonly unknown[];
  /** of each text: whether its answer is right; absent where nobody graded */
  readonly right?: readonly boolean[];
  /** the RL step they were sampled in; absent for the responses of an evaluation and for data */
  readonly step?: { readonly arm: ArmName; readonly step: number };
  /** rollouts whose token texts name no tokens for certain: tokenised anew */
  readonly retokenised?: number;
}

/** Training rows, prompt and response as the SFT stage would see them. */
export async function textsOfData(
  file: string,
  checkpoint: Checkpoint,
  options: { readonly template: Template; readonly mapping: FieldMapping; readonly limit?: number },
): Promise<TextSet> {
  const rows = (await readRows(file, "the training rows")).slice(0, options.limit);
  const conversations = conversationsFromRows(rows, file, options.template, options.mapping);
  const endId = endIdOf(checkpoint, checkpoint.folder);
  const texts = conversations.map((row, index) => {
    const example = taskExample(row, String(index), checkpoint.tokenizer);
    return textOf(sequenceOf(checkpoint.tokenizer, example, endId), checkpoint.tokenizer);
  });
  return { name: file, texts, rows: rows.map(({ value }) => value) };
}

export function textsOfRollouts(file: string, name: string, checkpoint: Checkpoint, limit?: number): TextSet {
  const records = readRollouts(file).slice(0, limit);
  if (records.length === 0) {
    throw new SwarrError("BAD_DATA", {
      what: `${file} has no rollouts.`,
      expected: "a file of the folder rollouts/ of a run.",
      fix: "Check that this is the right file.",
    });
  }
  const { idsOf, uncertain } = rolloutIds(checkpoint);
  const texts = records.map((record) => textOf(idsOf(record), checkpoint.tokenizer));
  return {
    name,
    texts,
    rows: records,
    right: records.map(({ verdict }) => verdict === "right"),
    retokenised: uncertain(),
  };
}

/** Examples of the SFT stage that stand for its data. */
const SFT_EXAMPLES = 512;
/** Rollouts that stand for an RL step. */
const STEP_ROLLOUTS = 64;

const STAGE_PHRASE: Readonly<Record<StageName, string>> = {
  pretrain: "after pretraining",
  base: "base",
  sft: "after SFT",
  "more-sft": "after more SFT",
  rl: "after RL",
};

/** The windowed arm first, evaluations in the order of the stages, then RL steps. */
function byArmAndStage(a: RolloutFile, b: RolloutFile): number {
  const stages = Object.keys(STAGE_PHRASE);
  const place = ({ step, finalStage }: RolloutFile): number =>
    step ?? stages.indexOf(finalStage ?? "base") - stages.length;
  return b.arm.localeCompare(a.arm) || place(a) - place(b);
}

/** A run's SFT data, the responses of its evaluations, and the rollouts of its RL steps. */
export async function textsOfRun(
  folder: string,
  checkpoint: Checkpoint,
  report: (line: string) => void,
  limit?: number,
): Promise<readonly TextSet[]> {
  const sets = [await sftTexts(folder, checkpoint, report, limit)].filter((set) => set !== null);
  for (const { arm, step, finalStage, path: file } of rolloutFiles(folder).toSorted(byArmAndStage)) {
    const name = `${arm.toUpperCase()} ${step === null ? STAGE_PHRASE[finalStage ?? "base"] : `RL step ${step}`}`;
    const most = step === null ? limit : Math.min(limit ?? Infinity, STEP_ROLLOUTS);
    const set = textsOfRollouts(file, name, checkpoint, most);
    sets.push(step === null ? set : { ...set, step: { arm, step } });
  }
  if (sets.some(({ rows }) => rows !== undefined)) return sets;
  throw new SwarrError("BAD_DATA", {
    what: `${folder} has no rollouts.`,
    expected: "a run folder with rollouts/, or a file of them.",
    fix: "Give the folder of a run that has come to an evaluation or an RL step.",
  });
}

async function sftTexts(
  folder: string,
  checkpoint: Checkpoint,
  report: (line: string) => void,
  limit = SFT_EXAMPLES,
): Promise<TextSet | null> {
  const file = path.join(folder, "recipe.yaml");
  if (!fs.existsSync(file)) return null;
  const recipe = readRecipe(file);
  if (recipe.sft === null) return null;
  if (recipe.data.task === "file" && !fs.existsSync(recipe.data.train ?? "")) {
    report(`The SFT data are left out: ${recipe.data.train ?? "the training file"} is not here.`);
    return null;
  }
  const endId = endIdOf(checkpoint, checkpoint.folder);
  const task = await openTask(recipe, checkpoint.tokenizer);
  try {
    const texts = Array.from({ length: limit }, (_, index) => {
      const sequence = sequenceOf(checkpoint.tokenizer, task.example("sft", index), endId);
      return textOf(sequence, checkpoint.tokenizer);
    });
    return { name: "SFT data", texts };
  } finally {
    await task.close();
  }
}

function textOf(sequence: PackSequence, tokenizer: Tokenizer): MeasuredText {
  const { promptLength, trained } = sequence;
  const ids = Array.from(sequence.ids);
  const distances = speaksRunningTotal(tokenizer)
    ? termDistances(ids)
    : lookBackDistances({ ids, texts: ids.map(spellerOf(tokenizer)) });
  return { ids, promptLength, distances, ...(trained === undefined ? {} : { counted: Array.from(trained) }) };
}

const SPELLERS = new WeakMap<Tokenizer, (id: number) => string>();

/** The text of single tokens, each decoded once. */
export function spellerOf(tokenizer: Tokenizer): (id: number) => string {
  const made = SPELLERS.get(tokenizer);
  if (made !== undefined) return made;
  const known = new Map<number, string>();
  const spell = (id: number): string => {
    const text = known.get(id) ?? tokenizer.decode([id], { skipSpecialTokens: false });
    known.set(id, text);
    return text;
  };
  SPELLERS.set(tokenizer, spell);
  return spell;
}

/**
 * Rollout files keep the text of each token. The response's own text is tokenised first; where that does not give the same
 * token texts (a sampled response need not be spelled the shortest way) each text is looked up by itself, and where a text
 * names no token for certain (a part of a character) the first spelling is kept and counted.
 */
function rolloutIds({ tokenizer, endIds }: Checkpoint): {
  readonly idsOf: (record: RolloutRecord) => PackSequence;
  readonly uncertain: () => number;
} {
  const spell = spellerOf(tokenizer);
  let byText: Map<string, number> | null = null;
  let uncertain = 0;
  const idOf = (text: string): number | undefined => {
    byText ??= new Map(
      Array.from({ length: tokenizer.size }, (_, i) => tokenizer.size - 1 - i).map((id) => [spell(id), id]),
    );
    return text === "" || text.includes("\ufffd") ? undefined : byText.get(text);
  };
  const responseIds = ({ response, tokens, finishReason }: RolloutRecord): readonly number[] => {
    const end = finishReason === "stop" ? endIds.filter((id) => spell(id) === tokens.at(-1)).slice(0, 1) : [];
    const whole = [...tokenizer.encode(response), ...end];
    if (whole.length === tokens.length && whole.every((id, i) => spell(id) === tokens[i])) return whole;
    const single = tokens.map(idOf);
    if (single.every((id) => id !== undefined)) return single;
    uncertain += 1;
    return whole;
  };
  return {
    idsOf: (record) => {
      const prompt = tokenizer.encode(record.prompt);
      return { ids: [...prompt, ...responseIds(record)], promptLength: prompt.length };
    },
    uncertain: () => uncertain,
  };
}
