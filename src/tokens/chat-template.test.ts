import { describe, expect, it } from "vitest";
import { compileChatTemplate } from "./chat-template.ts";

const context = { where: "here", beginToken: "<s>", endToken: "</s>" };
const talk = [
  { role: "system", content: "be brief" },
  { role: "user", content: "1+1?" },
  { role: "assistant", content: "2" },
];

function spansOf(template: string, messages = talk): readonly string[] {
  const { text, spans } = compileChatTemplate(template, context).conversation(messages);
  return spans.map(({ start, end }) => text.slice(start, end));
}

describe("compileChatTemplate", () => {
  it("keeps the tags' own rules on white space, so that marking changes no character of the text", () => {
    const template = [
      "{{ bos_token }}",
      "{%- for m in messages %}",
      "  {%- if m.role == 'assistant' %}",
      "    {% generation %}",
      "  {{ m.content }}",
      "    {%- endgeneration -%}",
      "  {% else %}",
      "[{{ m.role }}] {{ m.content }}",
      "  {% endif %}",
      "{%- endfor %}",
    ].join("\n");
    const chat = compileChatTemplate(template, context);
    expect(chat.conversation(talk).text).toBe(chat.prompt(talk));
    expect(spansOf(template)).toEqual(["  2"]);
  });

  it("finds the spans of an unmarked template from the prompts before them, ending with the end token", () => {
    const template =
      "{% for m in messages %}<{{ m.role }}>\n{{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}\n{% endfor %}" +
      "{% if add_generation_prompt %}<assistant>\n{% endif %}";
    expect(spansOf(template)).toEqual(["2</s>"]);
  });

  it("refuses an unmarked template that rewrites earlier turns, rather than guess", () => {
    const template = "{% for m in messages %}{{ m.content if loop.last else '-' }}|{% endfor %}";
    const messages = [...talk, { role: "user", content: "sure?" }];
    expect(() => spansOf(template, messages)).toThrow(/no \{% generation %\} marks .* turn 2 .*\[BAD_TOKENIZER\]/);
  });

  it("passes on what the template itself refuses", () => {
    const template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}";
    expect(() => compileChatTemplate(template, context).prompt(talk)).toThrow(/no system turns/);
  });

  it("refuses a template that does not parse", () => {
    expect(() => compileChatTemplate("{% for m in %}", context)).toThrow(/BAD_TOKENIZER/);
  });

  it("is not misled by a conversation that contains its own marks", () => {
    const template = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}";
    expect(spansOf(template, [{ role: "assistant", content: "\ue000x\ue001" }])).toEqual(["\ue000x\ue001"]);
  });
});
