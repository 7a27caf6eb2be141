"""Whole training steps of the bench's decoder in PyTorch: eager, compiled, or under bf16 autocast; driven by run.mjs."""

import contextlib
import time

import torch
import torch.nn.functional as F

from decoder import ATTENTION, Sizes, load, parameter_count, rotary_tables
from rounds import serve


class Training:
    """One cell: a model, its optimizer and the tokens of a step."""

    def __init__(self, order):
        torch.set_num_threads(order["threads"])
        torch.compiler.reset()
        sizes = Sizes(order["config"])
        self.order = order
        self.rows, tokens = order["batch"], order["tokens"]
        self.model, given = load(order["file"], sizes)
        self.ids, self.targets = given["tokens.ids"], given["tokens.targets"]
        cos, sin = rotary_tables(sizes, tokens)
        attend = ATTENTION[order["attention"]](sizes, tokens)
        vocabulary = sizes.vocabulary

        def summed_loss(ids, targets):
            logits = self.model(ids, cos, sin, attend)
            return F.cross_entropy(logits.view(-1, vocabulary).float(), targets.view(-1), reduction="sum")

        self.summed_loss = torch.compile(summed_loss, dynamic=False) if order["compile"] else summed_loss
        self.optimizer = self.new_optimizer(order["update"])
        self.microbatch = self.fastest_microbatch(tokens)
        self.about = {"parameters": parameter_count(self.model), "microbatchRows": self.microbatch, "loss": self.loss()}

    def new_optimizer(self, update):
        adamw = update["adamw"]
        decayed = [p for p in self.model.parameters() if p.dim() == 2]
        kept = [p for p in self.model.parameters() if p.dim() != 2]
        groups = [{"params": decayed, "weight_decay": adamw["weightDecay"]}, {"params": kept, "weight_decay": 0.0}]
        betas = (adamw["beta1"], adamw["beta2"])
        return torch.optim.AdamW(groups, lr=update["learningRate"], betas=betas, eps=adamw["epsilon"], fused=True)

    def fastest_microbatch(self, tokens):
        """Rows a pass: the whole batch at once or passes of about 1024 or 512 tokens, whichever is quickest here."""
        passes = {max(1, min(self.rows, about // tokens)) for about in (1024, 512)}
        candidates = sorted({self.rows} | passes, reverse=True)
        if len(candidates) == 1:
            return candidates[0]
        took = {}
        for rows in candidates:
            self.gradients(rows)
            took[rows] = min(self.timed(rows) for _ in range(2))
        self.optimizer.zero_grad(set_to_none=True)
        return min(took, key=took.get)

    def timed(self, rows):
        started = time.perf_counter()
        self.gradients(rows)
        return time.perf_counter() - started

    def numbers(self):
        autocast = self.order["dtype"] == "bf16"
        return torch.autocast("cpu", dtype=torch.bfloat16) if autocast else contextlib.nullcontext()

    def gradients(self, rows):
        for ids, targets in zip(self.ids.split(rows), self.targets.split(rows)):
            with self.numbers():
                loss = self.summed_loss(ids, targets) / self.ids.numel()
            loss.backward()

    def round(self):
        self.gradients(self.microbatch)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.order["update"]["maxGradientNorm"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def loss(self):
        """Mean nats a token of the step's tokens, under the weights as they are."""
        with torch.no_grad(), self.numbers():
            parts = zip(self.ids.split(self.microbatch), self.targets.split(self.microbatch))
            return sum(self.summed_loss(ids, targets).item() for ids, targets in parts) / self.ids.numel()

    def close(self):
        self.model = self.optimizer = self.summed_loss = None


if __name__ == "__main__":
    serve({"torch": torch.__version__}, Training)
