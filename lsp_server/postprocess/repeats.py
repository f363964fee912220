"""Finds text that repeats what follows the cursor on its line."""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.postprocess.brackets import OPENERS, BracketScan
from lsp_server.text.snapshot import Snapshot

_MAX_CHARACTERS = 8000  # read in some 2 ms
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_QUOTES = "\"'`"


def repeated_rest(text: str, snapshot: Snapshot) -> int:
    """How many characters at the end of a text re-type what follows the cursor on its line.

    White space does not count. Words count only if the whole rest of the line is repeated. Closing brackets and quotes
    count one by one, if nothing before them opens them: `print(max(a, |)` still needs the `)` of `b)`.
    """
    rest = snapshot.line_suffix.rstrip()
    if not rest.strip():
        return 0
    stripped = text.rstrip()
    signs = next((index for index, character in enumerate(rest) if character.isalnum()), len(rest))
    ends = [rest[:size] for size in range(1, signs + 1)] + [rest]
    sizes = [0] + [len(end) for end in ends if stripped.endswith(end)]
    before = _opened_above(snapshot, rest) + snapshot.line_prefix
    return min(sizes, key=lambda size: (_imbalance(before + stripped[: len(stripped) - size] + rest), -size))


def closer_follows(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before the closing bracket that stands behind the cursor already.

    The line before the cursor may open more brackets than the rest of the line closes. The text has to close these: in
    `print(max(a, |)` it still owes `max` its own. The next closer that nothing in the text opens is the one behind the
    cursor. If the text re-types more of the line before that closer, it ends before that.
    """
    rest = snapshot.line_suffix.strip()
    closer = rest[0]
    scan = BracketScan(OPENERS[closer], closer, snapshot.language_id)
    for character in snapshot.line_prefix:
        scan.take(character)
    num_following = len(rest) - len(rest.lstrip(closer))
    scan.depth = max(0, scan.depth - num_following)
    num_scanned = 0
    found: tuple[int, int] | None = None  # the closer, and where to end

    def rule(text: str) -> int | None:
        nonlocal num_scanned, found
        while found is None and num_scanned < len(text):
            scan.take(text[num_scanned])
            if scan.depth < 0:
                size = repeated_rest(text[: num_scanned + 1], snapshot) or 1
                found = (num_scanned, num_scanned + 1 - size)
            num_scanned += 1
        return found[1] if found and found[0] < len(text) else None

    return rule


def rest_of_line_ends(text: str, snapshot: Snapshot) -> int | None:
    """The end of the first line that re-types what follows the cursor on its line. What it re-types is left out."""
    end = text.find("\n")
    while end >= 0:
        if size := repeated_rest(text[:end], snapshot):
            return len(text[:end].rstrip()) - size
        end = text.find("\n", end + 1)
    return None


def _opened_above(snapshot: Snapshot, rest: str) -> str:
    """Openers for the brackets of the cursor's line that close a bracket of a line before it.

    A long text above is not read. Each closer that lacks an opener on the line then counts as closing such a bracket.
    """
    line = snapshot.line_prefix + rest
    above = snapshot.prefix[: len(snapshot.prefix) - len(snapshot.line_prefix)]
    openers = ""
    for closer, opener in _CLOSERS.items():
        num_opened = line.count(closer) - line.count(opener)
        if num_opened > 0 and len(above) <= _MAX_CHARACTERS:
            scan = BracketScan(opener, closer, snapshot.language_id)
            for character in above:
                scan.take(character)
            num_opened = min(num_opened, max(0, scan.depth))
        openers += opener * num_opened
    return openers


def _imbalance(line: str) -> int:
    """How many brackets lack a partner, and how many kinds of quotes are odd in number."""
    brackets = sum(abs(line.count(opener) - line.count(closer)) for closer, opener in _CLOSERS.items())
    return brackets + sum(line.count(quote) % 2 for quote in _QUOTES)
