"""Rules against text that belongs in no file: control strings, fences, path headers, incomplete characters."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from lsp_server.base.fim_families import ambiguous_leaks, leak_pattern
from lsp_server.languages.forms import Kind
from lsp_server.languages.lexer import START, blanked, lex
from lsp_server.languages.line_patterns import COMMENT_MARK
from lsp_server.languages.syntax import language
from lsp_server.postprocess.lines import later_lines, state_at
from lsp_server.text.snapshot import Snapshot

_CONTROL = leak_pattern()
_AMBIGUOUS = re.compile("|".join(map(re.escape, sorted(ambiguous_leaks(), key=len, reverse=True))))
_REST_OF_LINE = re.compile(r"[ \t]*\n")  # the text's own end may still be written on
_BROKEN = "\ufffd"  # what the engine decodes such bytes to
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_OPENING_FENCE = re.compile(r"[ \t]*```[\w+#.-]*[ \t]*\n")
_FENCE_BEGUN = re.compile(r"[ \t]*(`{1,3}|```[\w+#.-]*[ \t]*)")
# A path from the top of a project. `./run.sh` and `/etc/hosts` are none.
_PATH = r"(?P<path>(?:[\w.@-]*[\w@-][\w.@-]*/)*[\w.@-]+\.\w{1,6})"
_COMMENTED_PATH = re.compile(rf"(?:{COMMENT_MARK}) ?{_PATH}\s*")
_OTHER_HEADER = re.compile(rf"(?:\+{{5}}|diff --git\b.*)\s*{_PATH}\s*")
_MAX_OF_A_HEADER = 200  # characters


def control_text(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a control string of a model, unless the file has the same string.

    A string that code may contain counts only where a line begins or ends.
    """

    def is_leak(string: str, before: str) -> bool:
        return not _is_in_file(string, snapshot) and not _is_code(string, before, snapshot)

    def rule(text: str) -> int | None:
        certain = (match.start() for match in _CONTROL.finditer(text) if not _is_in_file(match[0], snapshot))
        others = (match for match in _AMBIGUOUS.finditer(text) if _is_at_an_edge(match, text))
        ambiguous = (match.start() for match in others if is_leak(match[0], text[: match.start()]))
        found = [start for each in (certain, ambiguous) if (start := next(each, None)) is not None]
        return min(found, default=None)

    return rule


def _is_at_an_edge(match: re.Match[str], text: str) -> bool:
    """Whether a line of the text begins or ends with what is found."""
    begins = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip(" \t")
    return begins or _REST_OF_LINE.match(text, match.end()) is not None


def drop_control_text(text: str, snapshot: Snapshot) -> str:
    """Drop a control string at the end of a text, whose line has ended now."""
    return text[: control_text(snapshot)(f"{text}\n")]


def _is_in_file(string: str, snapshot: Snapshot) -> bool:
    return string in snapshot.prefix or string in snapshot.suffix


def _is_code(string: str, before: str, snapshot: Snapshot) -> bool:
    """Whether a string that both models and code have is code: a tag, a type, or `<name>` in a usage text."""
    name = string.strip("</[|]>")
    if string.startswith("</"):
        return re.search(rf"<{name}[\s>]", snapshot.prefix + before) is not None
    if name.isupper():  # `List<MID>`, `names[PREFIX]`
        return re.search(rf"\b{name}\b", f"{snapshot.prefix}{before}\n{snapshot.suffix}") is not None
    is_tag = string == f"<{name}>" and name.isalpha()
    return is_tag and (language(snapshot.language_id).blocks.has_tags or not _is_code_behind(before, snapshot))


def broken_character(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before bytes that are no character. A model that writes bytes can leave a character unfinished."""

    def rule(text: str) -> int | None:
        found = text.find(_BROKEN)
        return None if found < 0 or _is_in_file(_BROKEN, snapshot) else found

    return rule


def code_fence(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a fence around code. A fence in a comment or a string, or in a file that has fences, is ordinary."""

    def rule(text: str) -> int | None:
        if "```" not in text or _has_fences(snapshot):
            return None
        starts = (match.start() for match in _FENCE.finditer(text))
        return next((max(0, start - 1) for start in starts if _is_code_behind(text[:start], snapshot)), None)

    return rule


def opening_fence(snapshot: Snapshot) -> Callable[[str], int]:
    """How many characters of a text are a fence before its first line of code, and indentation that stands already.

    While that is not known, it is all of the text.
    """
    indentation = "" if snapshot.line_prefix.strip() else snapshot.line_prefix

    def size(text: str) -> int:
        if not text.lstrip(" \t").startswith("`") or _has_fences(snapshot) or not _is_code_behind("", snapshot):
            return 0
        if _FENCE_BEGUN.fullmatch(text):
            return len(text)
        if not (match := _OPENING_FENCE.match(text)):
            return 0
        code = text[match.end() :]
        if indentation.startswith(code):
            return len(text)
        return match.end() + (len(indentation) if code.startswith(indentation) else 0)

    return size


def drop_opening_fence(text: str, snapshot: Snapshot) -> str:
    """Drop a fence before the first line of code."""
    return text[opening_fence(snapshot)(text) :]


@lru_cache(maxsize=4)
def _has_fences(snapshot: Snapshot) -> bool:
    if language(snapshot.language_id).has_fences:
        return True
    sides = ((snapshot.prefix, START), (snapshot.suffix, state_at(snapshot)))
    return any(
        "```" in side and _FENCE.search(blanked(side, snapshot.language_id, state)) is not None for side, state in sides
    )


def path_header(snapshot: Snapshot) -> Callable[[str], int | None]:
    """End before a comment that is only a path, where a file can begin: another file begins there.

    A bare name counts only if it is one of the language. Behind another comment, a path is a part of that.
    """
    syntax = language(snapshot.language_id)
    comment = re.compile(COMMENT_MARK)

    def is_header(row: str, above: str) -> bool:
        if other := _OTHER_HEADER.fullmatch(row):
            return not _is_in_file(other[0].split()[0], snapshot)
        match = _COMMENTED_PATH.fullmatch(row)
        if not match or comment.match(above.lstrip()):
            return False
        path = match["path"]
        return "/" in path or path.lower().endswith((*syntax.suffixes, *syntax.header_suffixes))

    def rule(text: str) -> int | None:
        above = text.partition("\n")[0]
        for start, end in later_lines(text):
            row = text[start:end]
            if len(row) <= _MAX_OF_A_HEADER and is_header(row, above) and _is_code_behind(text[:start], snapshot):
                return start - 1
            above = row
        return None

    return (lambda _: None) if syntax.has_fences else rule


def _is_code_behind(text: str, snapshot: Snapshot) -> bool:
    """Whether what follows a text is code: neither comment nor string."""
    before = snapshot.line_prefix
    return lex(before + text, snapshot.language_id, state_at(snapshot), len(before))[1].kind is Kind.CODE
