"""Sampling from the bench's decoder in PyTorch: a plain loop with a ring of W keys, or transformers' `generate`; driven by run.mjs."""

import torch
import torch.nn.functional as F
import transformers

from decoder import Sizes, load, parameter_count, rotary_tables
from rounds import serve


class Ring:
    """The last W keys and values of every layer, and one decoding step over them."""

    def __init__(self, model, sizes, sequences, positions):
        self.model, self.sizes = model, sizes
        shape = (sizes.layers, sequences, sizes.key_value_heads, sizes.window, sizes.head_width)
        self.keys, self.values = torch.zeros(shape), torch.zeros(shape)
        self.cos, self.sin = rotary_tables(sizes, positions)

    def prefill(self, ids):
        """Logits after the prompt, which must fit the window."""
        tokens = ids.shape[1]
        if tokens > self.sizes.window:
            raise ValueError(f"a prompt of {tokens} tokens does not fit the window")
        x = self.model.embedding(ids)
        for index, layer in enumerate(self.model.layers):
            q, k, v = layer.query_key_value(x, self.cos[:tokens], self.sin[:tokens])
            self.keys[index, :, :, :tokens] = k
            self.values[index, :, :, :tokens] = v
            x = layer.after_attention(x, F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))
        return self.model.head(self.model.finalNorm(x[:, -1]))

    def step(self, ids, position):
        """Logits after one more token of every sequence."""
        window = self.sizes.window
        slot, filled = position % window, min(position + 1, window)
        cos, sin = self.cos[position : position + 1], self.sin[position : position + 1]
        x = self.model.embedding(ids[:, None])
        for index, layer in enumerate(self.model.layers):
            q, k, v = layer.query_key_value(x, cos, sin)
            self.keys[index, :, :, slot] = k[:, :, 0]
            self.values[index, :, :, slot] = v[:, :, 0]
            keys, values = self.keys[index, :, :, :filled], self.values[index, :, :, :filled]
            x = layer.after_attention(x, F.scaled_dot_product_attention(q, keys, values, enable_gqa=True))
        return self.model.head(self.model.finalNorm(x[:, -1]))


class Cell:
    """What both ways share; `sampled(greedy)` gives new ids [B, N] and their log-probs."""

    def __init__(self, order):
        torch.set_num_threads(order["threads"])
        self.sizes = Sizes(order["config"])
        self.new_tokens = order["newTokens"]
        self.model, given = load(order["file"], self.sizes)
        self.prompts = given["tokens.prompts"]
        self.prepare()
        self.about = {"parameters": parameter_count(self.model)}

    def round(self):
        self.sampled(greedy=False)

    def greedy(self):
        ids, log_probs = self.sampled(greedy=True)
        return {"ids": ids.tolist(), "logProbs": log_probs.tolist()}

    def close(self):
        self.model = None


class Loop(Cell):
    def prepare(self):
        self.longest = self.prompts.shape[1] + self.new_tokens

    @torch.inference_mode()
    def sampled(self, greedy):
        ring = Ring(self.model, self.sizes, len(self.prompts), self.longest)
        logits = ring.prefill(self.prompts)
        ids, log_probs = [], []
        for position in range(self.prompts.shape[1], self.longest):
            spread = F.log_softmax(logits, dim=-1)
            drawn = spread.argmax(-1, keepdim=True) if greedy else torch.multinomial(spread.exp(), 1)
            ids.append(drawn[:, 0])
            log_probs.append(spread.gather(1, drawn)[:, 0])
            if position + 1 < self.longest:
                logits = ring.step(ids[-1], position)
        return torch.stack(ids, 1), torch.stack(log_probs, 1)


class Generate(Cell):
    """MistralForCausalLM of the same sizes; its default cache keeps the window of a sliding layer only."""

    def prepare(self):
        sizes = self.sizes
        config = transformers.MistralConfig(
            vocab_size=sizes.vocabulary,
            hidden_size=sizes.width,
            intermediate_size=sizes.feed_forward,
            num_hidden_layers=sizes.layers,
            num_attention_heads=sizes.heads,
            num_key_value_heads=sizes.key_value_heads,
            head_dim=sizes.head_width,
            rms_norm_eps=sizes.epsilon,
            rope_theta=sizes.theta,
            sliding_window=sizes.window,
            tie_word_embeddings=False,
            attn_implementation="sdpa",
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
        model = transformers.MistralForCausalLM(config).float().eval()
        model.load_state_dict(mistral_names(self.model.state_dict(), sizes))
        self.model = model

    @torch.inference_mode()
    def sampled(self, greedy):
        out = self.model.generate(
            self.prompts,
            attention_mask=torch.ones_like(self.prompts),
            do_sample=not greedy,
            max_new_tokens=self.new_tokens,
            return_dict_in_generate=True,
            output_logits=greedy,
            **({} if greedy else {"temperature": 1.0, "top_k": 0, "top_p": 1.0}),
        )
        ids = out.sequences[:, self.prompts.shape[1] :]
        if ids.shape[1] != self.new_tokens:
            raise ValueError(f"generate stopped after {ids.shape[1]} tokens")
        if not greedy:
            return ids, None
        spread = F.log_softmax(torch.stack(out.logits, 1), dim=-1)
        return ids, spread.gather(2, ids[..., None])[..., 0]


def mistral_names(state, sizes):
    """The fused weights taken apart into transformers' names."""
    heads = [sizes.heads * sizes.head_width] + 2 * [sizes.key_value_heads * sizes.head_width]
    named = {
        "model.embed_tokens.weight": state["embedding.weight"],
        "model.norm.weight": state["finalNorm.weight"],
        "lm_head.weight": state["head.weight"],
    }
    for index in range(sizes.layers):
        ours, theirs = f"layers.{index}", f"model.layers.{index}"
        q, k, v = state[f"{ours}.qkv.weight"].split(heads)
        gate, up = state[f"{ours}.gateUp.weight"].chunk(2)
        named |= {
            f"{theirs}.input_layernorm.weight": state[f"{ours}.attentionNorm.weight"],
            f"{theirs}.self_attn.q_proj.weight": q,
            f"{theirs}.self_attn.k_proj.weight": k,
            f"{theirs}.self_attn.v_proj.weight": v,
            f"{theirs}.self_attn.o_proj.weight": state[f"{ours}.attentionOut.weight"],
            f"{theirs}.post_attention_layernorm.weight": state[f"{ours}.mlpNorm.weight"],
            f"{theirs}.mlp.gate_proj.weight": gate,
            f"{theirs}.mlp.up_proj.weight": up,
            f"{theirs}.mlp.down_proj.weight": state[f"{ours}.down.weight"],
        }
    return named


WAYS = {"loop": Loop, "generate": Generate}


if __name__ == "__main__":
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    serve(versions, lambda order: WAYS[order["way"]](order))
