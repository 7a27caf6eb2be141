// Cutting runs of tokens at separators outside brackets, and spelling them out.

import type { Token } from "./lex.ts";

/** The tokens between separators that stand outside every bracket; empty runs are kept. */
export function splitTop(
  tokens: readonly Token[],
  separates: (token: Token, index: number) => boolean,
): readonly (readonly Token[])[] {
  const runs: Token[][] = [[]];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "open" || token.kind === "begin") depth += 1;
    if (token.kind === "close" || token.kind === "end") depth -= 1;
    if (depth === 0 && separates(token, index)) runs.push([]);
    else runs.at(-1)?.push(token);
  }
  return runs;
}

/** Every bracket is closed, none is closed that was not opened. */
export function isBalanced(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "open" || token.kind === "begin") depth += 1;
    if ((token.kind === "close" || token.kind === "end") && --depth < 0) return false;
  }
  return depth === 0;
}

/** Deepest bracket nesting. */
export function depthOf(tokens: readonly Token[]): number {
  let depth = 0;
  let deepest = 0;
  for (const token of tokens) {
    if (token.kind === "open" || token.kind === "begin") deepest = Math.max(deepest, ++depth);
    if (token.kind === "close" || token.kind === "end") depth -= 1;
  }
  return deepest;
}

/** The first token opens a bracket that the last one closes. */
export function isEnclosed(tokens: readonly Token[]): boolean {
  const first = tokens[0];
  if (tokens.length < 2 || (first?.kind !== "open" && first?.kind !== "begin")) return false;
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "open" || token.kind === "begin") depth += 1;
    if ((token.kind === "close" || token.kind === "end") && --depth === 0) return index === tokens.length - 1;
  }
  return false;
}

/** The tokens in one spelling. Two numbers keep a space, so that "1 2" is never spelt like "12". */
export function spelling(tokens: readonly Token[]): string {
  let text = "";
  let before: Token | undefined;
  for (const token of tokens) {
    const word = token.kind === "words" ? token.text.replace(/\s+/g, "") : token.text;
    if (before?.kind === "number" && token.kind === "number") text += " ";
    if (token.kind === "command" && token.text.length > 1) text += "\\";
    text += token.kind === "begin" || token.kind === "end" ? `[${token.kind} ${token.text}]` : word;
    if (token.kind === "command") text += " ";
    before = token;
  }
  return text.trim();
}
