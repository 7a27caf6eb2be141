// Answers that are announced in words: "the final answer is 5", "so she pays $18", "Answer: B".

const FINAL = /final\s+answer/gi;
const ANNOUNCED =
  /\b(?:the\s+)?(?:correct\s+)?answer\s*(?:is|:|=|was|would be|should be|must be)|\banswer\s*\*\*\s*:?|\bsolutions?\s+(?:is|are)\b/gi;
/** Closing remarks that follow an answer and are no part of it. */
const CLOSING = /(?:I hope (?:it|this) is correct|Note:|Therefore,? the (?:correct )?answer).*$/is;
const REVERSED = /([^.!?\n]+?)\s+is\s+(?:our|the|my)\s+(?:final\s+|correct\s+)?answer\b/i;
/** An answer quoted from somewhere else is not the response's own. */
const QUOTED = /\b(?:reference|gold(?:en)?|ground[- ]truth|expected|example|sample|provided|grader|verdict)\b/i;
const NEGATION = /\b(?:not|isn't|aren't|never|neither|nor|cannot|can't|unknown|unclear|impossible to)\b|n't\b/i;
/** Words that make a number a bound or a part of something else. */
const BOUND =
  /\b(?:at least|at most|less than|more than|greater than|fewer than|between|over|under|either|maybe|perhaps|possibly|or)\b/i;
const LONGEST_ANNOUNCEMENT = 400;
const LONGEST_SENTENCE = 1500;

/**
 * What follows the last "final answer is" that stands behind `after` (the end of the last box); null when there is none.
 * A heading such as "Final Answer" above a box announces the box, not itself.
 */
export function lastFinalAnswer(text: string, after: number): string | null {
  const tail = text.slice(after);
  const starts = [...tail.matchAll(FINAL)].map((match) => match.index + match[0].length);
  const start = starts.at(-1);
  if (start === undefined) return null;
  const rest = tail.slice(start, start + LONGEST_ANNOUNCEMENT);
  const lead = /^\W*?(?:is|was|:|\*\*:?|=)\s*:?/i.exec(rest);
  const value = lead === null ? null : announcedValue(rest.slice(lead[0].length));
  return value === null || value === "" ? null : value;
}

/** What follows the last "the answer is", or stands before "is our answer". */
export function announcedAnswer(text: string): string | null {
  const own = [...text.matchAll(ANNOUNCED)].filter(
    (match) => !QUOTED.test(text.slice(Math.max(0, match.index - 30), match.index)),
  );
  const start = own.map((match) => match.index + match[0].length).at(-1);
  if (start !== undefined) {
    const value = announcedValue(text.slice(start, start + LONGEST_ANNOUNCEMENT));
    if (value !== null && value !== "") return value;
  }
  const reversed = REVERSED.exec(lastSentence(text))?.[1];
  return reversed === undefined ? null : (lastFormula(reversed) ?? null);
}

/** The value in the last sentence: what "is" or "=" leads to, its formulas, or its only number. */
export function finalSentenceAnswer(text: string): string | null {
  const sentence = lastSentence(text);
  return sentence === "" ? null : valueOf(sentence);
}

function announcedValue(rest: string): string | null {
  const text = rest.replace(CLOSING, "").replace(/^[\s:*]+/, "");
  const sentence = firstSentence(text)
    .replace(/^["'`]+|["'`]+$/g, "")
    .trim();
  if (sentence === "" || /^not\b/i.test(sentence)) return null;
  // One formula alone, or text short enough to be the answer itself.
  const formula = /^(?:\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\])$/s.exec(sentence);
  if (formula !== null) return (formula[1] ?? formula[2] ?? formula[3] ?? "").trim();
  return isProse(sentence) ? valueOf(sentence) : sentence;
}

/** The value a sentence ends in. */
function valueOf(sentence: string): string | null {
  if (NEGATION.test(sentence) || QUOTED.test(sentence)) return null;
  const verb = [...sentence.matchAll(/\s(?:is|are|was|equals|be|will be|of)\s|:\s/gi)].at(-1);
  if (verb !== undefined) {
    const rest = sentence.slice(verb.index + verb[0].length).trim();
    if (rest !== "" && !isProse(rest) && /[\d\\$A-Z]/.test(rest)) return rest;
  }
  return lastFormula(sentence) ?? onlyNumber(sentence);
}

/** The last formula of a text, with those before it when only commas and conjunctions part them. */
function lastFormula(text: string): string | null {
  const formulas = [...text.matchAll(/\$\$([^$]+)\$\$|\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]/gs)];
  const last = formulas.at(-1);
  if (last === undefined) return null;
  const contents = [contentOf(last)];
  let start = last.index;
  for (const before of formulas.slice(0, -1).reverse()) {
    const gap = text.slice(before.index + before[0].length, start);
    if (!/^[\s,;]*(?:and|or)?[\s,;]*$/i.test(gap)) break;
    contents.unshift(/\bor\b/i.test(gap) ? `${contentOf(before)} or ` : contentOf(before));
    start = before.index;
  }
  // Behind the formula only a unit or a closing word may follow.
  const behind = text.slice(last.index + last[0].length);
  const formula = contents.join(" , ").replace(/ or {2}, /g, " or ");
  return /\d/.test(behind) ? onlyNumber(behind) : formula;
}

function contentOf(match: RegExpExecArray): string {
  return (match[1] ?? match[2] ?? match[3] ?? match[4] ?? "").trim();
}

/** The last number of a sentence, unless the sentence offers several or bounds it. */
function onlyNumber(sentence: string): string | null {
  if (BOUND.test(sentence)) return null;
  const plain = sentence.replace(/\\?\$/g, " ");
  const numbers = [...plain.matchAll(/-?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?\/\s?\d+)?\s?%?/g)].map((match) =>
    match[0].trim(),
  );
  const last = numbers.at(-1);
  if (last === undefined) return null;
  // "5, 6, 7" is a list, not an answer of 7.
  const listed = new RegExp(
    `\\d\\s*(?:,|;|\\band\\b|\\s)\\s*${last.replace(/[.*+?^$()|[\]\\/]/g, "\\$&")}\\s*[.!]?\\s*$`,
  );
  return numbers.length > 1 && listed.test(plain) ? null : last;
}

/** Up to the first full stop outside formulas. */
function firstSentence(text: string): string {
  let inFormula = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === "$" && text.charAt(i - 1) !== "\\") inFormula = !inFormula;
    if (character === "\n" && text.slice(0, i).trim() !== "" && !inFormula) return text.slice(0, i);
    if (character === "." && !inFormula && /^\.(?:[\s"'*]|$)/.test(text.slice(i, i + 2))) return text.slice(0, i);
  }
  return text;
}

/** The last sentence with anything in it. */
function lastSentence(text: string): string {
  const closed = text
    .slice(-LONGEST_SENTENCE)
    .replace(CLOSING, "")
    .trim()
    .replace(/[.!\s*]+$/, "");
  const breaks = [...closed.matchAll(/[.!?](?=\s)|\n/g)].map((match) => match.index + 1);
  return closed.slice(breaks.at(-1) ?? 0).trim();
}

/** More than a couple of words outside formulas. */
function isProse(text: string): boolean {
  const bare = text.replace(/\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+(?:\{[^{}]*\})?/gs, " ");
  return (bare.match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !/^(?:and|or)$/i.test(word)).length > 2;
}
