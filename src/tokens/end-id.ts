// The token that trained responses end with.

import { SwarrError } from "../base/errors.ts";

/**
 * @param where - the checkpoint, for the message
 * @returns the first of the model's end ids
 * @throws `BAD_CHECKPOINT` where there is none: any other id would be taught as the end
 */
export function endIdOf(endIds: readonly number[], where: string): number {
  const [first] = endIds;
  if (first !== undefined) return first;
  throw new SwarrError("BAD_CHECKPOINT", {
    what: `${where} names no end token.`,
    expected: "eos_token_id in config.json or generation_config.json.",
    fix: "Add it: responses end with it.",
  });
}
