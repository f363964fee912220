"""What a slot already holds of a prompt. Pure functions over tokens and their bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Piece = Callable[[int], bytes]


def keep_sampled(held: Sequence[int], canonical: Sequence[int], piece: Piece) -> tuple[int, int]:
    """How many of `held` can stand for how many of `canonical`.

    Both are tokens that follow the same prompt: `held` are in a slot, as the model sampled them or an earlier prompt
    had them; `canonical` is the tokenisation of what should be there. Where the same bytes end at a token's end in
    both, the held tokens serve as well, though they may be cut differently. The furthest such place is returned, as
    the number of tokens before it in each.
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
