// Laws of training sequences: what is trained on, and the same tokens as the text has as a whole.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import { byteTokenizer } from "../tokens/byte-tokenizer.ts";
import { openTokenizer, type Tokenizer } from "../tokens/tokenizer.ts";
import { sequenceOf } from "./dataset.ts";

const GOLDEN = path.join(import.meta.dirname, "../../test/golden/tokenizers/pieces.json");
const { tokenizer: pieces } = JSON.parse(fs.readFileSync(GOLDEN, "utf8")) as { readonly tokenizer: JsonObject };
const END = 258;

describe("sequenceOf", () => {
  const bytes = openTokenizer({ ...byteTokenizer(), where: "bytes" });

  it("trains on the whole response and an end token of its own", () => {
    const { ids, promptLength, trained } = sequenceOf(bytes, { id: "0", prompt: "ab", response: "cd" }, END);
    expect(ids).toEqual([97, 98, 99, 100, END]);
    expect([promptLength, trained]).toEqual([2, [1, 1, 1]]);
  });

  it("trains on the spans alone where a chat has them", () => {
    const spans = [
      { start: 0, end: 1 },
      { start: 2, end: 3 },
    ];
    const chat = { id: "0", prompt: "p", response: "abcd", spans, closed: true } as const;
    expect(sequenceOf(bytes, chat, END)).toMatchObject({ ids: [..."pabcd"].map((c) => c.charCodeAt(0)) });
    expect(sequenceOf(bytes, chat, END).trained).toEqual([1, 0, 1, 0]);
  });

  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  const first = { ...metaspace, prepend_scheme: "first" };
  it.each([
    ["Prepend", pieces],
    ["Metaspace", { ...pieces, normalizer: null, pre_tokenizer: metaspace }],
    ["Metaspace at the start alone", { ...pieces, normalizer: null, pre_tokenizer: first }],
  ])("gives parts the tokens they have in the whole text, though %s marks a text's start", (_name, json) => {
    const tokenizer = openTokenizer({ tokenizer: json, settings: {}, chatTemplate: null, where: "pieces" });
    for (const prompt of ["3 + 4", "<|user|>\n3 + 4\n", "<|user|>"]) {
      const response = " is 7<|end|>so 7\nin all";
      const spans = [{ start: 0, end: " is 7<|end|>".length }];
      const whole = tokenizer.encode(prompt + response);
      const { ids } = sequenceOf(tokenizer, { id: "0", prompt, response, spans, closed: true }, END);
      expect(ids).toEqual(whole);
    }
  });

  it("gives a response behind its prompt no word mark of its own", () => {
    const tokenizer = openTokenizer({ tokenizer: pieces, settings: {}, chatTemplate: null, where: "pieces" });
    const { ids } = sequenceOf(tokenizer, { id: "0", prompt: "3 + 4 =", response: " 7" }, 420);
    expect(ids).toEqual([...tokenizer.encode("3 + 4 ="), ...tokenizer.encode("7"), 420]);
  });

  it("needs no token for the character that it puts in front of a response", () => {
    const vocab = Object.fromEntries([..."▁ab\n."].map((character, id) => [character, id]));
    const json = { ...pieces, added_tokens: [], model: { type: "BPE", vocab, merges: [] }, decoder: null };
    const tokenizer = openTokenizer({ tokenizer: json, settings: {}, chatTemplate: null, where: "few" });
    expect(sequenceOf(tokenizer, { id: "0", prompt: "ab", response: "b a" }, 4).ids).toEqual([0, 1, 2, 2, 0, 1, 4]);
    expect(() => sequenceOf(tokenizer, { id: "0", prompt: "ab", response: "c" }, 4)).toThrow(/no token stands for/);
  });

  it("keeps an unknown character at a response's start, though unknown neighbours fuse", () => {
    const vocab = [
      ["<unk>", 0],
      ["▁", -1],
      ["a", -1],
      ["b", -1],
      [".", -1],
    ];
    const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always" };
    const model = { type: "Unigram", unk_id: 0, vocab, byte_fallback: false };
    const json = { model, normalizer: null, pre_tokenizer: metaspace, decoder: metaspace };
    const open = (more: object): Tokenizer =>
      openTokenizer({
        tokenizer: { ...json, model: { ...model, ...more } },
        settings: {},
        chatTemplate: null,
        where: "few",
      });
    const example = { id: "0", prompt: "ab", response: "漢b" };
    expect(sequenceOf(open({}), example, 9).ids).toEqual([1, 2, 3, 0, 3, 9]);
    expect(() => sequenceOf(open({ byte_fallback: true }), example, 9)).toThrow(/byte tokens.*\[BAD_TOKENIZER\]/);
  });
});
