// The token that trained responses end with.

import { SwarrError } from "../base/errors.ts";

export interface ModelEnd {
  readonly endIds: readonly number[];
  readonly config: { readonly vocabularySize: number };
}

/**
 * @param where - the checkpoint, for the message
 * @returns the first of the model's end ids
 * @throws `BAD_CHECKPOINT` where there is none, as any other id would be taught as the end, or the model has no row for it
 */
export function endIdOf({ endIds, config: { vocabularySize } }: ModelEnd, where: string): number {
  const [first] = endIds;
  if (first !== undefined && 0 <= first && first < vocabularySize) return first;
  throw new SwarrError("BAD_CHECKPOINT", {
    what: first === undefined ? `${where} names no end token.` : `${where} names the end token ${first}.`,
    expected: `eos_token_id in config.json or generation_config.json, from 0 to ${vocabularySize - 1}.`,
    fix: `${first === undefined ? "Add" : "Correct"} it: responses end with it.`,
  });
}
