"""The decoder of src/model in PyTorch, with the same fused weights under the same names, and its windowed attention."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open


class Sizes:
    """The config of src/model/config.ts, as sent by run.mjs."""

    def __init__(self, config):
        self.vocabulary = config["vocabularySize"]
        self.width = config["width"]
        self.layers = config["layerCount"]
        self.heads = config["queryHeadCount"]
        self.key_value_heads = config["keyValueHeadCount"]
        self.head_width = config["headWidth"]
        self.feed_forward = config["feedForwardWidth"]
        self.epsilon = config["normEpsilon"]
        self.theta = config["ropeTheta"]
        self.window = config["windows"][0]
        if any(window != self.window for window in config["windows"]) or config["tiedHead"]:
            raise ValueError("the peers know one window for all layers and an untied head")


def rotary_tables(sizes, positions):
    """cos and sin, [positions, K/2]."""
    exponent = torch.arange(0, sizes.head_width, 2).float() / sizes.head_width
    angles = torch.outer(torch.arange(positions).float(), 1.0 / sizes.theta**exponent)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns the two halves of every head; x is [..., T, K], cos and sin [T, K/2]."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Banded:
    """The window as a mask over full attention: what most people would write."""

    def __init__(self, sizes, tokens):
        ones = torch.ones(tokens, tokens, dtype=torch.bool)
        self.mask = ones.tril().triu(1 - sizes.window)

    def __call__(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, enable_gqa=True)


class Blockwise:
    """Blocks of W queries, each with its own and the previous block of keys: cost grows with T*W."""

    def __init__(self, sizes, tokens):
        if tokens % sizes.window != 0:
            raise ValueError(f"{tokens} tokens are no whole blocks of {sizes.window}")
        self.window = sizes.window
        self.count = tokens // sizes.window
        query = torch.arange(sizes.window)[:, None] + sizes.window
        key = torch.arange(2 * sizes.window)[None, :]
        band = (key <= query) & (query - key < sizes.window)
        mask = band.repeat(self.count, 1, 1)
        mask[0, :, : sizes.window] = False
        self.mask = mask[:, None]

    def __call__(self, q, k, v):
        rows, heads, tokens, width = q.shape
        count, window = self.count, self.window

        def blocks(x):  # [rows, heads, T, K] -> [rows, count, heads, W, K]
            return x.view(rows, x.shape[1], count, window, width).transpose(1, 2)

        def with_previous(x):
            own = blocks(x)
            before = F.pad(own[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
            return torch.cat((before, own), dim=3).flatten(0, 1)

        mask = self.mask.expand(rows, count, 1, window, 2 * window).flatten(0, 1)
        mixed = F.scaled_dot_product_attention(
            blocks(q).flatten(0, 1), with_previous(k), with_previous(v), attn_mask=mask, enable_gqa=True
        )
        return mixed.view(rows, count, heads, window, width).transpose(1, 2).reshape(rows, heads, tokens, width)


ATTENTION = {"band": Banded, "blocks": Blockwise}


class Layer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes
        width, head = sizes.width, sizes.head_width
        self.attentionNorm = nn.RMSNorm(width, eps=sizes.epsilon)
        self.qkv = nn.Linear(width, (sizes.heads + 2 * sizes.key_value_heads) * head, bias=False)
        self.attentionOut = nn.Linear(sizes.heads * head, width, bias=False)
        self.mlpNorm = nn.RMSNorm(width, eps=sizes.epsilon)
        self.gateUp = nn.Linear(width, 2 * sizes.feed_forward, bias=False)
        self.down = nn.Linear(sizes.feed_forward, width, bias=False)

    def query_key_value(self, x, cos, sin):
        """[rows, heads, T, K] each, q and k turned."""
        sizes = self.sizes
        split = [sizes.heads, sizes.key_value_heads, sizes.key_value_heads]
        projected = self.qkv(self.attentionNorm(x)).view(*x.shape[:2], -1, sizes.head_width)
        q, k, v = projected.transpose(1, 2).split(split, dim=1)
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    def after_attention(self, x, mixed):
        x = x + self.attentionOut(mixed.transpose(1, 2).flatten(2))
        gate, up = self.gateUp(self.mlpNorm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.finalNorm = nn.RMSNorm(sizes.width, eps=sizes.epsilon)
        self.head = nn.Linear(sizes.width, sizes.vocabulary, bias=False)

    def forward(self, ids, cos, sin, attend):
        x = self.embedding(ids)
        for layer in self.layers:
            q, k, v = layer.query_key_value(x, cos, sin)
            x = layer.after_attention(x, attend(q, k, v))
        return self.head(self.finalNorm(x))


def load(file, sizes):
    """The decoder with the weights of the file, and the file's other tensors (the tokens) by name."""
    with safe_open(file, "pt") as tensors:
        everything = {name: tensors.get_tensor(name) for name in tensors.keys()}
    tokens = {name: everything.pop(name).long() for name in list(everything) if name.startswith("tokens.")}
    model = Decoder(sizes)
    model.load_state_dict({f"{name}.weight": tensor for name, tensor in everything.items()})
    return model, tokens


def parameter_count(model):
    return sum(parameter.numel() for parameter in model.parameters())
