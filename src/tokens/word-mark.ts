// Tokenizers that mark the start of a text as the start of a word, and texts that are no start.

import { SwarrError } from "../base/errors.ts";
import { isObject, type JsonObject } from "../base/json.ts";

/** Whether a step of tokenizer.json puts a word mark, or a space, in front of every text. */
export function marksStart({ normalizer, pre_tokenizer: preTokenizer }: JsonObject): boolean {
  return isMarking(normalizer) || isMarking(preTokenizer);
}

function isMarking(step: unknown): boolean {
  if (!isObject(step)) return false;
  switch (step.type) {
    case "Sequence":
      return [step.normalizers, step.pretokenizers].some((steps) => Array.isArray(steps) && steps.some(isMarking));
    case "Prepend":
      return true;
    case "Metaspace":
      return step.prepend_scheme === undefined ? step.add_prefix_space !== false : step.prepend_scheme !== "never";
    case "ByteLevel":
      return step.add_prefix_space === true;
    default:
      return false;
  }
}

/** Texts that other texts may stand after: one that merges with the text is no use, the next one is tried. */
const STAND_INS = ["\n", ".", "a", "\ue000"];

/**
 * The ids of a text behind something that is no added token: a stand-in is encoded in front of it and taken off again.
 *
 * @param encode  to ids as they come: what a stand-in lacks is no fault
 * @param before  the added token that the text stands after, which is then its own stand-in; null after anything else
 * @param unknownId  of the token for what has none: neighbours fuse into one, so that it is no stand-in
 * @throws `BAD_TOKENIZER` when every stand-in merges with the text
 */
export function encodeBehind(
  encode: (text: string) => readonly number[],
  text: string,
  options: { readonly before: string | null; readonly unknownId: number | undefined; readonly where: string },
): number[] {
  const { before, unknownId, where } = options;
  for (const standIn of before === null ? STAND_INS : [before]) {
    const head = encode(standIn);
    const whole = encode(standIn + text);
    const known = head.length > 0 && head.every((id) => Number.isSafeInteger(id) && id !== unknownId);
    const stays = known && head.every((id, i) => whole[i] === id);
    if (stays) return whole.slice(head.length);
  }
  throw new SwarrError("BAD_TOKENIZER", {
    what: `The tokenizer of ${where} has no token that stays apart from the text after it.`,
    expected: "one, to encode a response that follows its prompt.",
    fix: "Use a tokenizer that puts no word mark in front of a text.",
  });
}
