"""Records what transformers computes on tiny random checkpoints, for the tests to compare with.

    python scripts/record-golden.py [--out test/golden] [--only qwen2-f32]

Needs torch, transformers, safetensors and peft. Run it by hand; the tests need no Python. Each folder holds weights in one
stored type and golden.json: for every windowing the config.json as transformers writes it (and as its version 4 did),
log-probs of one sequence, the logits of its last position, and a greedy continuation, all computed in float32.
"""

import argparse
import copy
import hashlib
import importlib.metadata
import json
import shutil
import tempfile
import warnings
from datetime import date
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers import AutoModelForCausalLM, MinistralConfig, MistralConfig, LlamaConfig, Qwen2Config, Qwen3Config

SEED = 20251
TOKENS = 96
PROMPT = 20
CONTINUATION = 24
# Two greedy choices closer than this could fall either way in float32; another prompt is drawn then.
MARGIN_NATS = 2e-3
LAYERS = 3
WINDOWS = (1, 4, 8, 64)
PATTERN = (8, (1,))  # the window, and the layers that stay full
PATTERN_FIRST = (4, (0,))
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

SIZES = dict(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=LAYERS,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    attention_dropout=0.0,
)
LINEAR = {"rope_type": "linear", "factor": 2.5, "rope_theta": 10000.0}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
    "rope_theta": 5000.0,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "rope_theta": 100.0}
YARN_FULL = {
    **YARN,
    "beta_fast": 8.0,
    "beta_slow": 2.0,
    "mscale": 0.8,
    "mscale_all_dim": 0.4,
    "truncate": False,
}

# Family and stored type to what is special about that checkpoint; together they cover every optional part.
CHECKPOINTS = {
    "qwen2-f32": (Qwen2Config, dict(eos_token_id=[3, 7])),
    "qwen2-f16": (Qwen2Config, dict(tie_word_embeddings=True, rope_parameters=YARN)),
    "qwen2-bf16": (Qwen2Config, dict(rope_parameters=LINEAR, num_key_value_heads=4, rms_norm_eps=1e-5)),
    "qwen3-f32": (Qwen3Config, dict(head_dim=8, attention_bias=True)),
    "qwen3-f16": (Qwen3Config, dict(head_dim=4, tie_word_embeddings=True, rope_parameters=LINEAR)),
    "qwen3-bf16": (Qwen3Config, dict(head_dim=6, rope_parameters=YARN_FULL, num_key_value_heads=1)),
    "llama-f32": (LlamaConfig, dict(head_dim=8, rope_parameters=LLAMA3)),
    "llama-f16": (LlamaConfig, dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama-bf16": (LlamaConfig, dict(rope_parameters=YARN, num_key_value_heads=4, eos_token_id=5)),
    "mistral-f32": (MistralConfig, dict()),
    "mistral-f16": (MistralConfig, dict(rope_parameters=LLAMA3, head_dim=8)),
    "mistral-bf16": (MistralConfig, dict(tie_word_embeddings=True, rope_parameters=YARN_FULL)),
}


def random_state(model, generator):
    """Weights large enough that every term shows, biases and norms off their neutral start."""
    state = {}
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("norm.weight"):
            state[name] = 1 + 0.2 * noise
        elif name.endswith("bias"):
            state[name] = 0.3 * noise
        elif "embed_tokens" in name:
            state[name] = 0.8 * noise
        else:
            state[name] = 1.2 * noise / parameter.shape[-1] ** 0.5
    return state


def windowed_configs(family, config):
    """Every variant transformers can express: name -> (windows by layer, config)."""
    everything = range(LAYERS)
    plans = {"full": (None, everything)} | {f"w{w}": (w, ()) for w in WINDOWS}
    plans |= {"pattern": PATTERN, "pattern-first": PATTERN_FIRST}
    for name, (window, full) in plans.items():
        types = ["full_attention" if layer in full else "sliding_attention" for layer in everything]
        windows = [None if layer in full else window for layer in everything]
        yield name, windows, with_window(family, config, window, types, name.startswith("pattern"))


def with_window(family, config, window, types, is_pattern):
    if family in ("qwen2", "qwen3"):
        changed = dict(use_sliding_window=window is not None, sliding_window=window, max_window_layers=0)
        return {**config, **changed, "layer_types": types}
    if family == "llama" and window is None:
        return config
    # transformers has no windowed Llama; the same weights under Mistral's name are it, where there are no biases.
    renamed = {key: value for key, value in config.items() if key not in ("attention_bias", "mlp_bias", "pretraining_tp")}
    if is_pattern:
        head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        return {**renamed, "model_type": "ministral", "sliding_window": window, "layer_types": types, "head_dim": head}
    return {**renamed, "model_type": "mistral", "sliding_window": window}


def version4(config):
    """The same config as version 4 spelled it: rope beside the config, torch_dtype, no layer_types where it had none."""
    old = copy.deepcopy(config)
    rope = old.pop("rope_parameters")
    old["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    old["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    if "dtype" in old:
        old["torch_dtype"] = old.pop("dtype")
    types = old.get("layer_types")
    if types is not None and len(set(types)) == 1 and old["model_type"] != "ministral":
        del old["layer_types"]
    return old


CLASSES = {"qwen2": Qwen2Config, "qwen3": Qwen3Config, "llama": LlamaConfig, "mistral": MistralConfig, "ministral": MinistralConfig}


def open_model(folder, config):
    (folder / "config.json").write_text(json.dumps(config))
    options = dict(dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    model, info = AutoModelForCausalLM.from_pretrained(folder, **options)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model.eval()


@torch.no_grad()
def log_probs(model, ids):
    logits = model(torch.tensor([ids])).logits[0].double()
    table = torch.log_softmax(logits, dim=-1)
    return [None] + [table[i, token].item() for i, token in enumerate(ids[1:])], logits[-1].tolist()


@torch.no_grad()
def greedy(model, prompt):
    """The whole text anew for every token, so that no cache can be wrong; None when a choice is too close."""
    ids = list(prompt)
    for _ in range(CONTINUATION):
        logits = model(torch.tensor([ids])).logits[0, -1]
        top = torch.topk(logits, 2).values
        if (top[0] - top[1]).item() < MARGIN_NATS:
            return None
        ids.append(int(logits.argmax()))
    return ids[len(prompt) :]


def short(values):
    return [None if value is None else float(f"{value:.9g}") for value in values]


def record(name, out):
    family, stored = name.split("-")
    config_class, changes = CHECKPOINTS[name]
    generator = torch.Generator().manual_seed(SEED + sorted(CHECKPOINTS).index(name))
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = config_class(**{**SIZES, **copy.deepcopy(changes)}, dtype=TYPES[stored])
    model = AutoModelForCausalLM.from_config(config)
    state = {key: value.to(TYPES[stored]) for key, value in random_state(model, generator).items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    raw = json.loads(config.to_json_string(use_diff=True))
    raw["architectures"] = [type(model).__name__]
    ids = torch.randint(0, SIZES["vocab_size"], (TOKENS,), generator=generator).tolist()
    prompts = [torch.randint(0, SIZES["vocab_size"], (PROMPT,), generator=generator).tolist() for _ in range(20)]
    variants = {}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        shutil.copy(folder / "model.safetensors", scratch)
        for variant, windows, wanted in windowed_configs(family, raw):
            if family == "llama" and any(windows) and (raw.get("attention_bias") or raw.get("mlp_bias")):
                continue
            written = CLASSES[wanted["model_type"]](**{k: v for k, v in wanted.items() if k != "model_type"})
            written.architectures = [type(open_model(scratch, wanted)).__name__]
            config_json = json.loads(written.to_json_string(use_diff=True))
            model = open_model(scratch, config_json)
            values, last = log_probs(model, ids)
            old = version4(config_json)
            old_values, _ = log_probs(open_model(scratch, old), ids)
            assert old_values == values, f"{name} {variant}: the two dialects differ"
            model = open_model(scratch, config_json)
            prompt, continuation = next(((p, g) for p in prompts if (g := greedy(model, p)) is not None), (None, None))
            assert prompt is not None, f"{name} {variant}: every prompt has a close choice"
            variants[variant] = dict(
                windows=windows,
                config=config_json,
                configVersion4=old,
                logProbs=short(values),
                lastLogits=short(last),
                prompt=prompt,
                greedy=continuation,
            )
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    made = header(storedType=stored, computedIn="float32", weightsSha256=sha256)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in variants.items())
    text = f'{{"header": {json.dumps(made)},\n"ids": {ids},\n"variants": {{\n{lines}\n}}}}\n'
    (folder / "golden.json").write_text(text)
    print(name, "ok:", ", ".join(variants))


def header(**more):
    made = dict(madeBy="scripts/record-golden.py", transformers=transformers.__version__, torch=torch.__version__)
    return {**made, "seed": SEED, "date": str(date.today()), **more}


def record_rounding(out):
    """float32 words, and what torch rounds them to: chosen edges, then random ones around the normal and subnormal range."""
    edges = """0 80000000 1 00800000 3f800000 3f808000 3f818000 3f808001 3f817fff 7f7fffff ff7fffff 477fefff 477ff000
        38800000 387fe000 387fffff 33000000 33000001 33800000 33c00000 34200000 b8200001 3f801000 3f803000 3f801001
        7f800000 ff800000"""
    random = torch.randint(0, 2**31 - 1, (40,), generator=torch.Generator().manual_seed(SEED)).tolist()
    words = [int(word, 16) for word in edges.split()]
    words += [0x38000000 + word % 0x10000000 for word in random[:20]]
    words += [0x33000000 + word % 0x05800000 for word in random[20:]]
    values = torch.tensor([w - 2**32 if w >= 2**31 else w for w in words], dtype=torch.int32).view(torch.float32)
    rounded = {
        name: [word & 0xFFFF for word in values.to(kind).view(torch.int16).tolist()]
        for name, kind in (("bfloat16", torch.bfloat16), ("float16", torch.float16))
    }
    (out / "rounding.json").write_text(json.dumps(dict(header=header(), float32=words, **rounded)) + "\n")


ROPE_KINDS = {
    "default": (24, {"rope_type": "default", "rope_theta": 1e6}),
    "linear": (64, {**LINEAR}),
    "llama3": (64, {**LLAMA3, "original_max_position_embeddings": 8192, "rope_theta": 5e5}),
    "yarn": (64, {**YARN, "original_max_position_embeddings": 32768, "rope_theta": 1e6}),
    "yarn-full": (64, {**YARN_FULL, "factor": 16.0, "original_max_position_embeddings": 4096, "rope_theta": 1e4}),
}


def record_rope(out):
    """Inverse frequencies, and cosines and sines at positions near and far, of real sizes."""
    positions = [0, 1, 2, 100, 4097, 31999]
    kinds = {}
    for name, (head, parameters) in ROPE_KINDS.items():
        sizes = dict(hidden_size=2 * head, num_attention_heads=2, head_dim=head, max_position_embeddings=131072)
        rotary = LlamaRotaryEmbedding(LlamaConfig(**sizes, rope_parameters=copy.deepcopy(parameters)))
        tables = [table[0, :, : head // 2].tolist() for table in rotary(torch.zeros(1), torch.tensor([positions]))]
        cos, sin = [[short(row) for row in table] for table in tables]
        inverse = short(rotary.inv_freq.tolist())
        kinds[name] = dict(headWidth=head, rope_parameters=parameters, inverse=inverse, cos=cos, sin=sin)
    text = json.dumps(dict(header=header(computedIn="float32"), positions=positions, kinds=kinds))
    (out / "rope.json").write_text(text + "\n")


ADAPTERS = {
    "all": dict(r=3, lora_alpha=7, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
    "attention": dict(r=2, lora_alpha=5, target_modules=["q_proj", "v_proj"], use_rslora=True),
}


def record_lora(out):
    """Adapters on the windowed qwen2-f32, written by PEFT, with the log-probs of the model that carries them."""
    from peft import LoraConfig, get_peft_model

    base = out / "checkpoints" / "qwen2-f32"
    golden = json.loads((base / "golden.json").read_text())
    for item, (name, options) in enumerate(ADAPTERS.items()):
        folder = out / "lora" / name
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copy(base / "model.safetensors", scratch)
            model = open_model(Path(scratch), golden["variants"]["w8"]["config"])
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options)).eval()
        generator = torch.Generator().manual_seed(SEED + item)
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        adapter = json.loads((folder / "adapter_config.json").read_text())
        adapter["base_model_name_or_path"] = "qwen2-f32"
        (folder / "adapter_config.json").write_text(json.dumps(adapter, indent=1) + "\n")
        (folder / "adapter_model.safetensors").chmod(0o644)
        values, _ = log_probs(model, golden["ids"])
        made = header(base="qwen2-f32 w8", computedIn="float32", peft=importlib.metadata.version("peft"))
        (folder / "golden.json").write_text(json.dumps(dict(header=made, logProbs=short(values))) + "\n")
        print("adapter", name, "ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "test" / "golden")
    parser.add_argument("--only", choices=sorted(CHECKPOINTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name in [options.only] if options.only else sorted(CHECKPOINTS):
        record(name, options.out / "checkpoints")
    if options.only is None:
        record_rounding(options.out)
        record_rope(options.out)
        record_lora(options.out)


if __name__ == "__main__":
    main()
