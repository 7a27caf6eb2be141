// The text of one token by itself, as log-probs name it.

import type { Tokenizer } from "./tokenizer.ts";

/**
 * What the token adds to a text, its leading space included.
 *
 * @returns null for a token without a text of its own: part of a character, or nothing at all
 */
export function tokenText(tokenizer: Tokenizer, id: number): string | null {
  // Some decoders drop the space at the beginning of a text; in second place it stays.
  const text = tokenizer.decode([id, id]).slice(tokenizer.decode([id]).length);
  return text === "" || text.includes("\ufffd") ? null : text;
}
