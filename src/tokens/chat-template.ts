// A conversation to text through the checkpoint's own Jinja template, with the spans that the model itself wrote.

import { Template } from "@huggingface/jinja";
import { SwarrError, messageOf } from "../base/errors.ts";
import { quote } from "../base/json.ts";

export interface ChatMessage {
  readonly role: string;
  /** null where the message only calls tools */
  readonly content: string | null;
  /** more that the template may read: `reasoning_content`, `tool_calls`, `name` … */
  readonly [field: string]: unknown;
}

/** A part of a text, [start, end) in UTF-16 units as JavaScript counts. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

export interface RenderedChat {
  readonly text: string;
  /** What the assistant writes, its end-of-turn token included: the spans that are trained on. In order, apart. */
  readonly spans: readonly TextSpan[];
}

export interface ChatTemplate {
  /**
   * The text of the conversation; with `addGenerationPrompt` it ends where the assistant is to start.
   *
   * @throws `BAD_DATA` when a message has a field that the template never reads
   */
  prompt(messages: readonly ChatMessage[], options?: { readonly addGenerationPrompt?: boolean }): string;
  /**
   * The text with the assistant's spans: those the template marks with `{% generation %}`, or else found by rendering
   * the conversation up to each turn.
   *
   * @param learnFrom  index of the first message that is learned from; default 0. Spans of earlier ones are left out
   * @throws `BAD_TOKENIZER` when the template marks none and renders earlier turns differently once later ones follow
   * @throws `BAD_DATA` when a message has a field that the template never reads
   */
  conversation(messages: readonly ChatMessage[], learnFrom?: number): RenderedChat;
}

export interface TemplateContext {
  /** The checkpoint, for messages. */
  readonly where: string;
  /** The tokens that have a name, by name: `bos_token`, `eos_token`, `pad_token` … */
  readonly tokens: Readonly<Record<string, string>>;
}

/** @throws `BAD_TOKENIZER` when the template does not parse */
export function compileChatTemplate(template: string, context: TemplateContext): ChatTemplate {
  const plain = parse(template, context);
  const marked = GENERATION_TAG.test(template) ? markedTemplate(template, context) : null;
  const render = (
    program: Template,
    messages: readonly ChatMessage[],
    addGenerationPrompt: boolean,
    more = {},
  ): string => {
    requireRead(messages, template, context);
    const variables = {
      ...context.tokens,
      messages: messages.map((message) => ({ ...message })),
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      ...more,
    };
    try {
      return program.render(variables);
    } catch (cause) {
      throw badTemplate(context, `it refuses the conversation: ${messageOf(cause)}`, cause);
    }
  };
  const prompt = (messages: readonly ChatMessage[], addGenerationPrompt = false): string =>
    render(plain, messages, addGenerationPrompt);
  return {
    prompt: (messages, options = {}) => prompt(messages, options.addGenerationPrompt ?? false),
    conversation(messages, learnFrom = 0) {
      if (marked === null) return spansByPrefix(messages, learnFrom, prompt, context);
      const [open, close] = freshMarks(messages, template);
      const renderMarked = (turns: readonly ChatMessage[]): RenderedChat =>
        cutMarks(render(marked, turns, false, { [OPEN_NAME]: open, [CLOSE_NAME]: close }), open, close, context);
      const { text, spans } = renderMarked(messages);
      const given = messages.slice(0, learnFrom);
      const skipped = given.some(({ role }) => role === "assistant") ? renderMarked(given).spans.length : 0;
      return { text, spans: spans.slice(skipped) };
    },
  };
}

/** Says nothing that a template would print: it links a result to its call. */
const SILENT_FIELDS = ["role", "content", "tool_call_id"];

/** A field whose name the template does not hold would be lost without a word. */
function requireRead(messages: readonly ChatMessage[], template: string, { where }: TemplateContext): void {
  for (const [turn, message] of messages.entries()) {
    const says = (field: string): boolean => {
      const value = message[field] ?? "";
      return value !== "" && !(Array.isArray(value) && value.length === 0);
    };
    const lost = Object.keys(message).find(
      (field) => !SILENT_FIELDS.includes(field) && says(field) && !template.includes(field),
    );
    if (lost === undefined) continue;
    throw new SwarrError("BAD_DATA", {
      what: `Message ${turn} has the field ${quote(lost)}, which the chat template of ${where} never reads.`,
      expected: "fields that reach the model.",
      fix: "Remove the field, or put its text into content.",
    });
  }
}

const GENERATION_TAG = /{%-?\s*generation\s*-?%}/;
const OPEN_NAME = "swarr_span_open";
const CLOSE_NAME = "swarr_span_close";

/** Puts a mark where each tag stands. A block around it keeps the tag's own rules on the white space beside it. */
function markedTemplate(template: string, context: TemplateContext): Template {
  const marked = template.replace(
    /{%(-?)\s*(end)?generation\s*(-?)%}/g,
    (_tag, left: string, end: string | undefined, right: string) =>
      `{%${left} if true -%}{{- ${end === undefined ? OPEN_NAME : CLOSE_NAME} -}}{%- endif ${right}%}`,
  );
  return parse(marked, context);
}

/** Two private-use characters that neither the template nor the conversation has. */
function freshMarks(messages: readonly ChatMessage[], template: string): readonly [string, string] {
  const taken = template + JSON.stringify(messages);
  const free: string[] = [];
  for (let code = 0xe000; free.length < 2 && code < 0xf8ff; code++) {
    const mark = String.fromCharCode(code);
    if (!taken.includes(mark)) free.push(mark);
  }
  return [free[0] ?? "", free[1] ?? ""];
}

function cutMarks(rendered: string, open: string, close: string, context: TemplateContext): RenderedChat {
  const spans: TextSpan[] = [];
  let text = "";
  let start: number | null = null;
  let from = 0;
  for (let i = 0; i < rendered.length; i++) {
    const character = rendered[i];
    if (character !== open && character !== close) continue;
    text += rendered.slice(from, i);
    from = i + 1;
    if ((character === open) !== (start === null)) throw badTemplate(context, "its generation tags do not pair up");
    if (start !== null && text.length > start) spans.push({ start, end: text.length });
    start = start === null ? text.length : null;
  }
  if (start !== null) throw badTemplate(context, "its generation tags do not pair up");
  return { text: text + rendered.slice(from), spans };
}

function spansByPrefix(
  messages: readonly ChatMessage[],
  learnFrom: number,
  prompt: (messages: readonly ChatMessage[], addGenerationPrompt?: boolean) => string,
  context: TemplateContext,
): RenderedChat {
  const text = prompt(messages);
  const spans = messages.flatMap(({ role }, turn) => {
    if (role !== "assistant" || turn < learnFrom) return [];
    const before = prompt(messages.slice(0, turn), true);
    const after = prompt(messages.slice(0, turn + 1));
    if (after.startsWith(before) && text.startsWith(after))
      return [endAtEndToken(text, before.length, after.length, context)];
    throw badTemplate(
      context,
      `it has no {% generation %} marks and writes turn ${turn} differently once later turns follow, so its span is not known`,
    );
  });
  return { text, spans };
}

/** The line break that many templates put after the end token is not the assistant's. */
function endAtEndToken(text: string, start: number, end: number, { tokens }: TemplateContext): TextSpan {
  const endToken = tokens.eos_token ?? "";
  const last = endToken === "" ? -1 : text.slice(start, end).lastIndexOf(endToken);
  return { start, end: last < 0 ? end : start + last + endToken.length };
}

function parse(template: string, context: TemplateContext): Template {
  try {
    return new Template(template);
  } catch (cause) {
    throw badTemplate(context, messageOf(cause), cause);
  }
}

function badTemplate({ where }: TemplateContext, fault: string, cause?: unknown): SwarrError {
  return new SwarrError(
    "BAD_TOKENIZER",
    {
      what: `The chat template of ${where} cannot be used: ${fault}.`,
      expected: "a Jinja template that renders this conversation.",
      fix: "Correct the template or the conversation, or use plain text without a chat.",
    },
    { cause },
  );
}
