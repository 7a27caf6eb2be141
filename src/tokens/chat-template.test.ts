import { describe, expect, it } from "vitest";
import { compileChatTemplate } from "./chat-template.ts";

const context = { where: "here", tokens: { bos_token: "<s>", eos_token: "</s>" } };
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

  it("gives the template every named token, and tools and documents as null", () => {
    const tokens = { pad_token: "<pad>", image_token: "<image>" };
    const template = "{{ pad_token }}{{ image_token }}{{ bos_token }}|{{ tools is none and documents is none }}";
    expect(compileChatTemplate(template, { where: "here", tokens }).prompt(talk)).toBe("<pad><image>|true");
  });

  it("passes a message's other fields on, and refuses one that the template never reads", () => {
    const thinking = [{ role: "assistant", content: "2", reasoning_content: "one more" }];
    const reading = "{% for m in messages %}({{ m.reasoning_content }}) {{ m.content }}{% endfor %}";
    expect(compileChatTemplate(reading, context).prompt(thinking)).toBe("(one more) 2");
    const deaf = compileChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}", context);
    expect(() => deaf.prompt(thinking)).toThrow(/Message 0 has the field "reasoning_content".*\[BAD_DATA\]/);
    expect(deaf.prompt([{ role: "assistant", content: "2", reasoning_content: null, tool_calls: [] }])).toBe("2");
  });

  const turns = [
    { role: "user", content: "1+1?" },
    { role: "assistant", content: "3" },
    { role: "user", content: "sure?" },
    { role: "assistant", content: "2" },
  ];
  it.each([
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}</s>{% endif %}{% endfor %}",
  ])("leaves out the spans before the message that is first learned from (case %#)", (template) => {
    expect(spansOf(template, turns)).toEqual(["3</s>", "2</s>"]);
    const { text, spans } = compileChatTemplate(template, context).conversation(turns, 3);
    expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual(["2</s>"]);
  });
});
