"""Batched decoding of the bench's decoder in llama.cpp, float32 weights and cache, every core; driven by run.mjs.

llama.cpp gives the llama architecture full attention, so its work equals ours only while the context fits the window.
"""

import ctypes
import os
import tempfile

import gguf
import llama_cpp
import numpy as np
from safetensors import safe_open

from rounds import serve


def write_gguf(path, config, weights):
    """The fused weights as a llama-architecture file without a vocabulary."""
    heads, key_value_heads, width = config["queryHeadCount"], config["keyValueHeadCount"], config["headWidth"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["maxPositions"])
    writer.add_embedding_length(config["width"])
    writer.add_block_count(config["layerCount"])
    writer.add_feed_forward_length(config["feedForwardWidth"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_value_heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(config["ropeTheta"])
    writer.add_layer_norm_rms_eps(config["normEpsilon"])
    writer.add_vocab_size(config["vocabularySize"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("none")
    writer.add_tensor("token_embd.weight", weights["embedding"])
    for index in range(config["layerCount"]):
        ours, theirs = f"layers.{index}", f"blk.{index}"
        rows = [heads * width, (heads + key_value_heads) * width]
        q, k, v = np.split(weights[f"{ours}.qkv"], rows)
        gate, up = np.split(weights[f"{ours}.gateUp"], 2)
        writer.add_tensor(f"{theirs}.attn_norm.weight", weights[f"{ours}.attentionNorm"])
        writer.add_tensor(f"{theirs}.attn_q.weight", neighbours(q, heads))
        writer.add_tensor(f"{theirs}.attn_k.weight", neighbours(k, key_value_heads))
        writer.add_tensor(f"{theirs}.attn_v.weight", np.ascontiguousarray(v))
        writer.add_tensor(f"{theirs}.attn_output.weight", weights[f"{ours}.attentionOut"])
        writer.add_tensor(f"{theirs}.ffn_norm.weight", weights[f"{ours}.mlpNorm"])
        writer.add_tensor(f"{theirs}.ffn_gate.weight", np.ascontiguousarray(gate))
        writer.add_tensor(f"{theirs}.ffn_up.weight", np.ascontiguousarray(up))
        writer.add_tensor(f"{theirs}.ffn_down.weight", weights[f"{ours}.down"])
    writer.add_tensor("output_norm.weight", weights["finalNorm"])
    writer.add_tensor("output.weight", weights["head"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def neighbours(rows, heads):
    """The two halves of every head interleaved: this architecture turns neighbouring channels."""
    split = rows.reshape(heads, 2, -1, rows.shape[1])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(rows.shape))


class Feed:
    """A batch of T tokens a sequence, filled in place: only tokens and positions change from call to call."""

    def __init__(self, sequences, tokens):
        count = sequences * tokens
        self.batch = llama_cpp.llama_batch_init(count, 0, 1)
        self.batch.n_tokens = count
        self.token = np.ctypeslib.as_array(self.batch.token, (count,))
        self.position = np.ctypeslib.as_array(self.batch.pos, (count,))
        self.offset = np.tile(np.arange(tokens, dtype=np.int32), sequences)
        for i in range(count):
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = i // tokens
            self.batch.logits[i] = i % tokens == tokens - 1


class Decoding:
    """Sequences of equal length side by side, drawn with one uniform a row."""

    def __init__(self, order):
        config, self.new_tokens = order["config"], order["newTokens"]
        with safe_open(order["file"], "np") as tensors:
            weights = {name: tensors.get_tensor(name) for name in tensors.keys()}
        self.prompts = weights.pop("tokens.prompts").astype(np.int32)
        self.sequences, self.prompt_length = self.prompts.shape
        self.vocabulary = config["vocabularySize"]
        self.random = np.random.default_rng(1)
        self.open_model(config, weights, order["threads"])
        count = sum(tensor.size for tensor in weights.values())
        self.about = {"parameters": count, "flashAttention": "auto", "contextOf": "full attention"}

    def open_model(self, config, weights, threads):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.gguf")
            write_gguf(path, config, weights)
            settings = llama_cpp.llama_model_default_params()
            settings.use_mmap = False
            self.model = llama_cpp.llama_model_load_from_file(path.encode(), settings)
        if not self.model:
            raise RuntimeError("llama.cpp did not load the file; its log says why")
        context = llama_cpp.llama_context_default_params()
        longest = self.prompt_length + self.new_tokens
        context.n_ctx = self.sequences * longest
        context.n_batch = self.sequences * self.prompt_length
        context.n_seq_max = self.sequences
        context.n_threads = context.n_threads_batch = threads
        context.type_k = context.type_v = llama_cpp.GGML_TYPE_F32
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.context:
            raise RuntimeError("llama.cpp opened no context; its log says why")
        self.whole_prompts = Feed(self.sequences, self.prompt_length)
        self.one_token = Feed(self.sequences, 1)

    def decoded(self, feed, ids, start):
        """Logits [B, V] after feeding ids [B, T] from position `start`."""
        feed.token[:] = ids.ravel()
        feed.position[:] = feed.offset + start
        status = llama_cpp.llama_decode(self.context, feed.batch)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")
        logits = llama_cpp.llama_get_logits(self.context)
        floats = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, (self.sequences, self.vocabulary))

    def sampled(self, greedy):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), False)
        ids, log_probs, rows = [], [], np.arange(self.sequences)
        logits = self.decoded(self.whole_prompts, self.prompts, 0)
        for position in range(self.new_tokens):
            largest = logits.max(-1, keepdims=True)
            weights = np.exp(logits - largest)
            totals = weights.cumsum(-1)
            if greedy:
                drawn = logits.argmax(-1)
            else:
                target = self.random.random((self.sequences, 1), dtype=np.float32) * totals[:, -1:]
                drawn = np.minimum((totals <= target).sum(-1), self.vocabulary - 1)
            ids.append(drawn)
            log_probs.append(logits[rows, drawn] - largest[:, 0] - np.log(totals[:, -1]))
            if position + 1 < self.new_tokens:
                logits = self.decoded(self.one_token, drawn, self.prompt_length + position)
        return np.stack(ids, 1), np.stack(log_probs, 1)

    def round(self):
        self.sampled(greedy=False)

    def greedy(self):
        ids, log_probs = self.sampled(greedy=True)
        return {"ids": ids.tolist(), "logProbs": log_probs.tolist()}

    def close(self):
        for feed in (self.whole_prompts, self.one_token):
            llama_cpp.llama_batch_free(feed.batch)
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


if __name__ == "__main__":
    llama_cpp.llama_backend_init()
    serve({"llama-cpp-python": llama_cpp.__version__}, Decoding)
