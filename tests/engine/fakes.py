"""Fake models with a peculiarity each, for the tests of what the scheduler does about it."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence

import msgspec

from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.engine.backends.fake import FakeBackend, next_token
from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.sequence import SequenceState
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.requests import Marker, Sampling, Text

END = 256
MIDDLE = 260
FIRST_WORD = 512  # the token of a scribe's first word

# An anchor that ends with the middle marker.
FIM = (Marker("begin"), Marker("prefix"), Text("x = 1\n"), Marker("suffix"), Text("\n"), Marker("middle"))


def fake_options(script: str = "", **options: int) -> EngineOptions:
    return EngineOptions(model_path=f"fake:{script}", backend="fake", **options)


class Dictated(FakeBackend):
    """Writes the bytes it is told to, then ends."""

    def __init__(self, written: bytes, **options: int) -> None:
        super().__init__(fake_options(**options))
        self.written = written

    def new_sampler(self, sampling: Sampling) -> Iterator[int]:
        super().new_sampler(sampling)
        return iter(self.written)

    def sample(self, sampler: Iterator[int], row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:
        return healing_bytes[0] if healing_bytes else next(sampler, END)


class Clairvoyant:
    """A source of guesses that knows what the fake model writes, each token with the same odds."""

    def __init__(self, odds: float, rng: random.Random, most: int = 6) -> None:
        self.odds, self.rng, self.most = odds, rng, most
        self.num_ended = 0

    def guess(self, run: SequenceState) -> Guess | None:
        tokens = list(run.tokens)
        for _ in range(self.rng.randint(1, self.most)):
            token = next_token(tokens)
            if token == END or self.rng.random() >= self.odds:
                token = ord("?")  # which it never writes
            tokens.append(token)
        return Guess(tokens[len(run.tokens) :], "known")

    def ended(self, run: SequenceState) -> None:
        self.num_ended += 1


class Forgetful(FakeBackend):
    """Cannot drop the end of a sequence, like a recurrent model."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self.info = msgspec.structs.replace(self.info, supports_rollback=False)

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        kept = num_tokens >= len(self.sequences[sequence])
        super().truncate(sequence, num_tokens if kept else 0)
        return kept

    def fork(self, source: int, target: int, num_tokens: int) -> None:
        raise AssertionError("a part of its memory cannot be copied either")


class Scribe(FakeBackend):
    """Has words for tokens, besides bytes, and a wish: the text it wants behind the middle marker.

    It cuts what it reads into the longest words, and what it writes into the longest of those it may write.
    """

    def __init__(self, words: Sequence[str], wish: str, writes: Sequence[str] | None = None, **options: int) -> None:
        super().__init__(fake_options(**options))
        self.words = {word.encode(): FIRST_WORD + number for number, word in enumerate(words)}
        self.may_write = self.words if writes is None else {word.encode() for word in writes}
        self.wish = wish.encode()
        self.logprobs: dict[bytes, float] = {}  # of words that are not certain
        self.healing_logprobs: dict[bytes, float] = {}  # among those that agree with what was typed

    def tokenize(self, text: str) -> list[int]:
        tokens, encoded = [], text.encode(errors="replace")
        while encoded:
            tokens.append(self._longest(encoded, self.words))
            encoded = encoded[len(self.piece(tokens[-1])) :]
        return tokens

    def piece(self, token: int) -> bytes:
        return list(self.words)[token - FIRST_WORD] if token >= FIRST_WORD else super().piece(token)

    def begins_token(self, text: bytes) -> bool:
        return len(text) == 1 or any(word.startswith(text) for word in self.words)

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        status = super().decode(batch)
        if status is DecodeStatus.OK:
            self._rows = [self._wished(self.sequences[entry.sequence][: entry.position + 1]) for entry in batch]
        return status

    def sample(self, sampler: int, row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:
        token = self._rows[row]
        piece = self.piece(token)
        agrees = piece and (piece.startswith(healing_bytes) or healing_bytes.startswith(piece))
        return token if agrees or not healing_bytes else healing_bytes[0]

    def logprob(self, row: int, token: int, healing_bytes: bytes = b"", *, visible: bool = False) -> float:
        return (self.healing_logprobs if healing_bytes else self.logprobs).get(self.piece(token), 0.0)

    def _wished(self, tokens: list[int]) -> int:
        """What comes next of the wish; the end where the text is not its beginning."""
        start = len(tokens) - tokens[::-1].index(MIDDLE) if MIDDLE in tokens else len(tokens)
        written = b"".join(map(self.piece, tokens[start:]))
        left = self.wish[len(written) :]
        return self._longest(left, self.may_write) if left and self.wish.startswith(written) else END

    def _longest(self, text: bytes, among: Collection[bytes]) -> int:
        longest = max((word for word in among if text.startswith(word)), key=len, default=b"")
        return self.words[longest] if longest else text[0]
