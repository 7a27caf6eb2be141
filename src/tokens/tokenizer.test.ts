import { describe, expect, it } from "vitest";
import { byteTokenizer, characterTokenizer, type TokenizerFiles } from "./byte-tokenizer.ts";
import { openTokenizer, type Tokenizer } from "./tokenizer.ts";

function opened(files: TokenizerFiles): Tokenizer {
  return openTokenizer({ ...files, where: "here" });
}

const MINIATURE = [..."_^$0123456789+-=:[]#abcdefghijkl"];

describe("byteTokenizer", () => {
  const tokenizer = opened(byteTokenizer());

  it("gives every byte of a text its own value as id, and takes it back", () => {
    const text = 'Ünï\t"code" ≤ 𝛼\n\n  1+1=2 .';
    expect(tokenizer.encode(text)).toEqual([...Buffer.from(text)]);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it("reads its three marks as one token each, and drops them only when asked", () => {
    const ids = tokenizer.encode("<|im_start|>user\nhi<|im_end|><|endoftext|>");
    expect(ids).toEqual([257, ...Buffer.from("user\nhi"), 258, 256]);
    expect(tokenizer.decode(ids)).toBe("<|im_start|>user\nhi<|im_end|><|endoftext|>");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("user\nhi");
  });

  it("leaves out ids that name no token", () => {
    expect(tokenizer.size).toBe(259);
    expect(tokenizer.decode([72, 4000, 105, 259])).toBe("Hi");
    expect(tokenizer.decode([4000])).toBe("");
    expect(tokenizer.decode([])).toBe("");
  });

  it("marks exactly what the assistant writes, its end mark included", () => {
    const chat = tokenizer.chatTemplate();
    const { text, spans } = chat.conversation([
      { role: "user", content: "1+1?" },
      { role: "assistant", content: "2" },
      { role: "user", content: "sure?" },
      { role: "assistant", content: "yes" },
    ]);
    expect(text).toBe(
      "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n" +
        "<|im_start|>user\nsure?<|im_end|>\n<|im_start|>assistant\nyes<|im_end|>\n",
    );
    expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual(["2<|im_end|>", "yes<|im_end|>"]);
    expect(chat.prompt([{ role: "user", content: "1+1?" }], { addGenerationPrompt: true })).toBe(
      "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n",
    );
  });
});

describe("characterTokenizer", () => {
  const tokenizer = opened(characterTokenizer(MINIATURE));

  it("numbers the characters in the order given and round-trips a trace", () => {
    const text = "^f+3e+2=f+3:0+3=3[e+2]#5$";
    expect(tokenizer.encode(text)).toEqual([...text].map((character) => MINIATURE.indexOf(character)));
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.idOf("$")).toBe(2);
    expect(tokenizer.tokenOf(31)).toBe("l");
  });

  it("refuses a text with a character it does not have", () => {
    expect(() => tokenizer.encode("f*3")).toThrow(/BAD_TOKENIZER/);
  });
});

describe("openTokenizer", () => {
  const { tokenizer, settings } = byteTokenizer();
  it.each([
    [{ ...tokenizer, model: null }, /"model" is not an object/],
    [{ ...tokenizer, model: { type: "BPE", vocab: { a: -1 }, merges: [] } }, /gives "a" no token id/],
    [{ ...tokenizer, added_tokens: [{ id: 4e9, content: "x" }] }, /lacks an id or a content/],
    [{ ...tokenizer, model: { type: "Nonesuch", vocab: {} } }, /cannot be used/],
  ])("names the fault of a broken tokenizer.json (case %#)", (broken, fault) => {
    expect(() => openTokenizer({ tokenizer: broken, settings, chatTemplate: null, where: "here" })).toThrow(fault);
  });
});
