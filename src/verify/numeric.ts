// The cheap and exact case, fit for a training loop: the answer is one plain number.

import { cleanText } from "./clean-text.ts";
import { answerOfGold, answerOfResponse } from "./extract.ts";
import { decimalOf, isRoundingOf, numberValue } from "./literal.ts";
import { equals, Refused, type Rational } from "./rational.ts";
import { shown, unreadable, type Judgement } from "./verdict.ts";

/** Digits with optional groups and decimals, money and LaTeX delimiters around them; no units, no fractions. */
const PLAIN = /^\$?\s*([-+]?)\s*\$?\s*([1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)\s*\$?\.?$/;
const LONGEST = 64;

interface PlainNumber {
  readonly value: Rational;
  readonly text: string;
}

/**
 * Judges a response whose gold answer is a plain number, by exact arithmetic in this thread: for `#### 18` and the like in
 * an RL loop. Time is linear in the response's length; nothing in it is evaluated. What is no plain number is `wrong`
 * (`unreadable` when no answer was found), so use a Verifier where answers may be formulas.
 */
export function numericVerdict(gold: string, response: string): Judgement {
  const wanted = answerOfGold(gold);
  const number = wanted.kind === "found" ? plainNumber(wanted.answer) : null;
  if (wanted.kind !== "found" || number === null)
    return unreadable("no-gold", "the gold answer is no plain number", null);
  const given = answerOfResponse(response);
  if (given.kind === "none") return unreadable(given.why, given.reason, null);
  const answer = shown(given.answer);
  const same = !given.isList && sameNumbers(wanted.answer, given.answer) === true;
  if (same) return { kind: "right", answer, reason: "the same number" };
  return { kind: "wrong", answer, wanted: shown(wanted.answer), reason: "another number, or none" };
}

/** Compares two plain numbers; null when either is anything else. */
export function sameNumbers(gold: string, given: string): boolean | null {
  const [a, b] = [plainNumber(gold), plainNumber(given)];
  if (a === null || b === null) return null;
  if (equals(a.value, b.value)) return true;
  const [x, y] = [decimalOf(a.text), decimalOf(b.text)];
  return (y !== null && isRoundingOf(y, a.value)) || (x !== null && isRoundingOf(x, b.value));
}

function plainNumber(text: string): PlainNumber | null {
  if (text.length > LONGEST) return null;
  const match = PLAIN.exec(cleanText(text));
  if (match === null) return null;
  const digits = (match[2] ?? "").replaceAll(",", "").replace(/\.$/, "");
  try {
    const size = numberValue(digits);
    const negative = match[1] === "-";
    return { value: negative ? { n: -size.n, d: size.d } : size, text: `${negative ? "-" : ""}${digits}` };
  } catch (thrown) {
    if (thrown instanceof Refused) return null;
    throw thrown;
  }
}
