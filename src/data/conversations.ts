// Rows of a training file, in the three layouts that are recognised, as conversations.

import { SwarrError } from "../base/errors.ts";
import { isObject, quote, type JsonObject } from "../base/json.ts";
import { badRow, fieldOf, hasField, requireText, unknownLayout, type FieldMapping, type Row } from "./fields.ts";
import { MESSAGE_ROLES, type Conversation, type Message, type MessageRole } from "./record.ts";
import { promptOf, type Template } from "./template.ts";

type Layout = "messages" | "prompt/completion" | "question/answer";

const LAYOUTS: readonly { readonly layout: Layout; readonly fields: readonly string[] }[] = [
  { layout: "messages", fields: ["messages"] },
  { layout: "prompt/completion", fields: ["prompt", "completion"] },
  { layout: "question/answer", fields: ["question", "answer"] },
];

/**
 * Reads rows as conversations: `prompt`/`completion` (texts, or lists of messages), `messages`, or `question`/`answer`
 * (other columns by mapping), where the template makes the prompt and the whole answer text is the response.
 * Every row of a file has the layout of its first one.
 *
 * @param where  the file, for complaints
 * @throws `BAD_DATA` naming the line: an unknown or ambiguous layout with the fields found, an empty text, messages that teach nothing
 */
export function conversationsFromRows(
  rows: readonly Row[],
  where: string,
  template: Template,
  mapping: FieldMapping = {},
): readonly Conversation[] {
  const first = rows[0];
  if (first === undefined) {
    throw new SwarrError("BAD_DATA", {
      what: `${where} has no rows.`,
      expected: "at least one training row.",
      fix: "Check that this is the right file.",
    });
  }
  const questionField = mapping.questionField ?? "question";
  const answerField = mapping.answerField ?? "answer";
  const mapped = mapping.questionField !== undefined || mapping.answerField !== undefined;
  const layout = mapped ? "question/answer" : layoutOf(first.value, `${where} line ${first.line}`);
  return rows.map((row) => {
    const place = `${where} line ${row.line}`;
    if (layout !== "question/answer") requireNoTools(row, place);
    switch (layout) {
      case "messages":
        return { kind: "messages", messages: messagesFrom(fieldOf(row.value, "messages"), `${place}: messages`, row) };
      case "prompt/completion":
        return fromPromptAndCompletion(row, place);
      case "question/answer":
        return fromQuestionAndAnswer(row, place, template, questionField, answerField);
      default:
        return layout satisfies never;
    }
  });
}

function layoutOf(row: JsonObject, place: string): Layout {
  const fitting = LAYOUTS.filter(({ fields }) => fields.every((name) => hasField(row, name)));
  const known = LAYOUTS.map(({ layout }) => layout).join(", or ");
  const only = fitting[0];
  if (only === undefined) {
    throw unknownLayout(
      place,
      row,
      `one of the layouts ${known}.`,
      "Rename the columns, or map them to question and answer.",
    );
  }
  if (fitting.length === 1) return only.layout;
  throw new SwarrError("BAD_DATA", {
    what: `${place} fits several layouts at once: ${fitting.map(({ layout }) => layout).join(" and ")}.`,
    expected: "one layout.",
    fix: "Remove the columns that are not meant, or name the question and answer columns.",
  });
}

function fromPromptAndCompletion(row: Row, place: string): Conversation {
  const prompt = fieldOf(row.value, "prompt");
  const completion = fieldOf(row.value, "completion");
  if (isList(prompt) && isList(completion)) {
    const messages = messagesFrom([...prompt, ...completion], `${place}: prompt and completion`, row);
    if (messages[prompt.length - 1]?.role === "assistant") {
      throw badRow(`${place}: prompt`, "ends with an assistant's message", "one that the completion answers.");
    }
    return { kind: "messages", messages, learnFrom: prompt.length };
  }
  if (typeof prompt !== "string") {
    if (prompt === undefined || prompt === null) throw missing(place, row, "prompt");
    throw badRow(`${place}: prompt`, `is ${quote(prompt)}`, "a text, like completion.");
  }
  if (!hasField(row.value, "completion")) throw missing(place, row, "completion");
  return { kind: "text", prompt, response: requireText(completion, `${place}: completion`) };
}

function fromQuestionAndAnswer(
  row: Row,
  place: string,
  template: Template,
  questionField: string,
  answerField: string,
): Conversation {
  for (const field of [questionField, answerField]) {
    if (!hasField(row.value, field)) throw missing(place, row, field);
  }
  const question = requireText(fieldOf(row.value, questionField), `${place}: ${questionField}`);
  const response = requireText(fieldOf(row.value, answerField), `${place}: ${answerField}`);
  const prompt = promptOf(template, question);
  if (prompt.kind === "text") return { kind: "text", prompt: prompt.text, response };
  return { kind: "messages", messages: [...prompt.messages, { role: "assistant", content: response }] };
}

/** What a chat template would be given beside the messages. */
function requireNoTools({ value }: Row, place: string): void {
  const tools = value["tools"] ?? [];
  if (tools === "" || (isList(tools) && tools.length === 0)) return;
  throw badRow(`${place}: tools`, `is ${quote(tools)}`, "none: tool descriptions are not passed to the chat template.");
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function messagesFrom(value: unknown, place: string, row: Row): readonly Message[] {
  if (value === undefined || value === null) throw missing(place, row, "messages");
  if (!Array.isArray(value) || value.length === 0) throw badRow(place, `is ${quote(value)}`, "a list of messages.");
  const messages = value.map((item, index) => messageFrom(item, `${place}[${index}]`));
  if (messages.at(-1)?.role === "assistant") return messages;
  throw badRow(place, `ends with the role "${messages.at(-1)?.role}"`, "an assistant's message last, to learn from.");
}

function messageFrom(item: unknown, place: string): Message {
  if (!isObject(item)) throw badRow(place, `is ${quote(item)}`, "an object with role and content.");
  const role = MESSAGE_ROLES.find((known): known is MessageRole => known === item["role"]);
  if (role === undefined) {
    throw badRow(`${place}.role`, `is ${quote(item["role"])}`, `one of the roles ${MESSAGE_ROLES.join(", ")}.`);
  }
  const { content = null } = item;
  if (typeof content === "string") return { ...item, role, content };
  if (content === null && isList(item["tool_calls"]) && item["tool_calls"].length > 0)
    return { ...item, role, content };
  throw badRow(`${place}.content`, `is ${quote(item["content"])}`, "a text.");
}

function missing(place: string, row: Row, field: string): SwarrError {
  return unknownLayout(
    place,
    row.value,
    `the field ${field}, as in the file's first row.`,
    "Repair or remove the row.",
  );
}
