// Tokenizers made from nothing: one token a byte, for `swarr init`, and one token a character, for the miniature.

import type { JsonObject } from "../base/json.ts";
import { invariant } from "../base/invariant.ts";

/** The files of a tokenizer, ready to be written. */
export interface TokenizerFiles {
  /** tokenizer.json */
  readonly tokenizer: JsonObject;
  /** tokenizer_config.json */
  readonly settings: JsonObject;
  /** chat_template.jinja, or null for none */
  readonly chatTemplate: string | null;
  readonly endIds: readonly number[];
  /** Number of tokens. */
  readonly size: number;
}

const END_OF_TEXT = "<|endoftext|>";
const TURN_START = "<|im_start|>";
const TURN_END = "<|im_end|>";

/** Turns between marks, the assistant's text and its end mark being what the model writes. */
const CHAT_TEMPLATE = `{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}
{%- else -%}
{{- message['content'] + '<|im_end|>' -}}
{%- endif -%}
{{- '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
`;

/** 256 byte tokens, then end of text, turn start and turn end. Ids 0 to 255 are the bytes. */
export function byteTokenizer(): TokenizerFiles {
  const vocabulary = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
  const special = [END_OF_TEXT, TURN_START, TURN_END].map((content, i) => ({ id: 256 + i, content }));
  return {
    tokenizer: {
      ...tokenizerBase(vocabulary, special),
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    },
    settings: tokenizerSettings({ bos_token: null, eos_token: TURN_END, pad_token: END_OF_TEXT }),
    chatTemplate: CHAT_TEMPLATE,
    endIds: [258, 256],
    size: 259,
  };
}

/**
 * One token a character, ids in the order given.
 *
 * @param characters  the tokens; padding, beginning and end of text come first, in this order
 */
export function characterTokenizer(characters: readonly string[]): TokenizerFiles {
  invariant(
    characters.every((one) => [...one].length === 1),
    "every token is one character",
  );
  invariant(new Set(characters).size === characters.length && characters.length >= 3, "the characters are distinct");
  const vocabulary = Object.fromEntries(characters.map((character, id) => [character, id]));
  const special = characters.slice(0, 3).map((content, id) => ({ id, content }));
  const [pad, begin, end] = characters;
  return {
    // A BPE without merges reads characters; Fuse joins them again without spaces.
    tokenizer: { ...tokenizerBase(vocabulary, special), pre_tokenizer: null, decoder: { type: "Fuse" } },
    settings: tokenizerSettings({ bos_token: begin!, eos_token: end!, pad_token: pad! }),
    chatTemplate: null,
    endIds: [2],
    size: characters.length,
  };
}

function tokenizerBase(
  vocabulary: { readonly [token: string]: number },
  special: readonly { readonly id: number; readonly content: string }[],
): JsonObject {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map(({ id, content }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    post_processor: null,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges: [],
    },
  };
}

function tokenizerSettings(tokens: { readonly [name: string]: string | null }): JsonObject {
  return {
    ...tokens,
    add_bos_token: false,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    model_max_length: 1_000_000,
    tokenizer_class: "PreTrainedTokenizerFast",
  };
}

/**
 * The printable character that stands for each byte: itself where it is printable, else the next free one from 256 on.
 *
 * @source the byte-to-unicode table of GPT-2
 */
function byteCharacters(): readonly string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
