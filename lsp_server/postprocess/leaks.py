"""Rules against text that belongs in no file: control strings, fences, path headers, incomplete characters."""

from __future__ import annotations

import re
from collections.abc import Callable

from lsp_server.base.fim_families import leak_pattern
from lsp_server.languages.line_patterns import COMMENT_MARK
from lsp_server.languages.syntax import language
from lsp_server.postprocess.lines import later_lines
from lsp_server.text.snapshot import Snapshot

_CONTROL = leak_pattern()
_BROKEN = "\ufffd"  # what the engine decodes such bytes to
_FENCE = re.compile(r"^```\w*$", re.MULTILINE)
_PATH = r"(?:[\w.@-]+/)*[\w.@-]+\.\w{1,6}"
_PATH_HEADER = re.compile(rf"(?:{COMMENT_MARK}|\+\+\+\+\+|diff --git\b.*)\s*{_PATH}\s*")


def control_text(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a control string of a model, unless the file has the same string."""

    def rule(text: str) -> int | None:
        for match in _CONTROL.finditer(text):
            if match[0] not in snapshot.prefix and match[0] not in snapshot.suffix:
                return match.start()
        return None

    return rule


def broken_character(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before bytes that are no character. A model that writes bytes can leave a character unfinished."""
    is_in_file = _BROKEN in snapshot.prefix or _BROKEN in snapshot.suffix

    def rule(text: str) -> int | None:
        found = text.find(_BROKEN)
        return None if is_in_file or found < 0 else found

    return rule


def code_fence(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a line that is a fence around code, if the file has no fences."""

    def rule(text: str) -> int | None:
        rows = ((start, text[start:end]) for start, end in later_lines(text))
        return next((start - 1 for start, row in rows if _FENCE.match(row)), None)

    has_fences = language(snapshot.language_id).has_fences or _FENCE.search(snapshot.prefix + snapshot.suffix)
    return (lambda _: None) if has_fences else rule


def path_header(text: str) -> int | None:
    """End before a comment that is only a path: another file begins there."""
    rows = ((start, text[start:end]) for start, end in later_lines(text))
    return next((start - 1 for start, row in rows if _PATH_HEADER.fullmatch(row)), None)
