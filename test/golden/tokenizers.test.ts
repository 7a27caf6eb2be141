// Token ids, decoded texts and chat renderings against those the tokenizers library and transformers recorded.

import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { compileChatTemplate, type ChatMessage } from "../../src/tokens/chat-template.ts";
import { openTokenizer } from "../../src/tokens/tokenizer.ts";

interface TokenizerGolden {
  readonly tokenizer: JsonObject;
  readonly rows: readonly { readonly text: string; readonly ids: readonly number[]; readonly decoded: string }[];
}

interface ChatGolden {
  readonly templates: { readonly [name: string]: string };
  readonly beginToken: string;
  readonly endToken: string;
  readonly cases: readonly {
    readonly template: string;
    readonly messages: readonly ChatMessage[];
    readonly text: string;
    readonly prompt: string;
    readonly trained: string;
  }[];
}

const read = (name: string): unknown =>
  JSON.parse(fs.readFileSync(path.join(import.meta.dirname, "tokenizers", `${name}.json`), "utf8"));

describe("openTokenizer", () => {
  for (const name of ["digits-single", "digits-threes", "pieces"]) {
    const golden = read(name) as TokenizerGolden;
    const tokenizer = openTokenizer({ tokenizer: golden.tokenizer, settings: {}, chatTemplate: null, where: name });

    it.each(golden.rows)(`${name}: gives $text the ids that the reference gives`, ({ text, ids }) => {
      expect(tokenizer.encode(text)).toEqual(ids);
    });

    it.each(golden.rows)(`${name}: decodes the ids of $text as the reference does`, ({ ids, decoded }) => {
      expect(tokenizer.decode(ids)).toBe(decoded);
    });
  }
});

describe("compileChatTemplate", () => {
  const { templates, cases, beginToken, endToken } = read("chat") as ChatGolden;
  const tokens = { bos_token: beginToken, eos_token: endToken };

  it.each(cases)("renders $template as transformers does, and marks the same text as trained (case %#)", (row) => {
    const chat = compileChatTemplate(templates[row.template]!, { where: row.template, tokens });
    const { text, spans } = chat.conversation(row.messages);
    expect(text).toBe(row.text);
    expect(chat.prompt(row.messages, { addGenerationPrompt: true })).toBe(row.prompt);
    expect(spans.map(({ start, end }) => text.slice(start, end)).join("")).toBe(row.trained);
  });
});
