"""How probable the expected text is after a prompt, and what the model writes there. Prompts share batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.llama.backend import LlamaBackend

ANSWER_TOKENS = 32


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's tokens, the bytes that healing removed, and the tokens of the expected text.

    `fixed_indent`: see `Generate`.
    """

    tokens: list[int]
    rest: bytes
    expected: list[int]
    fixed_indent: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The rest of a line as the model wrote it, and whether the model ended the text there."""

    text: str
    has_ended: bool


class Scorer:
    """The cache of a backend: the anchor in sequence 0, and a fork of it with a prompt in each other sequence."""

    def __init__(self, backend: LlamaBackend) -> None:
        self.backend = backend
        self._anchor: list[int] = []
        self._ends = np.array([token for token in range(backend.vocabulary.num_tokens) if backend.is_end(token)])
        self._breaks = backend.vocabulary.agreeing_with(b"\n")

    def hold_anchor(self, tokens: list[int]) -> None:
        """Evaluate an anchor in sequence 0. What it shares with the last anchor stays in the cache."""
        shared = common_prefix(self._anchor, tokens)
        for sequence in range(1, self.backend.num_sequences):
            self.backend.truncate(sequence, 0)
        self.backend.truncate(0, shared)
        for start in range(shared, len(tokens), self.backend.batch_tokens):
            part = tokens[start : start + self.backend.batch_tokens]
            self._decode([BatchToken(token, start + at, 0, False) for at, token in enumerate(part)])
        self._anchor = tokens

    def score(self, prompts: Sequence[Prompt], *, break_follows: bool = True) -> tuple[list[float], list[int]]:
        """The log-probability of each expected text with the line's end, and the first token that the model writes.

        With `break_follows`, the expected text has no line break, and every token that ends the line ends it: a line
        break or the end of the text. Else the expected text ends with the line break.
        """
        batch: list[BatchToken] = []
        rows: list[range] = []
        for sequence, prompt in enumerate(prompts, 1):
            shared = min(common_prefix(self._anchor, prompt.tokens), len(prompt.tokens) - 1)
            self.backend.truncate(sequence, 0)
            self.backend.fork(0, sequence, shared)
            # The last token's logits matter only where the expected text has no line break.
            tokens = prompt.tokens + prompt.expected[: len(prompt.expected) - (not break_follows)]
            first = len(prompt.tokens) - 1
            rows.append(range(len(batch) + first - shared, len(batch) + len(tokens) - shared))
            batch += [BatchToken(tokens[at], at, sequence, at >= first) for at in range(shared, len(tokens))]
        self._decode(batch)
        scores = [
            self._score(prompt, list(own), break_follows=break_follows)
            for prompt, own in zip(prompts, rows, strict=True)
        ]
        return scores, [
            self._choose(own[0], prompt.rest, prompt.fixed_indent) for prompt, own in zip(prompts, rows, strict=True)
        ]

    def _score(self, prompt: Prompt, rows: list[int], *, break_follows: bool) -> float:
        total, rest, must_show = 0.0, prompt.rest, prompt.fixed_indent
        for row, token in zip(rows, prompt.expected, strict=False):
            total += self.backend.logprob(row, token)
            if rest or must_show:
                total -= self._log_mass(row, self.backend.vocabulary.agreeing_with(rest, visible=must_show))
                must_show &= len(self.backend.piece(token)) <= len(rest)
                rest = rest[len(self.backend.piece(token)) :]
        if break_follows:
            total += self._log_mass(rows[-1], np.concatenate([self._ends, self._breaks]))
        return total

    def write(self, prompts: Sequence[Prompt], first: Sequence[int]) -> list[Written]:
        """The greedy text after each prompt up to the line's end. All prompts share one batch for each token."""
        written = [b""] * len(prompts)
        has_ended = [False] * len(prompts)
        rests = [prompt.rest for prompt in prompts]
        tokens = dict(enumerate(first))
        for sequence, prompt in enumerate(prompts, 1):
            self.backend.truncate(sequence, len(prompt.tokens))
        for step in range(ANSWER_TOKENS):
            for index, token in list(tokens.items()):
                has_ended[index] = self.backend.is_end(token)  # such a token may have a text all the same
                piece = b"" if has_ended[index] else self.backend.piece(token)
                taken = min(len(rests[index]), len(piece))
                rests[index] = rests[index][taken:]
                written[index] += piece[taken:]
                if has_ended[index] or b"\n" in written[index]:
                    del tokens[index]
            if not tokens:
                break
            places = {index: len(prompts[index].tokens) + step for index in tokens}
            self._decode([BatchToken(token, places[index], index + 1, True) for index, token in tokens.items()])
            tokens = {
                index: self._choose(row, rests[index], prompts[index].fixed_indent and not written[index])
                for row, index in enumerate(tokens)
            }
        lines = (text.decode("utf-8", errors="replace").partition("\n")[0] for text in written)
        return [Written(line, ended) for line, ended in zip(lines, has_ended, strict=True)]

    def _choose(self, row: int, rest: bytes, must_show: bool) -> int:
        """The most probable token, of those that agree with `rest` and show text where that is required."""
        logits = self.backend.logits(row)
        if not rest and not must_show:
            return int(logits.argmax())
        agreeing = self.backend.vocabulary.agreeing_with(rest, visible=must_show)
        return int(agreeing[logits[agreeing].argmax()])

    def _log_mass(self, row: int, tokens: npt.NDArray[np.int32]) -> float:
        """The logarithm of the probability that one of some tokens follows."""
        logits = self.backend.logits(row).astype(np.float64)
        highest = logits.max()
        return float(np.log(np.exp(logits[tokens] - highest).sum()) - np.log(np.exp(logits - highest).sum()))

    def _decode(self, batch: list[BatchToken]) -> None:
        if self.backend.decode(batch) is not DecodeStatus.OK:
            raise EngineError(f"llama.cpp could not evaluate {len(batch)} tokens.")
