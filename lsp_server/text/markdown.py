"""Text as a block of Markdown."""

from __future__ import annotations

import re


def fenced(text: str, language_id: str) -> str:
    """Text in a fence. The fence is longer than any in the text."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    info = "" if "`" in language_id else language_id.split("\n")[0]
    return f"{fence}{info}\n{text}\n{fence}"
