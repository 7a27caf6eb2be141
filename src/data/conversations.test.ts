// Laws of training rows: three layouts, one record, and templates that never touch the question.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import { conversationsFromRows } from "./conversations.ts";
import { promptOf, TEMPLATES, templateFrom, type Template } from "./template.ts";

const plain = templateFrom("plain");

function read(rows: readonly JsonObject[], template: Template = plain, mapping = {}): unknown {
  return conversationsFromRows(
    rows.map((value, index) => ({ line: index + 1, value })),
    "train.jsonl",
    template,
    mapping,
  );
}

describe("conversationsFromRows", () => {
  it("keeps prompt and completion byte for byte, an empty prompt included", () => {
    expect(
      read([
        { prompt: "^f+3=", completion: " f+3 \n" },
        { prompt: "", completion: "x" },
      ]),
    ).toEqual([
      { kind: "text", prompt: "^f+3=", response: " f+3 \n" },
      { kind: "text", prompt: "", response: "x" },
    ]);
  });

  it("reads messages, and prompt and completion that are lists of messages", () => {
    const user = { role: "user", content: "1+1?" };
    const assistant = { role: "assistant", content: "2" };
    const wanted = [{ kind: "messages", messages: [user, assistant] }];
    expect(read([{ messages: [user, assistant], prompt: "1+1?" }])).toEqual(wanted);
    expect(read([{ prompt: [user], completion: [assistant] }])).toEqual([{ ...wanted[0], learnFrom: 1 }]);
    expect(() => read([{ prompt: [user, assistant], completion: [assistant] }])).toThrow(
      /prompt ends with an assistant/,
    );
  });

  it("keeps a message's other fields, and refuses tools beside the messages", () => {
    const user = { role: "user", content: "1+1?", name: "Ada" };
    const call = { role: "assistant", content: null, tool_calls: [{ function: { name: "add" } }] };
    const said = { role: "assistant", content: "2", reasoning_content: "one more" };
    const messages = [user, call, said];
    expect(read([{ messages, tools: null }])).toEqual([{ kind: "messages", messages }]);
    expect(() => read([{ messages, tools: [{ type: "function" }] }])).toThrow(/line 1: tools is .*\[BAD_DATA\]/);
    expect(() => read([{ messages: [user, { role: "assistant", content: null }] }])).toThrow(/content is null/);
  });

  it("makes the prompt of a question with the template and keeps the whole answer as the response", () => {
    const row = { question: "1+1?", answer: "1+1=<<1+1=2>>2\n#### 2" };
    expect(read([row])).toEqual([{ kind: "text", prompt: "1+1?\n", response: row.answer }]);
    expect(read([row], templateFrom("chat"))).toEqual([
      {
        kind: "messages",
        messages: [
          { role: "user", content: "1+1?" },
          { role: "assistant", content: row.answer },
        ],
      },
    ]);
    expect(
      read([{ problem: "P", solution: "S" }], plain, { questionField: "problem", answerField: "solution" }),
    ).toEqual([{ kind: "text", prompt: "P\n", response: "S" }]);
  });

  it("refuses unknown and ambiguous layouts with the fields found", () => {
    expect(() => read([{ instruction: "a", output: "b" }])).toThrow(/line 1 has the fields instruction, output/);
    expect(() => read([{ prompt: "a", completion: "b", question: "c", answer: "d" }])).toThrow(
      /line 1 fits several layouts at once: prompt\/completion and question\/answer/,
    );
  });

  it("names the line and the place of a row that is broken or of another layout", () => {
    const good = { prompt: "a", completion: "b" };
    expect(() => read([good, { question: "a", answer: "b" }])).toThrow(/line 2 has the fields question, answer/);
    expect(() => read([good, { prompt: "a", completion: "" }])).toThrow(/line 2: completion is ""/);
    const user = { role: "user", content: "x" };
    expect(() => read([{ messages: [user] }])).toThrow(/line 1: messages ends with the role "user"/);
    expect(() => read([{ messages: [] }])).toThrow(/line 1: messages is \[\]/);
    expect(() => read([{ messages: [{ role: "human", content: "x" }] }])).toThrow(/messages\[0\]\.role is "human"/);
    expect(() => read([{ messages: [user, { role: "assistant", content: [{ type: "text" }] }] }])).toThrow(
      /messages\[1\]\.content/,
    );
  });
});

describe("templateFrom", () => {
  it("knows the built-in names, text with {question}, and files of such text", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "swarr-template-"));
    const file = path.join(folder, "mine.txt");
    fs.writeFileSync(file, "Frage: {question}\nAntwort:");
    expect(templateFrom(file)).toEqual({ kind: "text", name: file, text: "Frage: {question}\nAntwort:" });
    fs.writeFileSync(file, "no slot");
    expect(() => templateFrom(file)).toThrow(/does not contain \{question\}/);
    fs.rmSync(folder, { recursive: true });
    expect(templateFrom("Q: {question}\\nA:")).toEqual({ kind: "text", name: "text", text: "Q: {question}\nA:" });
    expect(templateFrom("qwen-math")).toBe(TEMPLATES["qwen-math"]);
    expect(() => templateFrom("qwen")).toThrow(/no template named "qwen".*plain, gsm8k/);
    expect(() => templateFrom("toString")).toThrow(/no template named/);
    expect(() => templateFrom("./missing.txt")).toThrow(/missing\.txt.*FILE_MISSING/);
  });
});

describe("promptOf", () => {
  it("puts the question in as it is, in every slot, replacement patterns and slots of its own included", () => {
    const question = "Cost $& or $1 {question} \\n?";
    expect(promptOf(templateFrom("<{question}> <{question}>"), question)).toEqual({
      kind: "text",
      text: `<${question}> <${question}>`,
    });
  });

  it("gives the chat template a system message only when the template has one", () => {
    expect(promptOf(templateFrom("chat"), "Q")).toEqual({
      kind: "messages",
      messages: [{ role: "user", content: "Q" }],
    });
    expect(promptOf(templateFrom("chat-boxed"), "Q")).toMatchObject({
      messages: [{ role: "system" }, { content: "Q" }],
    });
  });
});
