"""What two sequences have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def common_prefix(left: Sequence[Any], right: Sequence[Any]) -> int:
    """How many leading elements two sequences of the same type share."""
    # Slices compare at C speed, so the end of what is equal is found by halving.
    shared, bound = 0, min(len(left), len(right))
    while shared < bound:
        middle = (shared + bound + 1) // 2
        if left[shared:middle] == right[shared:middle]:
            shared = middle
        else:
            bound = middle - 1
    return shared
