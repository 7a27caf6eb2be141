// How far back the tokens of the miniature look: a term is a label with its sign and digit, and is looked up by its label.

import { LABEL_COUNT, RUNNING_TOTAL_ALPHABET, labelIndex } from "../tasks/running-total-alphabet.ts";
import type { Tokenizer } from "../tokens/tokenizer.ts";

/** Tokens of a term: label, sign, digit. */
const TERM_TOKENS = 3;

/** Whether the tokens are those of the miniature, so that labels are labels. */
export function speaksRunningTotal(tokenizer: Pick<Tokenizer, "size" | "idOf">): boolean {
  const { tokens } = RUNNING_TOTAL_ALPHABET;
  return tokenizer.size === tokens.length && tokens.every((token, id) => tokenizer.idOf(token) === id);
}

/**
 * For every token the distance to what it is copied from; 0 where there is none. A label looks back to its latest earlier
 * occurrence; the sign and digit after it are read in the same place, so they have the same distance, right or wrong.
 */
export function termDistances(ids: ArrayLike<number>): Int32Array {
  const distances = new Int32Array(ids.length);
  const lastAt = new Int32Array(LABEL_COUNT).fill(-1);
  for (let i = 0; i < ids.length; i++) {
    const label = labelIndex(ids[i]!);
    if (label < 0) continue;
    const earlier = lastAt[label]!;
    lastAt[label] = i;
    if (earlier >= 0) distances.fill(i - earlier, i, i + TERM_TOKENS);
  }
  return distances;
}
