"""An n-gram model, for comparison: it writes the token that followed most often after the longest known context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

MAX_CONTEXT = 6  # tokens
MAX_LOCAL_TOKENS = 4000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Counts = Counter[int]


class NGram:
    """Counts over a text, in tokens. For each length of context it keeps sorted hashes and the tokens that followed."""

    def __init__(self, tokens: Sequence[int]) -> None:
        text = np.asarray(tokens, dtype=np.uint64)
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._next: list[npt.NDArray[np.int32]] = []
        for length in range(1, MAX_CONTEXT + 1):
            hashes = _hashes(text, length)[:-1]
            order = np.argsort(hashes, kind="stable")
            self._hashes.append(hashes[order])
            self._next.append(text[length:][order].astype(np.int32))

    def after(self, context: Sequence[int]) -> Counts:
        """How often each token followed this context of at most `MAX_CONTEXT` tokens."""
        at = len(context) - 1
        wanted = _hashes(np.asarray(context, dtype=np.uint64), len(context))
        first, last = np.searchsorted(self._hashes[at], [wanted[0], wanted[0] + np.uint64(1)])
        tokens, counts = np.unique(self._next[at][first:last], return_counts=True)
        return Counter(dict(zip(tokens.tolist(), counts.tolist(), strict=True)))


def _hashes(text: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint64]:
    """A hash of each sequence of so many tokens."""
    count = max(0, len(text) - length + 1)
    hashes = np.full(count, length, dtype=np.uint64)
    for offset in range(length):
        hashes = (hashes ^ text[offset : offset + count]) * _MULTIPLIER  # wraps around
        hashes ^= hashes >> np.uint64(29)
    return hashes


def write_line(
    general: NGram, before: Sequence[int], rest: bytes, piece: Callable[[int], bytes], max_tokens: int
) -> str:
    """The rest of a line after some tokens, by counts.

    Longer contexts go first. For each length, counts of the text itself go before `general` ones. The written text
    begins with `rest`, which is not returned.
    """
    context = list(before[-MAX_LOCAL_TOKENS:])
    local = NGram(context) if len(context) > MAX_CONTEXT else None
    written = b""
    for _ in range(max_tokens):
        token = _next_token(general, local, context, rest[len(written) :], piece)
        if token is None:
            break
        context.append(token)
        written += piece(token)
        if b"\n" in written:
            break
    return written[len(rest) :].decode("utf-8", errors="replace").partition("\n")[0]


def _next_token(
    general: NGram, local: NGram | None, context: list[int], rest: bytes, piece: Callable[[int], bytes]
) -> int | None:
    for length in range(min(MAX_CONTEXT, len(context)), 0, -1):
        for counts in (source.after(context[-length:]) for source in (local, general) if source):
            for token, _ in counts.most_common():
                text = piece(token)
                if text and (text.startswith(rest) or rest.startswith(text)):
                    return token
    return None
