// Text to token ids and back, over the tokenizer files of a checkpoint.

import { Tokenizer as Engine } from "@huggingface/tokenizers";
import { SwarrError, messageOf } from "../base/errors.ts";
import { sha256 } from "../base/files.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { namedTokens, statedTokens, type TokenizerSettings } from "./added-tokens.ts";
import { compileChatTemplate, type ChatTemplate } from "./chat-template.ts";
import { encodeBehind, marksStart } from "./word-mark.ts";

export interface DecodeOptions {
  /** Leaves out the added tokens marked special (end of text, turn marks); false keeps them. */
  readonly skipSpecialTokens?: boolean;
}

export interface EncodeOptions {
  /** What the text stands after; empty where it is the start, which some tokenizers mark. */
  readonly after?: string;
}

export interface Tokenizer {
  /** One more than the highest token id, the added tokens included; a model may have more rows than that. */
  readonly size: number;
  /**
   * Ids of the text as it stands: added tokens in it are recognised, none is put before or after it.
   *
   * @throws `BAD_TOKENIZER` for a text with a token that the model has no row for
   */
  encode(text: string, options?: EncodeOptions): number[];
  /** Text of the ids; ids that name no token are left out, as the reference does. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;
  /** The token's own spelling, or undefined for an id without one. */
  tokenOf(id: number): string | undefined;
  /** The id of a token's spelling, or undefined. */
  idOf(token: string): number | undefined;
  /** Ids of the tokens marked special. */
  readonly specialIds: ReadonlySet<number>;
  readonly beginToken: string | null;
  readonly endToken: string | null;
  /** @throws `BAD_TOKENIZER` when the checkpoint has no chat template */
  chatTemplate(): ChatTemplate;
  /** SHA-256 over the files' contents and the chat template, in hex: two that agree turn every text into the same ids */
  sha256(): string;
}

export interface TokenizerSource extends TokenizerSettings {
  /** tokenizer.json */
  readonly tokenizer: JsonObject;
  /** The chat template's text, or null. */
  readonly chatTemplate: string | null;
  /** rows of the model's embedding: a text with a token beyond them is refused; absent: no model is known */
  readonly vocabularySize?: number;
  /** The folder or file, for messages. */
  readonly where: string;
}

interface AddedToken {
  readonly content: string;
  readonly special: boolean;
  /** takes the white space after it along */
  readonly rstrip: boolean;
}

/** @throws `BAD_TOKENIZER` when the files describe no tokenizer that can be built */
export function openTokenizer(given: TokenizerSource): Tokenizer {
  checkLayout(given);
  const source = { ...given, tokenizer: withStatedTokens(given) };
  const engine = buildEngine(source);
  const added: ReadonlyMap<number, AddedToken> = engine.get_added_tokens_decoder();
  const specialIds = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));
  const named = namedTokens(source);
  const marking = marksStart(source.tokenizer);
  const unknownId = unknownIdOf(source.tokenizer, engine);
  const checked = (ids: number[]): number[] => checkedIds(ids, engine, source, unknownId);
  const { where } = source;
  return {
    size: highestId(source.tokenizer) + 1,
    encode(text, { after = "" } = {}) {
      const plainly = (part: string): number[] => engineIds(engine, part, where);
      if (after === "" || !marking) return checked(plainly(text));
      const before = [...added.values()].find(({ content, rstrip }) =>
        (rstrip ? after.trimEnd() : after).endsWith(content),
      );
      const ids = encodeBehind(plainly, text, { before: before?.content ?? null, unknownId, where });
      return checked(ids);
    },
    decode(ids, options = {}) {
      const known = Array.from(ids).filter((id) => engine.id_to_token(id) !== undefined);
      const kept = options.skipSpecialTokens === true ? known.filter((id) => !specialIds.has(id)) : known;
      // Cleaning up spaces would lose what the model wrote: " ." would become ".".
      return kept.length === 0 ? "" : engine.decode(kept, { clean_up_tokenization_spaces: false });
    },
    tokenOf: (id) => engine.id_to_token(id),
    idOf: (token) => engine.token_to_id(token),
    specialIds,
    beginToken: named.bos_token ?? null,
    endToken: named.eos_token ?? null,
    chatTemplate() {
      if (source.chatTemplate === null) throw noTemplate(where);
      return compileChatTemplate(source.chatTemplate, { where, tokens: named });
    },
    sha256: () => {
      const { specialTokens } = source;
      const files = [source.tokenizer, source.settings, source.chatTemplate];
      return sha256(JSON.stringify(specialTokens === undefined ? files : [...files, specialTokens]));
    },
  };
}

function buildEngine(source: TokenizerSource): Engine {
  try {
    const model = source.tokenizer.model as JsonObject;
    return new Engine(
      // Without this a BPE drops the characters it does not know without a word; so their id is undefined, and refused.
      { ...ABSENT_STEPS, ...source.tokenizer, model: { ...model, unk_token: model.unk_token ?? NO_UNKNOWN_TOKEN } },
      { ...source.settings, unk_token: model.unk_token ?? source.settings.unk_token },
    );
  } catch (cause) {
    throw badTokenizer(source.where, messageOf(cause), cause);
  }
}

/** The library wants every step named; null is "no such step". */
const ABSENT_STEPS = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };

const MODEL_TYPES = ["BPE", "Unigram", "WordPiece", "WordLevel"];

/** A token that no vocabulary has. */
const NO_UNKNOWN_TOKEN = "\u{10ffff}";

/** Ids become places in a list, so a lying one must not make it long. */
const MAX_ID = 1 << 24;

/** Checks what the library trusts to be there. */
function checkLayout({ tokenizer, where }: TokenizerSource): void {
  const { model, added_tokens: added = [] } = tokenizer;
  if (!isObject(model)) throw badTokenizer(where, 'its "model" is not an object');
  if (!isObject(model.vocab) && !Array.isArray(model.vocab)) throw badTokenizer(where, 'its "model" has no "vocab"');
  if (model.type !== undefined && !MODEL_TYPES.includes(model.type as string)) {
    throw badTokenizer(where, `its model type is ${quote(model.type)}, not one of ${MODEL_TYPES.join(", ")}`);
  }
  if (isObject(model.vocab)) {
    for (const token in model.vocab) {
      if (!isId(model.vocab[token])) throw badTokenizer(where, `its vocabulary gives ${quote(token)} no token id`);
    }
  }
  if (!Array.isArray(added)) throw badTokenizer(where, 'its "added_tokens" is not a list');
  for (const token of added as readonly unknown[]) {
    if (isObject(token) && isId(token.id) && typeof token.content === "string") continue;
    throw badTokenizer(where, `an entry of its "added_tokens" lacks an id or a content: ${quote(token)}`);
  }
}

/** tokenizer.json with what the files beside it add; itself where they add nothing. */
function withStatedTokens(source: TokenizerSource): JsonObject {
  const { tokenizer, where } = source;
  const { vocab } = tokenizer.model as { readonly vocab: JsonObject | readonly unknown[] };
  const idOf = (content: string): number | undefined => {
    if (isObject(vocab)) return Object.hasOwn(vocab, content) ? (vocab[content] as number) : undefined;
    const place = vocab.findIndex((entry) => Array.isArray(entry) && entry[0] === content);
    return place < 0 ? undefined : place;
  };
  const stated = statedTokens(tokenizer, source, idOf, highestId(tokenizer) + 1);
  if (stated.fault !== null) throw badTokenizer(where, stated.fault);
  const before = (tokenizer.added_tokens ?? []) as readonly unknown[];
  return stated.added.length === before.length ? tokenizer : { ...tokenizer, added_tokens: stated.added };
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_ID;
}

function unknownIdOf({ model }: JsonObject, engine: Engine): number | undefined {
  const { unk_id: id, unk_token: token } = model as JsonObject;
  if (typeof id === "number") return id;
  return typeof token === "string" ? engine.token_to_id(token) : undefined;
}

function checkedIds(
  ids: number[],
  engine: Engine,
  { tokenizer, vocabularySize = Infinity, where }: TokenizerSource,
  unknownId: number | undefined,
): number[] {
  const model = tokenizer.model as JsonObject;
  // The library knows byte tokens of a BPE only, and would write "unknown" for the character.
  const lacksBytes = model.type === "Unigram" && model.byte_fallback === true;
  for (const id of ids) {
    if (!Number.isSafeInteger(id)) throw badTokenizer(where, "the text has a character that no token stands for");
    if (lacksBytes && id === unknownId) {
      throw badTokenizer(where, "the text has a character for its byte tokens, which a Unigram cannot use here");
    }
    if (id < vocabularySize) continue;
    const token = quote(engine.id_to_token(id));
    throw badTokenizer(
      where,
      `the text has the token ${token}, id ${id}, and the model's vocabulary is ${vocabularySize}`,
    );
  }
  return ids;
}

/** A character that no token stands for has no id, whatever the type says. */
function engineIds(engine: Engine, text: string, where: string): number[] {
  try {
    return engine.encode(text, { add_special_tokens: false }).ids;
  } catch (cause) {
    throw badTokenizer(where, `it cannot encode the text: ${messageOf(cause)}`, cause);
  }
}

function highestId(tokenizer: JsonObject): number {
  const { model, added_tokens: added = [] } = tokenizer as {
    readonly model: { readonly vocab: { readonly [token: string]: number } | readonly unknown[] };
    readonly added_tokens?: readonly { readonly id: number }[];
  };
  let highest = Array.isArray(model.vocab) ? model.vocab.length - 1 : -1;
  if (!Array.isArray(model.vocab))
    for (const id of Object.values(model.vocab)) highest = Math.max(highest, id as number);
  return added.reduce((most, { id }) => Math.max(most, id), highest);
}

function badTokenizer(where: string, fault: string, cause?: unknown): SwarrError {
  return new SwarrError(
    "BAD_TOKENIZER",
    {
      what: `The tokenizer of ${where} cannot be used: ${fault}.`,
      expected: "a tokenizer.json as the tokenizers library writes it.",
      fix: "Download the tokenizer files again, or work with token ids.",
    },
    { cause },
  );
}

function noTemplate(where: string): SwarrError {
  return new SwarrError("BAD_TOKENIZER", {
    what: `The checkpoint ${where} has no chat template.`,
    expected: "chat_template.jinja, or chat_template in tokenizer_config.json.",
    fix: "Use plain text without a chat, or add a template.",
  });
}
