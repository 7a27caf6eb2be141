// Tokens to one value: units, percent and degree signs taken off, the rest an expression; or words; or digits in a base.

import type { Based, Leaf, Words } from "./answer.ts";
import { decimalOf } from "./literal.ts";
import type { Token } from "./lex.ts";
import { readExpression } from "./read-expression.ts";
import { spelling } from "./token-runs.ts";
import { isHarmless, isHarmlessBefore, isUnit, unitIn } from "./units.ts";

const BASE_NAMES: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
};

const MAX_BASED_DIGITS = 400;

export function readLeaf(tokens: readonly Token[]): Leaf {
  const source = spelling(tokens);
  const bare = withoutWords(tokens);
  let value = bare.tokens;
  const percent = value.at(-1)?.kind === "percent";
  if (percent) value = value.slice(0, -1);
  const degrees = endsInDegrees(value);
  if (degrees)
    value = value.slice(
      0,
      value.findLastIndex((token) => token.kind === "degree"),
    );
  return {
    kind: "leaf",
    expression: readExpression(value),
    decimal: decimalOf(spelling(value)),
    percent: percent || bare.unit?.startsWith("percent") === true,
    degrees: degrees || bare.unit === "degree",
    unit: bare.unit,
    source,
  };
}

/** An answer in words alone, which is neither a number nor a formula. */
export function readWords(tokens: readonly Token[]): Words | null {
  if (!tokens.some((token) => token.kind === "words")) return null;
  const wordy = tokens.every((token, index) => {
    if (token.kind === "words" || token.kind === "letter") return true;
    // A hyphen stands between words: -ellipse is not an ellipse.
    return (token.text === "-" || token.text === "'") && index > 0 && index < tokens.length - 1;
  });
  if (!wordy) return null;
  const text = tokens
    .map((token) => (token.spaced ? ` ${token.text}` : token.text))
    .join("")
    .toLowerCase()
    .replace(/[^a-z0-9()'-]+/g, " ")
    .trim();
  return { kind: "words", text, source: spelling(tokens) };
}

/** 204_5, -221_{3}, A3F_{16}, 1101_{two} */
export function readBased(tokens: readonly Token[]): Based | null {
  const underscore = tokens.findIndex((token) => token.kind === "operator" && token.text === "_");
  if (underscore < 1) return null;
  const source = spelling(tokens);
  const match = /^(-?)\(?([0-9A-Z]+)\)?_\{?(\d{1,2}|[a-z]+)\}?$/.exec(source);
  if (match === null || (match[2] ?? "").length > MAX_BASED_DIGITS) return null;
  const [, sign, digits = "", name = ""] = match;
  const base = BASE_NAMES[name] ?? Number(name);
  // In base ten the digits say what they always say.
  if (base === 10) return null;
  if (!Number.isInteger(base) || base < 2 || base > 36 || !/\d/.test(digits)) return null;
  let value = 0n;
  for (const digit of digits) {
    const worth = Number.parseInt(digit, 36);
    if (worth >= base) return null;
    value = value * BigInt(base) + BigInt(worth);
  }
  return { kind: "based", value: sign === "-" ? -value : value, base, source };
}

/** Takes off words that do not change the value: a unit behind it, "approximately" before it. */
function withoutWords(tokens: readonly Token[]): { readonly tokens: readonly Token[]; readonly unit: string | null } {
  const harmless = (token: Token | undefined): boolean => token?.kind === "words" && isHarmless(token.text);
  let from = 0;
  const harmlessBefore = (token: Token | undefined): boolean => token?.kind === "words" && isHarmlessBefore(token.text);
  while (harmlessBefore(tokens[from]) && from < tokens.length - 1) from += 1;
  const behind = tokens.findIndex((token, index) => index > from && token.kind === "words");
  const tail = behind < 0 ? [] : tokens.slice(behind);
  // The tail may raise its unit to a power or divide it by another: cm^2, km/h.
  const idle = tail.every((token, index) => harmless(token) || isUnitPower(tail, index));
  // In 5/hour the stroke is a part of the unit.
  const named = tokens[behind - 1]?.text === "/" ? tokens.slice(behind - 1) : tail;
  const unit = idle ? unitIn(named.map((token) => token.text).join(" ")) : null;
  if (!idle || behind < 0) return { tokens: tokens.slice(from), unit };
  return { tokens: withoutHyphen(tokens.slice(from, behind)), unit };
}

function isUnitPower(tail: readonly Token[], index: number): boolean {
  const token = tail[index];
  const before = tail[index - 1];
  if (token?.kind === "operator") return /^[\^/*-]$/.test(token.text);
  if (token?.kind === "number")
    return /^[123]$/.test(token.text) && (before?.text === "^" || before?.text === "{" || before?.text === "-");
  if (token?.kind === "letter") return isUnit(token.text) && (before?.text === "/" || before?.kind === "words");
  return token?.text === "{" || token?.text === "}" || token?.text === "(" || token?.text === ")";
}

/** `5/hour` and `5-inch` lose what joined their unit to them; 7- without one is no number. */
function withoutHyphen(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1);
  return last?.kind === "operator" && /^[/*-]$/.test(last.text) ? tokens.slice(0, -1) : tokens;
}

/** 90^\circ, 20^\circ C */
function endsInDegrees(tokens: readonly Token[]): boolean {
  const [before, last] = [tokens.at(-2), tokens.at(-1)];
  const function_ = tokens.some(
    (token) => token.kind === "command" && /^(?:sin|cos|tan|cot|sec|csc)$/.test(token.text),
  );
  if (function_) return false;
  return last?.kind === "degree" || (before?.kind === "degree" && last?.kind === "letter" && /^[CF]$/.test(last.text));
}
