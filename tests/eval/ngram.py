"""What counting alone would write: the token that followed most often after the longest context seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

LONGEST_CONTEXT = 6  # tokens
MAX_LOCAL_TOKENS = 4000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Counts = Counter[int]


class NGram:
    """Counts over a text, in tokens: for each length of context, its hashes in order and the tokens that followed."""

    def __init__(self, tokens: Sequence[int]) -> None:
        text = np.asarray(tokens, dtype=np.uint64)
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._next: list[npt.NDArray[np.int32]] = []
        for length in range(1, LONGEST_CONTEXT + 1):
            hashes = _hashes(text, length)[:-1]
            order = np.argsort(hashes, kind="stable")
            self._hashes.append(hashes[order])
            self._next.append(text[length:][order].astype(np.int32))

    def after(self, context: Sequence[int]) -> Counts:
        """How often which token followed this context, of at most `LONGEST_CONTEXT` tokens."""
        at = len(context) - 1
        wanted = _hashes(np.asarray(context, dtype=np.uint64), len(context))
        first, last = np.searchsorted(self._hashes[at], [wanted[0], wanted[0] + np.uint64(1)])
        tokens, counts = np.unique(self._next[at][first:last], return_counts=True)
        return Counter(dict(zip(tokens.tolist(), counts.tolist(), strict=True)))


def _hashes(text: npt.NDArray[np.uint64], length: int) -> npt.NDArray[np.uint64]:
    """A hash of each run of so many tokens."""
    count = max(0, len(text) - length + 1)
    hashes = np.full(count, length, dtype=np.uint64)
    for offset in range(length):
        hashes = (hashes ^ text[offset : offset + count]) * _MULTIPLIER  # wraps around
        hashes ^= hashes >> np.uint64(29)
    return hashes


def write_line(
    general: NGram, before: Sequence[int], rest: bytes, piece: Callable[[int], bytes], most_tokens: int
) -> str:
    """What counts make of the rest of a line behind some tokens.

    Counts of the text itself go before those of other texts, and longer contexts before shorter ones. The text begins
    with `rest`, which is not returned.
    """
    context = list(before[-MAX_LOCAL_TOKENS:])
    local = NGram(context) if len(context) > LONGEST_CONTEXT else None
    written = b""
    for _ in range(most_tokens):
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
    for length in range(min(LONGEST_CONTEXT, len(context)), 0, -1):
        for counts in (source.after(context[-length:]) for source in (local, general) if source):
            for token, _ in counts.most_common():
                text = piece(token)
                if text and (text.startswith(rest) or rest.startswith(text)):
                    return token
    return None
