// Added tokens and special tokens as the files beside tokenizer.json state them.

import { isObject, quote, type JsonObject } from "../base/json.ts";

/** What stands beside tokenizer.json. */
export interface TokenizerSettings {
  /** tokenizer_config.json, empty when there is none */
  readonly settings: JsonObject;
  /** special_tokens_map.json */
  readonly specialTokens?: JsonObject | undefined;
  /** added_tokens.json: spelling → id */
  readonly addedTokens?: JsonObject | undefined;
}

/**
 * The tokens that have a name (`bos_token` …), by name.
 *
 * @source transformers 5.23, measured: special_tokens_map.json counts where tokenizer_config.json has no added_tokens_decoder
 */
export function namedTokens({ settings, specialTokens = {} }: TokenizerSettings): Readonly<Record<string, string>> {
  const extra = isObject(settings.extra_special_tokens) ? settings.extra_special_tokens : {};
  const legacy = settings.added_tokens_decoder === undefined ? specialTokens : {};
  const named = Object.entries({ ...settings, ...extra, ...legacy }).flatMap(([name, value]) => {
    const content = tokenContent(value);
    return content !== null && (name.endsWith("_token") || Object.hasOwn(extra, name)) ? [[name, content]] : [];
  });
  return Object.fromEntries(named) as Record<string, string>;
}

/** A token is its text, or a record that has it. */
function tokenContent(value: unknown): string | null {
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.content === "string" ? value.content : null;
}

/** tokenizer.json's added tokens with those that only another file makes added tokens; or why they cannot be had. */
export type StatedTokens = { readonly fault: null; readonly added: readonly JsonObject[] } | { readonly fault: string };

/**
 * A token that another file states counts where the vocabulary has it, or where its stated id is the next free one.
 *
 * @param size  one more than the highest id of tokenizer.json
 * @source transformers 5.23, measured: both become added tokens with these ids
 */
export function statedTokens(
  tokenizer: JsonObject,
  beside: TokenizerSettings,
  idOf: (content: string) => number | undefined,
  size: number,
): StatedTokens {
  const added = [...((tokenizer.added_tokens ?? []) as readonly JsonObject[])];
  const known = new Set(added.map(({ content }) => content));
  let next = size;
  for (const { content, id, optional, flags } of tokensBeside(beside)) {
    if (known.has(content)) continue;
    const own = idOf(content);
    if (own === undefined && optional) continue;
    if (own === undefined ? id !== next : id !== undefined && id !== own) {
      const place = id === undefined ? "" : `, id ${id}`;
      return { fault: `tokenizer.json has no token ${quote(content)}${place}, which another file states` };
    }
    added.push({ ...PLAIN, ...flags, id: own ?? next, content });
    known.add(content);
    if (own === undefined) next++;
  }
  const word = added.find((token) => token.single_word === true);
  if (word !== undefined)
    return { fault: `its token ${quote(word.content)} counts only as a single word, which is not supported` };
  if (beside.settings.split_special_tokens === true)
    return { fault: "it splits special tokens, which is not supported" };
  return { fault: null, added };
}

const PLAIN = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };

interface TokenBeside {
  readonly content: string;
  readonly id?: number;
  /** nothing is lost where no token has this content: padding, say */
  readonly optional?: boolean;
  readonly flags: JsonObject;
}

/** In the order of their ids, those without one last. */
function tokensBeside({ settings, specialTokens, addedTokens = {} }: TokenizerSettings): readonly TokenBeside[] {
  const { added_tokens_decoder: decoder, additional_special_tokens: more, extra_special_tokens: extra } = settings;
  const withId = [
    ...Object.entries(isObject(decoder) ? decoder : {}).map(([id, token]) => ({ id: Number(id), token, flags: {} })),
    ...Object.entries(addedTokens).map(([token, id]) => ({ id: Number(id), token, flags: {} })),
  ].toSorted((a, b) => a.id - b.id);
  const special = { special: true };
  const lists = [more, extra].flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []));
  const named = Object.values(namedTokens({ settings, specialTokens }));
  return [
    ...withId,
    ...lists.map((token) => ({ token, flags: special })),
    ...named.map((token) => ({ token, flags: special, optional: true })),
  ].flatMap(({ token, flags, ...rest }) => {
    const content = tokenContent(token);
    return content === null ? [] : [{ ...rest, content, flags: { ...flags, ...(isObject(token) ? token : {}) } }];
  });
}
