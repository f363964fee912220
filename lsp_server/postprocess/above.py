"""Drops a text that writes again what stands right above the cursor."""

from __future__ import annotations

import re

from lsp_server.languages.balance import begins_close
from lsp_server.postprocess.lines import Line, line_of
from lsp_server.text.snapshot import Snapshot

_MAX_LINES = 40  # of a text are compared


def drop_lines_above(text: str, snapshot: Snapshot) -> str:
    """Drop a text that repeats the lines right above the cursor, with their indentation.

    All of its lines do, or the first two of them: one line may well stand twice if others follow. The cursor's line
    counts with what is typed of it. Closers do not count, and neither do lines that the file itself repeats.
    """
    if snapshot.line_suffix.strip():
        return text
    written = _lines((snapshot.line_prefix + text).split("\n")[:_MAX_LINES], snapshot.language_id)
    above = _lines(_last(snapshot.prefix.split("\n")[:-1], len(written)), snapshot.language_id)
    for count in range(1 if len(written) == 1 else 2, min(len(written), len(above)) + 1):
        repeated = written[:count]
        if _are_same(repeated, above[-count:]) and _tell(repeated, snapshot):
            return ""
    return text


def _lines(rows: list[str], language_id: str) -> list[Line]:
    return [line_of(row, language_id) for row in rows if row.strip()]


def _last(rows: list[str], count: int) -> list[str]:
    """The last rows that are not blank."""
    return [row for row in rows if row.strip()][-count:] if count else []


def _are_same(some: list[Line], others: list[Line]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(one.says(other) and one.indentation == other.indentation for one, other in pairs)


def _tell(lines: list[Line], snapshot: Snapshot) -> bool:
    """Whether lines stand once in the file and hold more than closers and signs."""
    if all(not re.search(r"\w", each.text) or begins_close(each.text, snapshot.language_id) for each in lines):
        return False
    document = [row.rstrip() for row in f"{snapshot.prefix}\n{snapshot.suffix}".split("\n") if row.strip()]
    texts = [each.text for each in lines]
    places = [at for at, row in enumerate(document) if row == texts[0] and document[at : at + len(texts)] == texts]
    return len(places) <= 1
