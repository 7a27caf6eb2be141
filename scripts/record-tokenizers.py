"""Records what the tokenizers library does with small tokenizers of the kinds real checkpoints have, and chat templates.

    python scripts/record-tokenizers.py [--out test/golden/tokenizers]

Needs tokenizers and transformers. Each file holds one tokenizer.json, texts with their ids and their decoded form;
chat.json holds templates with rendered conversations and the characters that the assistant wrote.
"""

import argparse
import json
from datetime import date
from pathlib import Path

import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

CORPUS = [
    "The window counts the query itself: a query sees itself and the tokens before it, 36 in all.",
    "def total(terms):\n    value = 0\n    for sign, digit in terms:\n        value += sign * digit\n    return value\n",
    "Let $x = \\frac{3}{4}$; then 12x + 5 = 14, so the answer is \\boxed{14}. It's what we've shown, isn't it?",
    "Die Größe des Fensters zählt: 1024 oder 4096 Zeichen. Où est la fenêtre ? ¿Cuánto es 2 + 2? Сколько будет 7?",
    "窗口大小是多少？答案是四十二。 ウィンドウの大きさは 42 です。",
    "- one\n- two\n\n\n    indented    text\twith\ttabs   and trailing spaces   \n1234567890 98765 3.14159 1,000,000",
] * 4

TEXTS = [
    "",
    " ",
    "Hello world",
    " Hello  world ",
    "It's what we've shown, isn't it? HE'LL SAY SO",
    "1234567890 12 3.14159 -7 1,000,000",
    "def f(x):\n    return x ** 2\n\n\n\tprint( f(3) )",
    "\\boxed{\\frac{3}{4}} $x^2$ & <b>",
    "Größe Où ¿Cuánto? naïve café",
    "窗口大小是多少？ウィンドウ 한국어",
    "emoji 🙂👍🏽 flags 🇩🇪 family 👨‍👩‍👧",
    "e\u0301 n\u0303 \u212b ﬁ Ⅷ",
    "\u00a0nbsp\u2003em\u200bzero",
    "\r\nwindows\r\n\r\nlines\n \n \t\n",
    "<|end|><|user|>hi<|end|>",
    "a<|end|> b <|user|>c <|extra|>d",
    "ﷺ ٣٤٥ १२३ Ελλάδα",
    "x" * 70 + "   " + "=" * 40,
]

CHAT = {
    "marked": (
        "{{ bos_token }}{% for message in messages %}"
        "{% if message.role == 'assistant' %}<|assistant|>\n{% generation %}{{ message.content }}<|end|>{% endgeneration %}\n"
        "{% else %}<|{{ message.role }}|>\n{{ message.content | trim }}<|end|>\n{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    ),
    "white-space": (
        "{%- for message in messages %}\n"
        "    {%- if message['role'] == 'assistant' %}\n"
        "        {%- generation %}\n"
        "        {{- message['content'] + '<|end|>' }}\n"
        "        {%- endgeneration %}\n"
        "    {%- else %}\n"
        "        {{- '[' + message['role'] + '] ' + message['content'] + '\\n' }}\n"
        "    {%- endif %}\n"
        "{%- endfor %}\n"
    ),
    "on-lines": (
        "{% for message in messages %}\n"
        "  {% if message.role == 'assistant' %}\n"
        "  {% generation %}\n"
        "  {{ message.content }}\n"
        "  {% endgeneration %}\n"
        "  {% else %}\n"
        "  {{ loop.index0 }}: {{ message.content }}\n"
        "  {% endif %}\n"
        "{% endfor %}"
    ),
}
CONVERSATIONS = [
    [{"role": "user", "content": "1+1?"}],
    [{"role": "system", "content": " be brief "}, {"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}],
    [
        {"role": "user", "content": "Größe?"},
        {"role": "assistant", "content": "窗口 🙂\n"},
        {"role": "user", "content": "sure?"},
        {"role": "assistant", "content": "yes"},
    ],
]


def special():
    return [AddedToken(token, special=True) for token in ("<|end|>", "<|user|>")]


def byte_level(pattern, normalizer=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def make_tokenizers():
    """Digits one by one with Unicode normal form C; digits by threes with a begin token; pieces with a space mark and bytes."""
    single = byte_level(f"{CONTRACTIONS}|{WORDS}|\\p{{N}}|{REST}", normalizers.NFC())
    threes = byte_level(f"{CONTRACTIONS}|{WORDS}|\\p{{N}}{{1,3}}|{REST}", ignore_merges=True)
    pieces = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    pieces.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    pieces.decoder = decoders.Sequence(steps)
    bytes_first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=bytes_first, show_progress=False)
    pieces.train_from_iterator([text.replace(" ", "▁") for text in CORPUS], trainer)
    for tokenizer in (single, threes, pieces):
        tokenizer.add_special_tokens(special())
        tokenizer.add_tokens([AddedToken("<|extra|>", special=False, normalized=False)])
    threes.post_processor = processors.TemplateProcessing(single="<|user|> $A", special_tokens=[("<|user|>", threes.token_to_id("<|user|>"))])
    return {"digits-single": single, "digits-threes": threes, "pieces": pieces}


def record_chat(tokenizer):
    """Rendered by transformers; the assistant's part as the characters whose tokens the reference marks."""
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|user|>", eos_token="<|end|>")
    cases = []
    for name, template in CHAT.items():
        for messages in CONVERSATIONS:
            text = fast.apply_chat_template(messages, chat_template=template, tokenize=False)
            prompt = fast.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
            encoded = fast.apply_chat_template(
                messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
            )
            mask = encoded["assistant_masks"]
            trained = fast.decode([token for token, kept in zip(encoded["input_ids"], mask) if kept])
            cases.append(dict(template=name, messages=messages, text=text, prompt=prompt, trained=trained))
    return dict(templates=CHAT, beginToken="<|user|>", endToken="<|end|>", cases=cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "test" / "golden" / "tokenizers")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    made = dict(madeBy="scripts/record-tokenizers.py", tokenizers=tokenizers.__version__, transformers=transformers.__version__)
    header = {**made, "date": str(date.today())}
    made_tokenizers = make_tokenizers()
    for name, tokenizer in made_tokenizers.items():
        rows = []
        for text in TEXTS:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            rows.append(dict(text=text, ids=ids, decoded=tokenizer.decode(ids, skip_special_tokens=False)))
        content = dict(header=header, tokenizer=json.loads(tokenizer.to_str()), rows=rows)
        (out / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False) + "\n")
    chat = record_chat(made_tokenizers["digits-single"])
    (out / "chat.json").write_text(json.dumps(dict(header=header, **chat), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
