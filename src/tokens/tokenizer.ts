// Text to token ids and back, over the tokenizer files of a checkpoint.

import { Tokenizer as Engine } from "@huggingface/tokenizers";
import { SwarrError, messageOf } from "../base/errors.ts";
import { sha256 } from "../base/files.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { compileChatTemplate, type ChatTemplate } from "./chat-template.ts";

export interface DecodeOptions {
  /** Leaves out the added tokens marked special (end of text, turn marks); false keeps them. */
  readonly skipSpecialTokens?: boolean;
}

export interface Tokenizer {
  /** One more than the highest token id, the added tokens included; a model may have more rows than that. */
  readonly size: number;
  /** Ids of the text as it stands: added tokens in it are recognised, none is put before or after it. */
  encode(text: string): number[];
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

export interface TokenizerSource {
  /** tokenizer.json */
  readonly tokenizer: JsonObject;
  /** tokenizer_config.json, empty when there is none */
  readonly settings: JsonObject;
  /** The chat template's text, or null. */
  readonly chatTemplate: string | null;
  /** The folder or file, for messages. */
  readonly where: string;
}

/** @throws `BAD_TOKENIZER` when the files describe no tokenizer that can be built */
export function openTokenizer(source: TokenizerSource): Tokenizer {
  const engine = buildEngine(source);
  const added = engine.get_added_tokens_decoder();
  const specialIds = new Set([...added].filter(([, token]) => token.special).map(([id]) => id));
  const beginToken = tokenContent(source.settings.bos_token);
  const endToken = tokenContent(source.settings.eos_token);
  return {
    size: highestId(source.tokenizer) + 1,
    encode: (text) => encode(engine, text, source.where),
    decode(ids, options = {}) {
      const known = Array.from(ids).filter((id) => engine.id_to_token(id) !== undefined);
      const kept = options.skipSpecialTokens === true ? known.filter((id) => !specialIds.has(id)) : known;
      // Cleaning up spaces would lose what the model wrote: " ." would become ".".
      return kept.length === 0 ? "" : engine.decode(kept, { clean_up_tokenization_spaces: false });
    },
    tokenOf: (id) => engine.id_to_token(id),
    idOf: (token) => engine.token_to_id(token),
    specialIds,
    beginToken,
    endToken,
    chatTemplate() {
      if (source.chatTemplate === null) throw noTemplate(source.where);
      return compileChatTemplate(source.chatTemplate, { where: source.where, beginToken, endToken });
    },
    sha256: () => sha256(JSON.stringify([source.tokenizer, source.settings, source.chatTemplate])),
  };
}

function buildEngine(source: TokenizerSource): Engine {
  checkLayout(source);
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

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_ID;
}

function encode(engine: Engine, text: string, where: string): number[] {
  try {
    const ids: number[] = engine.encode(text, { add_special_tokens: false }).ids;
    const unknown = ids.findIndex((id) => !Number.isSafeInteger(id));
    if (unknown < 0) return ids;
  } catch (cause) {
    throw badTokenizer(where, `it cannot encode the text: ${messageOf(cause)}`, cause);
  }
  throw badTokenizer(where, "the text has a character that no token stands for");
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

/** A token in tokenizer_config.json is its text, or a record that has it. */
function tokenContent(value: unknown): string | null {
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.content === "string" ? value.content : null;
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
