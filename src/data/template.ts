// Prompt templates: from a question to the text, or the messages, that a model is asked with.

import { SwarrError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { quote } from "../base/json.ts";
import type { Message } from "./record.ts";

/** How a question becomes a prompt; `chat` needs the model's own chat template to become text. */
export type Template =
  | { readonly kind: "text"; readonly name: string; readonly text: string }
  | { readonly kind: "chat"; readonly name: string; readonly text: string; readonly system?: string };

export type Prompt =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "messages"; readonly messages: readonly Message[] };

const SLOT = "{question}";
const BOXED_INSTRUCTION = "Please reason step by step, and put your final answer within \\boxed{}.";

/**
 * The built-in templates by name.
 *
 * @source `qwen-math` is the prompt published with Qwen2.5-Math (`qwen25-math-cot`), written out with its role markers;
 *   `gsm8k` is the question/answer prompt of the field's usual GSM8K evaluations
 */
export const TEMPLATES: Readonly<Record<string, Template>> = {
  plain: { kind: "text", name: "plain", text: `${SLOT}\n` },
  gsm8k: { kind: "text", name: "gsm8k", text: `Question: ${SLOT}\nAnswer: ` },
  boxed: { kind: "text", name: "boxed", text: `${SLOT}\n${BOXED_INSTRUCTION}\n` },
  "qwen-math": {
    kind: "text",
    name: "qwen-math",
    text:
      `<|im_start|>system\n${BOXED_INSTRUCTION}<|im_end|>\n` +
      `<|im_start|>user\n${SLOT}<|im_end|>\n<|im_start|>assistant\n`,
  },
  chat: { kind: "chat", name: "chat", text: SLOT },
  "chat-boxed": { kind: "chat", name: "chat-boxed", text: SLOT, system: BOXED_INSTRUCTION },
};

/** The template used when none is asked for, in training and in evaluation alike. */
export const DEFAULT_TEMPLATE = "plain";

/**
 * A template from what a person wrote: a built-in name, text with `{question}` in it, or a file of such text.
 * In text given directly, `\n` written as two characters is a line break; in a file it is not.
 *
 * @throws `BAD_ARGUMENT` when it is none of these
 */
export function templateFrom(written: string): Template {
  const builtIn = Object.hasOwn(TEMPLATES, written) ? TEMPLATES[written] : undefined;
  if (builtIn !== undefined) return builtIn;
  const file = templateFile(written);
  if (file === null) return { kind: "text", name: "text", text: written.replaceAll("\\n", "\n") };
  const fix = `Use one of ${Object.keys(TEMPLATES).join(", ")}, text containing ${SLOT}, or a file of such text.`;
  if (!/[./\\]/.test(file)) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: `There is no template named ${quote(written)}.`,
      expected: `a built-in name, a file, or text containing ${SLOT}.`,
      fix,
    });
  }
  const text = readText(file, "the prompt template");
  if (text.includes(SLOT)) return { kind: "text", name: written, text };
  throw new SwarrError("BAD_ARGUMENT", {
    what: `The template file ${written} does not contain ${SLOT}.`,
    expected: `text with ${SLOT} where the question goes.`,
    fix,
  });
}

/** The file that a template as written stands for; null for a built-in name and for text given directly. */
export function templateFile(written: string): string | null {
  return Object.hasOwn(TEMPLATES, written) || written.includes(SLOT) ? null : written;
}

/** The prompt of one question. Replaced as plain text: `$&` in a question stays `$&`. */
export function promptOf(template: Template, question: string): Prompt {
  const text = template.text.split(SLOT).join(question);
  if (template.kind === "text") return { kind: "text", text };
  const system: readonly Message[] =
    template.system === undefined ? [] : [{ role: "system", content: template.system }];
  return { kind: "messages", messages: [...system, { role: "user", content: text }] };
}
