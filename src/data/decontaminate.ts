// Which evaluation problems occur among training rows: shared n-grams of words, found, named and left out.

import { isObject, type JsonObject } from "../base/json.ts";
import { fieldOf } from "./fields.ts";
import type { Conversation, Problem } from "./record.ts";

/** Words in a run that two texts must share; as in the GPT-3 report's overlap analysis. */
export const DEFAULT_NGRAM_WORDS = 13;
/** Questions with fewer words than this count only when a training prompt is the same question, whole. */
const LEAST_RUN_WORDS = 8;

const PROMPT_FIELDS = ["prompt", "question", "problem", "instruction"] as const;

/** A training row as the check sees it. */
export interface TrainingText {
  /** what the model is asked, for the rule on short questions */
  readonly prompt: string;
  /** everything the model sees */
  readonly text: string;
}

/** One evaluation problem that a training row shares a run of words with. */
export interface Overlap {
  /** the problem's index from 0, and its id */
  readonly problem: number;
  readonly id: string;
  /** the training row's index from 0: of all rows that overlap, the one that covers most of the question */
  readonly row: number;
  /** training rows that overlap */
  readonly rows: number;
  /** share of the question's words that stand in runs shared with that row */
  readonly coverage: number;
  /** the row's prompt is the question, word for word */
  readonly identical: boolean;
  /** the longest shared run, in the normalised spelling of the comparison */
  readonly shared: string;
}

export interface OverlapReport {
  readonly ngramWords: number;
  readonly problems: number;
  readonly trainingRows: number;
  /** by problem */
  readonly overlaps: readonly Overlap[];
  /** training rows that overlap some problem, by index */
  readonly overlappingRows: readonly number[];
}

/**
 * Finds evaluation problems whose question shares a run of `ngramWords` words with a training row. A question shorter than
 * that overlaps where the whole of it occurs in a row (from 8 words on), or is a row's whole prompt (below).
 * Words are letters and digits without case, after compatibility normalisation; operators of arithmetic count as words of
 * their own, other punctuation does not count.
 *
 * @source the 13-word rule: Brown et al. (2020), "Language models are few-shot learners", appendix C
 */
export function findOverlaps(
  problems: readonly Problem[],
  training: readonly TrainingText[],
  ngramWords = DEFAULT_NGRAM_WORDS,
): OverlapReport {
  const questions = problems.map((problem) => wordsOf(problem.question));
  const index = indexOf(questions, ngramWords);
  const best = new Map<number, Overlap>();
  const counts = new Map<number, number>();
  const overlappingRows: number[] = [];
  for (const [row, { prompt, text }] of training.entries()) {
    const hits = hitsIn(wordsOf(text), prompt, index);
    if (hits.size > 0) overlappingRows.push(row);
    for (const [problem, covered] of hits) {
      counts.set(problem, (counts.get(problem) ?? 0) + 1);
      const found = overlapOf(problem, questions[problem] ?? [], covered, row, prompt, problems);
      const earlier = best.get(problem);
      if (earlier === undefined || found.coverage > earlier.coverage || (found.identical && !earlier.identical)) {
        best.set(problem, found);
      }
    }
  }
  const overlaps = [...best.values()]
    .map((overlap) => ({ ...overlap, rows: counts.get(overlap.problem) ?? 0 }))
    .sort((a, b) => a.problem - b.problem);
  return { ngramWords, problems: problems.length, trainingRows: training.length, overlaps, overlappingRows };
}

/** A conversation as the check sees it. */
export function trainingText(row: Conversation): TrainingText {
  if (row.kind === "text") return { prompt: row.prompt, text: `${row.prompt}\n${row.response}` };
  const asked = row.messages.filter((message) => message.role === "user");
  return {
    prompt: asked.map((message) => message.content).join("\n"),
    text: row.messages.map((message) => message.content).join("\n"),
  };
}

/** Any row as the check sees it, whatever its layout: its question or prompt, and every text in it. */
export function rowText(row: JsonObject): TrainingText {
  const asked = PROMPT_FIELDS.map((name) => fieldOf(row, name)).find((value) => typeof value === "string");
  const messages = fieldOf(row, "messages") ?? fieldOf(row, "prompt");
  const list: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const first = list.find((item) => isObject(item) && item["role"] === "user");
  const prompt = asked ?? (isObject(first) ? first["content"] : undefined);
  return { prompt: typeof prompt === "string" ? prompt : "", text: textsIn(row).join("\n") };
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The words that are compared. */
export function wordsOf(text: string): readonly string[] {
  return (
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+|[-+*/^=<>]/gu) ?? []
  );
}

interface Place {
  readonly problem: number;
  /** first word of the run in the question */
  readonly at: number;
}

interface QuestionIndex {
  /** words of the questions → their numbers; a word that no question has ends every run */
  readonly numbers: ReadonlyMap<string, number>;
  /** the questions in word numbers */
  readonly questions: readonly (readonly number[])[];
  /** run length → hash of the run → where it stands */
  readonly runs: ReadonlyMap<number, ReadonlyMap<number, readonly Place[]>>;
  /** short questions, whole */
  readonly whole: ReadonlyMap<string, readonly number[]>;
}

/** The words of each problem that a row covers, by position. */
type Hits = Map<number, Set<number>>;

function indexOf(texts: readonly (readonly string[])[], ngramWords: number): QuestionIndex {
  const numbers = new Map<string, number>();
  const questions = texts.map((words) =>
    words.map((word) => {
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      return number;
    }),
  );
  const runs = new Map<number, Map<number, Place[]>>();
  const whole = new Map<string, number[]>();
  for (const [problem, question] of questions.entries()) {
    if (question.length === 0) continue;
    if (question.length < Math.min(LEAST_RUN_WORDS, ngramWords)) {
      addTo(whole, texts[problem]?.join(" ") ?? "", problem);
      continue;
    }
    const length = Math.min(ngramWords, question.length);
    const ofLength = runs.get(length) ?? new Map<number, Place[]>();
    runs.set(length, ofLength);
    for (const { at, hash } of runHashes(question, length)) addTo(ofLength, hash, { problem, at });
  }
  return { numbers, questions, runs, whole };
}

function addTo<Key, Entry>(map: Map<Key, Entry[]>, key: Key, entry: Entry): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}

/** The 32-bit hash of every run of `length` words without a gap (-1); each follows from the one before it. */
function* runHashes(
  words: readonly number[],
  length: number,
): Generator<{ readonly at: number; readonly hash: number }> {
  const base = 0x01000193;
  let leaving = 1;
  for (let i = 0; i < length; i++) leaving = Math.imul(leaving, base);
  let hash = 0;
  let run = 0;
  for (const [end, word] of words.entries()) {
    if (word < 0) {
      hash = 0;
      run = 0;
      continue;
    }
    hash = (Math.imul(hash, base) + word + 1) | 0;
    run += 1;
    if (run > length) hash = (hash - Math.imul((words[end - length] ?? 0) + 1, leaving)) | 0;
    if (run >= length) yield { at: end - length + 1, hash };
  }
}

function hitsIn(words: readonly string[], prompt: string, index: QuestionIndex): Hits {
  const hits: Hits = new Map();
  const cover = (problem: number, from: number, count: number): void => {
    const covered = hits.get(problem) ?? new Set();
    for (let word = from; word < from + count; word++) covered.add(word);
    hits.set(problem, covered);
  };
  const row = words.map((word) => index.numbers.get(word) ?? -1);
  for (const [length, runs] of index.runs) {
    for (const { at, hash } of runHashes(row, length)) {
      for (const found of runs.get(hash) ?? []) {
        // Equal hashes are a hint; equal words are the finding.
        const question = index.questions[found.problem] ?? [];
        let same = 0;
        while (same < length && question[found.at + same] === row[at + same]) same += 1;
        if (same === length) cover(found.problem, found.at, length);
      }
    }
  }
  if (index.whole.size > 0) {
    const asked = wordsOf(prompt);
    for (const problem of index.whole.get(asked.join(" ")) ?? []) cover(problem, 0, asked.length);
  }
  return hits;
}

function overlapOf(
  problem: number,
  question: readonly string[],
  covered: ReadonlySet<number>,
  row: number,
  prompt: string,
  problems: readonly Problem[],
): Overlap {
  return {
    problem,
    id: problems[problem]?.id ?? String(problem),
    row,
    rows: 1,
    coverage: covered.size / question.length,
    identical: covered.size === question.length && wordsOf(prompt).join(" ") === question.join(" "),
    shared: longestRun(question, covered),
  };
}

function longestRun(question: readonly string[], covered: ReadonlySet<number>): string {
  let best: readonly string[] = [];
  let start = 0;
  for (let word = 0; word <= question.length; word++) {
    if (covered.has(word)) continue;
    if (word - start > best.length) best = question.slice(start, word);
    start = word + 1;
  }
  return best.join(" ");
}
