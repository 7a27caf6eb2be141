// The miniature's 32 tokens: their ids, and the labels of a problem's terms.

import { invariant } from "../base/invariant.ts";
import type { TaskAlphabet } from "./task.ts";

const TOKENS = [..."_^$0123456789+-=:[]#abcdefghijkl"];

export const RUNNING_TOTAL_ALPHABET: TaskAlphabet = { tokens: TOKENS, padId: 0, bosId: 1, endId: 2 };

const IDS = new Map(TOKENS.map((token, id) => [token, id]));
const FIRST_LABEL = TOKENS.indexOf("a");

/** Ids of a text in the miniature's alphabet. */
export function idsOf(text: string): Int32Array {
  return Int32Array.from(text, tokenId);
}

export function tokenId(token: string): number {
  const id = IDS.get(token);
  invariant(id !== undefined, `"${token}" is one of the miniature's tokens`);
  return id;
}

/** Terms are labelled counting down, so that the last one is always `a`. */
export function labelOf(termCount: number, index: number): string {
  return TOKENS[FIRST_LABEL + termCount - 1 - index]!;
}

/** Which label an id is, counted from 0 for `a`; negative for every other token. */
export function labelIndex(id: number): number {
  return id < TOKENS.length ? id - FIRST_LABEL : -1;
}

export const LABEL_COUNT = TOKENS.length - FIRST_LABEL;
