// Laws of a token's own text: its space stays, and half a character has none.

import { describe, expect, it } from "vitest";
import { byteTokenizer } from "./byte-tokenizer.ts";
import { tokenText } from "./token-text.ts";
import { openTokenizer, type Tokenizer } from "./tokenizer.ts";

const bytes = openTokenizer({ ...byteTokenizer(), where: "the test" });

describe("tokenText", () => {
  it("keeps the leading space that a decoder of whole texts drops", () => {
    const words = ["▁two", "and", "▁"];
    const decode = (ids: ArrayLike<number>): string =>
      Array.from(ids, (id) => words[id]!.replace("▁", " "))
        .join("")
        .replace(/^ /, "");
    const pieces: Tokenizer = { ...bytes, decode };
    expect(decode([0])).toBe("two");
    expect([0, 1, 2].map((id) => tokenText(pieces, id))).toEqual([" two", "and", " "]);
  });

  it("is null for a byte that is no character, and the mark itself for a special token", () => {
    expect([0x41, 0x20, 0xe2, 258].map((id) => tokenText(bytes, id))).toEqual(["A", " ", null, "<|im_end|>"]);
  });
});
