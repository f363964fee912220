"""The common prefix of two sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def common_prefix(left: Sequence[Any], right: Sequence[Any]) -> int:
    """The number of leading elements that two sequences of the same type share."""
    # Slices compare at C speed, so a binary search is fast.
    shared, bound = 0, min(len(left), len(right))
    while shared < bound:
        middle = (shared + bound + 1) // 2
        if left[shared:middle] == right[shared:middle]:
            shared = middle
        else:
            bound = middle - 1
    return shared
