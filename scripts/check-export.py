"""Opens folders that swarr wrote with transformers, and compares log-probs and greedy tokens past the window.

    python scripts/check-export.py FOLDER …            # folders you have
    python scripts/check-export.py --make SCRATCH       # makes and converts a model of every family first

Needs torch and transformers, and a built swarr (npm ci). Exits 1 when anything differs by more than 1e-4.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

SWARR = ["node", str(Path(__file__).parent.parent / "dist" / "cli" / "main.js")]
FAMILIES = ("qwen2", "qwen3", "llama", "mistral")
PLANS = {"all": ["--window", "8"], "pattern": ["--window", "8", "--full-attention-layers", "1"]}
LIMIT = 1e-4
CONTINUATION = 16


def swarr(*arguments):
    done = subprocess.run([*SWARR, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"swarr {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def make(scratch):
    """A model of every family, and each converted under every plan; 3 layers, so that both kinds are inside."""
    for family in FAMILIES:
        base = scratch / family
        swarr("init", "--out", base, "--family", family, "--d", 32, "--layers", 3, "--seed", 1)
        yield base
        for plan, flags in PLANS.items():
            out = scratch / f"{family}-{plan}"
            swarr("convert", base, *flags, "--out", out)
            yield out


@torch.no_grad()
def reference(folder, ids, prompt):
    options = dict(dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    model, info = AutoModelForCausalLM.from_pretrained(folder, **options)
    wrong = {kind: keys for kind, keys in info.items() if keys}
    assert not wrong, f"{folder}: transformers finds {wrong}"
    table = torch.log_softmax(model.eval()(torch.tensor([ids])).logits[0].double(), dim=-1)
    log_probs = [table[i, token].item() for i, token in enumerate(ids[1:])]
    text = list(prompt)
    for _ in range(CONTINUATION):
        text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
    return model.config, log_probs, text[len(prompt) :]


def check(folder):
    raw = json.loads((folder / "config.json").read_text())
    window = raw.get("sliding_window") or 8
    draw = random.Random(5)
    ids = [draw.randrange(min(raw["vocab_size"], 256)) for _ in range(window + 40)]
    prompt = ids[: window + 10]
    config, wanted, wanted_text = reference(folder, ids, prompt)
    comma = lambda values: ",".join(map(str, values))
    got = json.loads(swarr("logprobs", folder, "--ids", comma(ids), "--json"))["logprobs"][1:]
    flags = ("--max-tokens", CONTINUATION, "--temperature", 0, "--json")
    text = json.loads(swarr("generate", folder, "--ids", comma(prompt), *flags))["ids"]
    worst = max(abs(a - b) for a, b in zip(got, wanted, strict=True))
    past = max(abs(a - b) for a, b in zip(got[window:], wanted[window:]))
    same = text == wanted_text[: len(text)]
    kinds = getattr(config, "layer_types", None) or [f"sliding_window={getattr(config, 'sliding_window', None)}"]
    fine = worst <= LIMIT and same
    print(f"{'ok  ' if fine else 'FAIL'} {folder.name:16} {config.model_type:10} {','.join(k.split('_')[0] for k in kinds):24}"
          f" worst {worst:.1e}, past the window {past:.1e}, greedy {'same' if same else 'differs'}")
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--make", type=Path, metavar="SCRATCH", help="a folder that does not exist yet")
    parser.add_argument("--swarr", type=Path, metavar="MAIN.JS", help="the built command line, if not dist/cli/main.js")
    options = parser.parse_args()
    if options.swarr:
        SWARR[1] = str(options.swarr)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    folders = [*options.folders, *(make(options.make) if options.make else [])]
    if not folders:
        parser.error("name a folder, or use --make")
    results = [check(folder) for folder in folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
