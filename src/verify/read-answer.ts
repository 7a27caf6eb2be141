// Tokens to an answer: lists, tuples, intervals, relations and matrices outside, values inside.

import type { Answer, List, Relation, RelationOperator } from "./answer.ts";
import { MAX_DEPTH, lex, type Token } from "./lex.ts";
import { Refused } from "./rational.ts";
import { readBased, readLeaf, readWords } from "./read-leaf.ts";
import { depthOf, isBalanced, isEnclosed, spelling, splitTop } from "./token-runs.ts";

/** Items of a list, tuple or matrix beyond this are refused: comparing two lists takes their product. */
const MAX_ITEMS = 256;
const MATRICES = new Set([
  "matrix",
  "pmatrix",
  "bmatrix",
  "Bmatrix",
  "smallmatrix",
  "array",
  "vmatrix",
  "Vmatrix",
  "cases",
]);

/**
 * Reads cleaned text as an answer; null when it holds nothing.
 *
 * @throws `Refused` when it nests too deep or has too many items
 */
export function readAnswer(text: string): Answer | null {
  const tokens = lex(text);
  if (depthOf(tokens) > MAX_DEPTH) throw new Refused("it nests too deep");
  return readTokens(trimmed(tokens));
}

function readTokens(tokens: readonly Token[]): Answer | null {
  if (tokens.length === 0) return null;
  if (tokens.length === 1 && tokens[0]?.text === "emptyset") return emptySet(spelling(tokens));
  if (!isBalanced(tokens)) return readLeaf(tokens);
  const words = readWords(tokens);
  if (words !== null) return words;
  return (
    readBased(tokens) ??
    readList(tokens) ??
    readRelation(tokens) ??
    readUnion(tokens) ??
    readBracketed(tokens) ??
    readSigns(tokens)
  );
}

function readList(tokens: readonly Token[]): Answer | null {
  const runs = splitTop(tokens, (token) => token.kind === "separator" || token.kind === "newline");
  if (runs.length === 1) return null;
  const joiners = tokens.filter((token) => token.kind === "separator").map((token) => token.text);
  const items = readAll(runs).flatMap((item) =>
    item.kind === "list" && item.style === "plain" && item.source.includes("pm") ? item.items : [item],
  );
  const [first] = items;
  if (first === undefined) return null;
  if (items.length === 1) return first;
  const source = spelling(tokens);
  const style = joiners.includes("or") ? "choice" : "plain";
  // n = 1, 2, 3: the name on the left belongs to the whole list.
  if (first.kind === "relation" && first.operators.at(-1) === "=" && items.slice(1).every(isPlainValue)) {
    const values: List = { kind: "list", items: [first.sides.at(-1) as Answer, ...items.slice(1)], style, source };
    return { ...first, sides: [...first.sides.slice(0, -1), values], source };
  }
  if (items.length === 2 && first.kind === "relation" && first.operators.at(-1) === "in")
    return joinedMembership(first, items, source);
  return { kind: "list", items, style, source };
}

/** "x in A or B" never occurs alone; kept as a list of what was said. */
function joinedMembership(first: Relation, items: readonly Answer[], source: string): Answer {
  return { kind: "list", items: [first, ...items.slice(1)], style: "choice", source };
}

function isPlainValue(item: Answer): boolean {
  return item.kind === "leaf" || item.kind === "tuple" || (item.kind === "list" && item.style === "plain");
}

function readRelation(tokens: readonly Token[]): Answer | null {
  const runs = splitTop(tokens, (token) => token.kind === "relation");
  if (runs.length === 1) return null;
  const operators = topRelations(tokens);
  if (operators.every((operator) => operator === ":" || operator === "mid")) return readRatio(tokens, runs);
  // In S : T = 7 : 32 the equals sign binds weaker than the ratio.
  const weak = splitTop(tokens, (token) => token.kind === "relation" && token.text !== ":");
  const sides = weak.map((run) => readTokens(trimmed(run)));
  const kept = sides.filter((side) => side !== null);
  const outer = operators.filter((operator) => operator !== ":");
  // "= 5" is 5; "5 =" is cut off.
  const last = sides.at(-1);
  if (kept.length === 1 && last !== undefined && last !== null)
    return outer[0] === "=" || outer[0] === "~" ? last : readLeaf(tokens);
  if (kept.length !== sides.length) return readLeaf(tokens);
  return { kind: "relation", sides: kept, operators: outer, source: spelling(tokens) };
}

function topRelations(tokens: readonly Token[]): readonly RelationOperator[] {
  const found: RelationOperator[] = [];
  splitTop(tokens, (token) => {
    if (token.kind === "relation") found.push(token.text as RelationOperator);
    return false;
  });
  return found;
}

/** a : b, which is also how a time of day is written. */
function readRatio(tokens: readonly Token[], runs: readonly (readonly Token[])[]): Answer {
  const sides = readAll(runs);
  if (sides.length !== runs.length) return readLeaf(tokens);
  return { kind: "relation", sides, operators: sides.slice(1).map(() => ":" as const), source: spelling(tokens) };
}

function readUnion(tokens: readonly Token[]): Answer | null {
  const runs = splitTop(tokens, (token) => token.kind === "operator" && token.text === "cup");
  if (runs.length === 1) return null;
  return { kind: "union", parts: readAll(runs), source: spelling(tokens) };
}

function readBracketed(tokens: readonly Token[]): Answer | null {
  if (!isEnclosed(tokens)) return null;
  const open = tokens[0]?.text ?? "";
  const close = tokens.at(-1)?.text ?? "";
  const inner = tokens.slice(1, -1);
  const source = spelling(tokens);
  if (tokens[0]?.kind === "begin") return readMatrix(open, inner, source);
  if (open === "\\{" || open === "{") return readBraces(open, inner, source);
  if (open !== "(" && open !== "[" && open !== "<") return null;
  const runs = splitTop(inner, (token) => token.kind === "separator" && token.text === ",");
  if (runs.length === 1) {
    const only = readTokens(trimmed(inner));
    // Brackets around one thing that is no plain value (a matrix, a list in words) are grouping.
    return only === null || only.kind === "leaf" ? null : only;
  }
  const items = readAll(runs);
  if (items.length !== runs.length) return null;
  if (close === ">") return { kind: "tuple", items, open: "(", close: ")", source };
  if (close !== ")" && close !== "]") return null;
  if (open === "[" && close === "]" && items.length !== 2) return { kind: "list", items, style: "plain", source };
  return { kind: "tuple", items, open: open as "(" | "[", close, source };
}

/** a \pm b is two values; so is a \mp b, in the other order. */
function readSigns(tokens: readonly Token[]): Answer {
  const signs = tokens.map((token) => token.kind === "operator" && (token.text === "pm" || token.text === "mp"));
  if (!signs.includes(true) || signs.some((sign, index) => sign && signs[index + 1] === true)) return readLeaf(tokens);
  const chosen = (upper: string, lower: string): Answer =>
    readLeaf(
      tokens.map((token) => {
        if (token.kind !== "operator" || (token.text !== "pm" && token.text !== "mp")) return token;
        return { ...token, text: token.text === "pm" ? upper : lower };
      }),
    );
  return { kind: "list", items: [chosen("+", "-"), chosen("-", "+")], style: "plain", source: spelling(tokens) };
}

function readBraces(open: string, inner: readonly Token[], source: string): Answer | null {
  const content = trimmed(inner);
  const bar = splitTop(
    content,
    (token) => token.kind === "bar" || (token.kind === "relation" && /^(?:mid|:)$/.test(token.text)),
  );
  // { x : condition }: the condition says which values there are.
  if (
    open === "\\{" &&
    bar.length === 2 &&
    bar[0] !== undefined &&
    bar[0].length <= 4 &&
    bar[0][0]?.kind === "letter"
  ) {
    return readTokens(trimmed(bar[1] ?? []));
  }
  const value = readTokens(content);
  if (value === null) return open === "{" ? null : emptySet(source);
  if (open === "{") return value.kind === "leaf" ? null : value;
  if (value.kind === "list") return { ...value, style: "set", source };
  return { kind: "list", items: [value], style: "set", source };
}

function readMatrix(name: string, inner: readonly Token[], source: string): Answer | null {
  if (!MATRICES.has(name)) return readTokens(trimmed(inner.filter((token) => token.kind !== "cell")));
  const lines = splitTop(inner, (token) => token.kind === "newline").filter((line) => line.length > 0);
  if (lines.length > MAX_ITEMS) throw new Refused("a matrix has too many rows");
  const rows = lines.map((line) => readAll(splitTop(line, (token) => token.kind === "cell")));
  const style = name === "cases" ? "cases" : name === "vmatrix" || name === "Vmatrix" ? "determinant" : "matrix";
  return { kind: "matrix", rows, style, source };
}

function readAll(runs: readonly (readonly Token[])[]): readonly Answer[] {
  if (runs.length > MAX_ITEMS) throw new Refused("there are too many items");
  return runs.map((run) => readTokens(trimmed(run))).filter((item) => item !== null);
}

/** Without full stops, separators and line breaks at the ends. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  const idle = (token: Token | undefined): boolean =>
    token !== undefined &&
    (token.kind === "separator" ||
      token.kind === "newline" ||
      (token.kind === "unknown" && /[.?#`@]/.test(token.text)));
  let from = 0;
  let to = tokens.length;
  while (idle(tokens[from])) from += 1;
  const isStar = (token: Token | undefined): boolean => token?.kind === "operator" && token.text === "*";
  for (;;) {
    if (to > from && idle(tokens[to - 1])) to -= 1;
    // Two asterisks are what is left of bold type; one is a product without its second factor.
    else if (to > from + 1 && isStar(tokens[to - 1]) && isStar(tokens[to - 2])) to -= 2;
    else break;
  }
  return tokens.slice(from, to);
}

function emptySet(source: string): Answer {
  return { kind: "words", text: "empty set", source };
}
