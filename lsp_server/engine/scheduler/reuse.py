"""Matches the tokens of a slot with a prompt by their bytes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Piece = Callable[[int], bytes]


def keep_sampled(held: Sequence[int], canonical: Sequence[int], piece: Piece) -> tuple[int, int]:
    """How many tokens of `held` can replace how many of `canonical`.

    Both follow the same prompt. `held` are the tokens in a slot, as they were sampled or as an earlier prompt had them.
    `canonical` is the tokenisation of the text that should be there. Held tokens serve up to any place where both end a
    token at the same byte. The furthest such place is returned, as the number of tokens before it in each.
    """
    ends = {}
    offset = 0
    for count, token in enumerate(canonical, 1):
        offset += len(piece(token))
        ends[offset] = count
    wanted = b"".join(map(piece, canonical))
    kept, replaced, offset = 0, 0, 0
    for count, token in enumerate(held, 1):
        text = piece(token)
        if not text or not wanted.startswith(text, offset):
            break
        offset += len(text)
        if offset in ends:
            kept, replaced = count, ends[offset]
    return kept, replaced
