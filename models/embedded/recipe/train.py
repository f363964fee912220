"""Train the embedded model: `python models/embedded/recipe/train.py WORK --preset cpu|gpu|more [--minutes M]`.

WORK is what `prepare.py` wrote. Goes on from `WORK/checkpoint.pt` if there is one; ends when all tokens are seen, or
after M minutes, to be called again. Matrices are trained with Muon, the rest with AdamW. Rows begin short, with several
examples, and grow to long ones with one or two: a small model learns to look back past the suffix sooner where the
suffix is short, and writes worse behind long prompts if it ends before it saw any. `more` goes on with the model of a
GGUF, `--start`, whose vocabulary `prepare.py` must have been given too. `--bfloat16` is for a CPU that multiplies such
numbers (AMX or AVX-512 BF16, see `lscpu`), where it more than doubles the speed; a GPU always does. Both compile the
network first.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from examples import Rows, batch_of
from gguf_file import read_weights
from muon import Muon
from network import Llama, Shape
from torch import Tensor
from torch.utils.data import DataLoader
from vocabulary import Vocabulary

WARM_UP_SHARE, DECAY_SHARE = 0.01, 0.4
SAVE_EVERY_S, LOG_EVERY_S = 300.0, 20.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A model and how much it sees. `batch_tokens` are seen a step.

    `phases` are shares of all tokens, and how long and how crowded a row is meanwhile. The more crowded the rows, the
    more holes the model sees, and the less text around each (`Rows`).
    """

    width: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    tokens: int
    batch_tokens: int
    matrix_rate: float
    other_rate: float
    workers: int
    phases: tuple[tuple[float, int, float], ...]


Losses = Callable[[Tensor], Tensor]

GROWING = ((0.4, 256, 2.0), (0.3, 512, 2.0), (0.2, 1024, 1.0), (0.1, 2048, 0.5))
LONGER = ((0.55, 512, 2.0), (0.3, 1024, 1.0), (0.15, 2048, 0.5))
PRESETS = {
    "cpu": Preset(256, 8, 4, 2, 704, 24_000_000, 8_192, 4e-3, 4e-3, 1, GROWING),
    "more": Preset(256, 8, 4, 2, 704, 20_000_000, 8_192, 2.5e-3, 2.5e-3, 1, LONGER),
    "gpu": Preset(512, 8, 8, 4, 1280, 2_000_000_000, 262_144, 4e-3, 2e-3, 12, GROWING),
}


def main() -> None:
    """Train until all is seen or the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--tokens", type=float, help="see so many instead of the preset's")
    parser.add_argument("--seed", type=int, default=1, help="another one for other places of the corpus (1)")
    parser.add_argument("--rate", type=float, help="the highest learning rate, instead of the preset's")
    parser.add_argument("--start", type=Path, help="a GGUF of the preset's shape to begin with, instead of chance")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many, to be called again")
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16 on a CPU that can")
    arguments = parser.parse_args()
    preset = PRESETS[arguments.preset]
    if arguments.rate:
        preset = replace(preset, matrix_rate=arguments.rate, other_rate=arguments.rate)
    tokens = int(arguments.tokens or preset.tokens)
    training = Training(arguments.work, preset, tokens, arguments.seed, arguments.start, arguments.bfloat16)
    training.run(time.monotonic() + arguments.minutes * 60)


class Training:
    """A model, its optimisers, and how many tokens it has seen."""

    def __init__(self, work: Path, preset: Preset, tokens: int, seed: int, start: Path | None, bfloat16: bool) -> None:
        torch.manual_seed(seed)
        torch.set_float32_matmul_precision("high")
        self.work, self.preset, self.tokens, self.seed = work, preset, tokens, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bfloat16 = bfloat16 or self.device.type == "cuda"
        self.shape = Shape(
            Vocabulary.load(work / "vocabulary.json").size,
            *(preset.width, preset.layers, preset.heads, preset.key_value_heads, preset.feed_forward),
            context=preset.phases[-1][1],
        )
        self.model = Llama(self.shape).to(self.device)
        if start:
            self.model.load_state_dict(read_weights(start))
        matrices = [each for each in self.model.layers.parameters() if each.ndim == 2]
        others = [each for each in self.model.parameters() if all(each is not matrix for matrix in matrices)]
        self.optimizers = [
            Muon(matrices, preset.matrix_rate, 0.05, torch.bfloat16 if self.bfloat16 else torch.float32),
            torch.optim.AdamW(others, lr=preset.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.rates = [preset.matrix_rate, preset.other_rate]
        self.seen = 0
        self._load()

    def run(self, ends_at: float) -> None:
        """Go through the phases from where we are."""
        losses_of = torch.compile(self._losses, dynamic=False) if self.bfloat16 else self._losses
        end = 0.0
        for share, length, crowding in self.preset.phases:
            end += share
            if self.seen < end * self.tokens - self.preset.batch_tokens and time.monotonic() < ends_at:
                self._phase(losses_of, length, crowding, int(end * self.tokens), ends_at)
        self._save()

    def _phase(self, losses_of: Losses, length: int, crowding: float, end: int, ends_at: float) -> None:
        rows_a_step = self.preset.batch_tokens // length
        steps = (end - self.seen) // self.preset.batch_tokens
        rows = Rows(self.work, length, self.seen // length, steps * rows_a_step, self.seed, crowding)
        loader = DataLoader(rows, rows_a_step, collate_fn=batch_of, num_workers=self.preset.workers, prefetch_factor=4)
        logged = saved = time.monotonic()
        seen_at_log, losses = self.seen, []
        for tokens, weights in loader:
            losses.append(self._step(losses_of, torch.from_numpy(tokens), torch.from_numpy(weights)))
            self.seen += self.preset.batch_tokens
            now = time.monotonic()
            if now - logged >= LOG_EVERY_S:
                speed = (self.seen - seen_at_log) / (now - logged)
                self._log(length, sum(map(float, losses)) / len(losses), speed)
                logged, seen_at_log, losses = now, self.seen, []
            if now - saved >= SAVE_EVERY_S:
                self._save()
                saved = now
            if now >= ends_at:
                return

    def _losses(self, tokens: Tensor) -> Tensor:
        """Of rows (batch, length + 1), what each token but the first costs, in nats, one row after the other."""
        logits = self.model(tokens[:, :-1])
        return F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")

    def _step(self, losses_of: Losses, tokens: Tensor, weights: Tensor) -> Tensor:
        """One update; the mean loss of the middles' tokens, in nats."""
        tokens, weights = tokens.to(self.device, non_blocking=True), weights.to(self.device, non_blocking=True)
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * self._rate_share()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            losses = losses_of(tokens)
        flat = weights.flatten()
        ((losses * flat).sum() / flat.sum()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        in_middle = flat > 1
        return losses.detach()[in_middle].mean()

    def _rate_share(self) -> float:
        """Warm up, hold, fall to nothing."""
        share = self.seen / self.tokens
        return min(1.0, (share + 1e-4) / WARM_UP_SHARE, max(0.0, 1 - share) / DECAY_SHARE)

    def _log(self, length: int, loss: float, tokens_per_s: float) -> None:
        line = {"seen": self.seen, "length": length, "loss": round(loss, 4), "tokens_per_s": round(tokens_per_s)}
        print(json.dumps(line), flush=True)
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _save(self) -> None:
        state = {
            "shape": asdict(self.shape),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "seen": self.seen,
            "tokens": self.tokens,
        }
        torch.save(state, self.work / "checkpoint.new")
        (self.work / "checkpoint.new").replace(self.work / "checkpoint.pt")

    def _load(self) -> None:
        path = self.work / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, map_location=self.device)
            self.model.load_state_dict(state["model"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.seen = state["seen"]


if __name__ == "__main__":
    main()
