// Finding the final answer in a response: reasoning set aside, the last box first, then what is announced as the answer.

import { boxesIn, type Box } from "./boxes.ts";
import { announcedAnswer, finalSentenceAnswer, lastFinalAnswer } from "./phrases.ts";
import type { UnreadableReason } from "./verdict.ts";

/** What a response offers as its answer. */
export type Extraction =
  | {
      readonly kind: "found";
      readonly answer: string;
      /** the answers of neighbouring boxes as one list, for questions with several answers; null when there is one box */
      readonly joined: string | null;
      /** the neighbours are joined by nothing but commas, "and" and "or": then the list is the answer, whatever was asked */
      readonly isList: boolean;
      readonly from: "box" | "announcement" | "marker" | "sentence" | "whole";
    }
  | { readonly kind: "none"; readonly why: UnreadableReason; readonly reason: string };

/** Answers longer than this are no answers; every later step is bounded by it. */
export const MAX_ANSWER_CHARACTERS = 4000;
/** A whole response is taken as its answer only when it is short. */
const MAX_WHOLE_CHARACTERS = 400;
const MAX_NESTED_BOXES = 4;
/** Fallbacks look at the end of a response only. */
const TAIL_CHARACTERS = 4000;

const TURN_MARKS =
  /<\|(?:im_start|im_end|endoftext|eot_id|end|user|assistant|begin_of_text|start_header_id)\|>|<\/s>|<eos>|<end_of_turn>/;

/** The answer of a model's response. Time grows linearly with its length. */
export function answerOfResponse(response: string): Extraction {
  const spoken = withoutThinking(response);
  if (spoken === null || (spoken.trim() === "" && response.trim() !== "")) {
    return { kind: "none", why: "thinking-only", reason: "there is nothing after the reasoning" };
  }
  return withinLimit(answerIn(firstTurn(spoken), false));
}

/** The answer of a gold text, which is trusted: an answer alone, or a worked solution that ends in one. */
export function answerOfGold(gold: string): Extraction {
  return withinLimit(answerIn(firstTurn(gold.trim()), true));
}

function answerIn(text: string, trusted: boolean): Extraction {
  const boxes = boxesIn(text);
  const box = boxes.at(-1);
  const stated = lastFinalAnswer(text, box?.end ?? 0);
  if (stated !== null) return found(stated, "announcement");
  const tagged = answerTag(text, box?.end ?? 0);
  if (tagged !== null && boxesIn(tagged).length === 0) return found(tagged, "marker");
  if (box !== undefined) return boxedAnswer(text, boxes, trusted);
  const marked = afterMarker(text);
  if (marked !== null) return found(marked, "marker");
  // A gold text without any mark is the answer itself, however long it is.
  if (trusted) return found(announcedAnswer(text.slice(-TAIL_CHARACTERS)) ?? text, "whole");
  const tail = text.slice(-TAIL_CHARACTERS).trim();
  if (isBareAnswer(tail) && tail.length === text.trim().length) return found(tail, "whole");
  const announced = announcedAnswer(tail) ?? finalSentenceAnswer(tail);
  if (announced !== null) return found(announced, "sentence");
  return { kind: "none", why: "no-answer", reason: "no box, no announced answer and no number at the end" };
}

function boxedAnswer(text: string, boxes: readonly Box[], trusted: boolean): Extraction {
  const box = boxes.at(-1) as Box;
  if (!box.closed && !trusted) return { kind: "none", why: "cut-off", reason: "the last box is not closed" };
  const content = withoutInnerBox(box.content);
  if (content === null) return { kind: "none", why: "no-answer", reason: "the last box holds a box and more" };
  if (content === "") return { kind: "none", why: "empty-box", reason: "the last box is empty" };
  const run = neighbours(text, boxes);
  const contents = [...new Set(run.boxes.map((member) => member.content))].filter((member) => member !== "");
  const joined = contents.join(" , ");
  const several = contents.length > 1 && joined.length <= MAX_ANSWER_CHARACTERS;
  return {
    kind: "found",
    answer: content,
    joined: several ? joined : null,
    isList: run.isList && several,
    from: "box",
  };
}

/** A box around a box says what the inner one says; beside other values nobody can tell. */
function withoutInnerBox(content: string): string | null {
  let outer = content;
  for (let level = 0; level < MAX_NESTED_BOXES; level++) {
    const inner = boxesIn(outer).at(-1);
    if (inner === undefined) return outer;
    const before = outer.slice(0, inner.start).replace(/[\s{$]/g, "");
    const after = outer.slice(inner.end).replace(/[\s}$.]/g, "");
    if ((before !== "" && !before.endsWith("=")) || after !== "") return null;
    outer = inner.content;
  }
  return null;
}

/** The last boxes that stand in one sentence, such as "\boxed{-2} and \boxed{1}". */
function neighbours(text: string, boxes: readonly Box[]): { readonly boxes: readonly Box[]; readonly isList: boolean } {
  const run: Box[] = [boxes.at(-1) as Box];
  let isList = true;
  for (let i = boxes.length - 2; i >= 0 && run.length < 32; i--) {
    const before = boxes[i] as Box;
    const gap = gapText(text.slice(before.end, (run[0] as Box).start));
    if (gap === null) break;
    if (gap !== "") isList = false;
    run.unshift(before);
  }
  return { boxes: run, isList };
}

const LONGEST_GAP = 60;
const CORRECTION =
  /\b(?:wait|no|not|instead|actually|but|correct\w*|sorry|rather|so|thus|hence|therefore|then|check\w*|again|simplif\w*|gives?|equals?|is|becomes?|final\w*|answer)\b|=|\\implies|\\Rightarrow/i;

/** The words between two boxes of one list: "" for a bare conjunction, null when the second box does not continue the first. */
function gapText(gap: string): string | null {
  if (gap.length > LONGEST_GAP || /\n\s*\n|[.!?]\s|[.!?]$/.test(gap)) return null;
  const bare = gap
    .replace(/[a-zA-Z](?:_\{?\w\}?)?\s*=\s*$/, "")
    .replace(/\\(?:quad|qquad|[,;: ]|text(?:bf|rm)?|mathrm|left|right|[()[\]])/g, " ")
    .replace(/[$\s{},;]+/g, " ")
    .trim();
  if (bare === "" && gap.includes("\n")) return null;
  if (/^(?:and|or|,|\band\b \bor\b)?$/i.test(bare)) return "";
  return CORRECTION.test(bare) || /\d/.test(bare) ? null : bare;
}

/** The text after the reasoning; null when the reasoning never ends. */
function withoutThinking(response: string): string | null {
  let from = 0;
  for (const close of response.matchAll(/<\/(?:think|thinking|thought|reasoning)>/gi))
    from = close.index + close[0].length;
  const rest = response.slice(from);
  const open = rest.search(/<(?:think|thinking|thought|reasoning)>/i);
  const spoken = open < 0 ? rest : rest.slice(0, open);
  return open >= 0 && spoken.trim() === "" ? null : spoken;
}

/** A model that goes on to write the next user's turn has finished its own. */
function firstTurn(text: string): string {
  if (!text.includes("<")) return text;
  const lead = /^\s*(?:<\|[a-z_]+\|>\s*(?:assistant\s)?)+/.exec(text.slice(0, 200))?.[0].length ?? 0;
  const end = text.slice(lead).search(TURN_MARKS);
  return end < 0 ? text.slice(lead) : text.slice(lead, lead + end);
}

/** The last <answer>…</answer>, if it comes after the last box. */
function answerTag(text: string, after: number): string | null {
  let from = -1;
  let content: string | null = null;
  for (const tag of text.matchAll(/<(\/?)answer>/gi)) {
    if (tag[1] === "") from = tag.index + tag[0].length;
    else if (from >= after) content = text.slice(from, tag.index).trim();
  }
  return content;
}

/** `#### 18`, and `A: 18` or `Answer: 18` on the last line. */
function afterMarker(text: string): string | null {
  const hashes = text.lastIndexOf("####");
  if (hashes >= 0) return firstLine(text.slice(hashes + 4).replace(/^#+/, ""));
  const tail = text.slice(-TAIL_CHARACTERS).trimEnd();
  const last = tail.slice(tail.lastIndexOf("\n") + 1);
  return /^\s*\**(?:A|Answer|Final Answer)\**\s?:\**\s?(.+)$/i.exec(last)?.[1]?.trim() ?? null;
}

function firstLine(text: string): string {
  return (text.trimStart().split("\n", 1)[0] ?? "").trim();
}

const MATHEMATICAL = /^(?:and|or|sqrt|pi|sin|cos|tan|log|ln|frac)$/i;

/** Short text without sentences: mathematics, or a few words. */
function isBareAnswer(text: string): boolean {
  if (text.length > MAX_WHOLE_CHARACTERS || /\n\s*\n/.test(text)) return false;
  const prose = text
    .replace(/\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]/gs, " ")
    .replace(/\\(?:text|mathrm|mbox|textbf)\s?\{[^{}]*\}/g, " ")
    .replace(/\\(?:begin|end)\s?\{[a-zA-Z*]+\}|\\(?:[a-zA-Z]+|[!,;: ])/g, " ");
  if (/[.!?:]\s+\S/.test(prose)) return false;
  const words = (prose.match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !MATHEMATICAL.test(word));
  // One word may be the answer ("east") or stand behind it ("5 apples"); before a number it is prose ("Thus 5").
  return words.length === 0 || (words.length === 1 && !/[A-Za-z]{2,}\W*\d/.test(prose));
}

function found(answer: string, from: "announcement" | "marker" | "sentence" | "whole"): Extraction {
  const inner = boxesIn(answer);
  const only = inner.length > 0 ? (inner.at(-1) as Box) : null;
  const text = only === null ? withoutMarkdown(answer) : (withoutInnerBox(only.content) ?? "");
  if (text.trim() === "") return { kind: "none", why: "no-answer", reason: "the announced answer is empty" };
  return { kind: "found", answer: text.trim(), joined: null, isList: false, from };
}

/** Without the asterisks, quotes and backticks that set an answer off. */
function withoutMarkdown(answer: string): string {
  return answer.replace(/^(?:\*\*|__|[`"'\s])+|(?:\*\*|__|[`"\s])+$/g, "");
}

function withinLimit(extraction: Extraction): Extraction {
  if (extraction.kind === "none" || extraction.answer.length <= MAX_ANSWER_CHARACTERS) return extraction;
  return { kind: "none", why: "too-long", reason: `the answer has ${extraction.answer.length} characters` };
}
