"""What a model writes that is not part of any file: the ends of its training texts, halves of characters."""

from __future__ import annotations

import re
from collections.abc import Callable

from lsp_server.base.fim_families import leak_pattern
from lsp_server.postprocess.blocks import later_lines
from lsp_server.text.snapshot import Snapshot

_CONTROL = leak_pattern()
_BROKEN = "\ufffd"  # what the engine decodes such bytes to
_FENCE = re.compile(r"^```\w*$", re.MULTILINE)
_LANGUAGES_WITH_FENCES = {"markdown", "mdx", "restructuredtext", "quarto", "rmd"}
_PATH = r"(?:[\w.@-]+/)*[\w.@-]+\.\w{1,6}"
_PATH_HEADER = re.compile(rf"(?:#|//|--|%|;;|\+\+\+\+\+|diff --git\b.*)\s*{_PATH}\s*")


def control_text(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a model's control string, unless the file has the same one."""

    def rule(text: str) -> int | None:
        for match in _CONTROL.finditer(text):
            if match[0] not in snapshot.prefix and match[0] not in snapshot.suffix:
                return match.start()
        return None

    return rule


def broken_character(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before bytes that are no character: a model that writes bytes can leave one unfinished."""
    is_in_file = _BROKEN in snapshot.prefix or _BROKEN in snapshot.suffix

    def rule(text: str) -> int | None:
        found = text.find(_BROKEN)
        return None if is_in_file or found < 0 else found

    return rule


def code_fence(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a line that is a fence around code, where the file has none."""

    def rule(text: str) -> int | None:
        rows = ((start, text[start:end]) for start, end in later_lines(text))
        return next((start - 1 for start, row in rows if _FENCE.match(row)), None)

    has_fences = snapshot.language_id in _LANGUAGES_WITH_FENCES or _FENCE.search(snapshot.prefix + snapshot.suffix)
    return (lambda _: None) if has_fences else rule


def path_header(text: str) -> int | None:
    """End before a comment that is a path and nothing else: another file begins."""
    rows = ((start, text[start:end]) for start, end in later_lines(text))
    return next((start - 1 for start, row in rows if _PATH_HEADER.fullmatch(row)), None)
