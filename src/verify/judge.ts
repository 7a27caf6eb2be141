// One response judged against one gold answer: what is settled at once, and what needs the reader of mathematics.

import { closedForm, isCalculus } from "./algebra.ts";
import { leafOf, type Leaf } from "./answer.ts";
import { cleanText, isDisguised } from "./clean-text.ts";
import { sameText } from "./compare-text.ts";
import { Steps } from "./evaluate.ts";
import { answerOfGold, answerOfResponse } from "./extract.ts";
import { sameNumbers } from "./numeric.ts";
import { Refused } from "./rational.ts";
import { readAnswer } from "./read-answer.ts";
import { sameLeaf } from "./same-answer.ts";
import { shown, unreadable, type Judgement } from "./verdict.ts";

/** A comparison that is left after extraction: small, bounded, and safe to hand to another thread. */
export interface Comparison {
  readonly gold: string;
  /** readings of the response, any of which may agree: the last box, or the last boxes as a list */
  readonly candidates: readonly string[];
  readonly answer: string;
}

export type Prepared =
  | { readonly kind: "settled"; readonly judgement: Judgement }
  | { readonly kind: "open"; readonly comparison: Comparison };

/** Finds both answers and settles what needs no mathematics. Linear in the length of the texts. */
export function prepare(gold: string, response: string): Prepared {
  const wanted = answerOfGold(gold);
  if (wanted.kind === "none") return settled(unreadable("no-gold", `the gold answer: ${wanted.reason}`, null));
  const given = answerOfResponse(response);
  if (given.kind === "none") return settled(unreadable(given.why, given.reason, null));
  if (isDisguised(given.answer))
    return settled(unreadable("refused", "the answer reverses its reading order", given.answer));
  const goldText = wanted.joined ?? wanted.answer;
  const candidates =
    given.joined === null ? [given.answer] : given.isList ? [given.joined] : [given.answer, given.joined];
  const comparison: Comparison = { gold: goldText, candidates, answer: candidates[0] ?? given.answer };
  const judgement = settledAtOnce(comparison);
  return judgement === null ? { kind: "open", comparison } : settled(judgement);
}

/** Reads and compares; the caller holds the deadline. */
export function compared(comparison: Comparison): Judgement {
  try {
    const steps = new Steps();
    const candidates = workedOut(comparison);
    if (candidates.length === 0) return wrong(comparison, "left as an integral, limit or sum");
    const same = candidates.some((candidate) => sameText(comparison.gold, candidate, steps));
    return same ? right(comparison, "the same answer") : wrong(comparison, "another answer");
  } catch (thrown) {
    if (thrown instanceof Refused) return unreadable("refused", thrown.message, comparison.answer);
    if (thrown instanceof RangeError) return unreadable("too-deep", "it nests too deep", comparison.answer);
    throw thrown;
  }
}

/** An integral, limit or sum is the question, not its answer, unless the gold answer is left as one too. */
function workedOut(comparison: Comparison): readonly string[] {
  return isCalculus(comparison.gold)
    ? comparison.candidates
    : comparison.candidates.filter((text) => !isCalculus(text));
}

/** Whether an integral, a limit or a sum in the gold answer may still turn a "wrong" into a "right". */
export function needsClosedForm(comparison: Comparison): boolean {
  // An equation such as F_n = \sum … is compared as it stands; the library is for values.
  return (
    isCalculus(comparison.gold) && !/[=<>]|\\(?:in|le|ge|leq|geq)\b/.test(comparison.gold.replace(/_\{[^{}]*\}/g, ""))
  );
}

/** Compares once more with integrals, limits and sums worked out; `before` stands when that changes nothing. */
export function comparedInClosedForm(comparison: Comparison, before: Judgement): Judgement {
  try {
    const gold = valueInClosedForm(comparison.gold);
    if (gold === null) return before;
    const same = comparison.candidates.some((candidate) => {
      const given = valueInClosedForm(candidate);
      return given !== null && sameLeaf(gold, given, new Steps());
    });
    return same ? right(comparison, "the same value in closed form") : before;
  } catch (thrown) {
    if (thrown instanceof Refused) return before;
    throw thrown;
  }
}

function valueInClosedForm(text: string): Leaf | null {
  const clean = cleanText(text);
  if (!isCalculus(clean)) {
    const answer = readAnswer(clean);
    return answer?.kind === "leaf" ? answer : null;
  }
  const expression = closedForm(clean.replace(/^\$+|\$+$/g, ""));
  return expression === null ? null : leafOf(expression, "");
}

function settledAtOnce(comparison: Comparison): Judgement | null {
  const [only] = comparison.candidates;
  if (comparison.candidates.length !== 1 || only === undefined) return null;
  const given = cleanText(only);
  if (given !== "" && given === cleanText(comparison.gold)) return right(comparison, "the same text");
  const same = sameNumbers(comparison.gold, only);
  if (same === null) return null;
  return same ? right(comparison, "the same number") : wrong(comparison, "another number");
}

function right(comparison: Comparison, reason: string): Judgement {
  return { kind: "right", answer: shown(comparison.answer), reason };
}

function wrong(comparison: Comparison, reason: string): Judgement {
  return { kind: "wrong", answer: shown(comparison.answer), wanted: shown(comparison.gold), reason };
}

function settled(judgement: Judgement): Prepared {
  return { kind: "settled", judgement };
}
