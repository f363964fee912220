"""Git's ignore patterns: the rules of one ignore file (gitignore(5), git's `wildmatch.c`). Pure.

The folders above a path are judged on their own, because git re-includes nothing inside an ignored folder. So a pattern
that matches a folder says nothing here about what is inside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_NEVER = r"(?!)"
_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "cntrl": r"\x00-\x1f\x7f",
    "print": " -~",
    "graph": "!-~",
}
_TOKEN = re.compile(
    r"""\\(?P<escaped>.) | (?P<deep>(?:(?<=/)|^)\*{2,}(?=/|\Z)/?) | (?P<stars>\*+) | (?P<one>\?)
    | \[(?P<not>[!^]?)(?P<set>(?>\]|\[:[^\]]*:\]|\\.|[^\]\\])(?>\[:[^\]]*:\]|\\.|[^\]\\])*+)\]
    | (?P<broken>\[|\\\Z) | (?P<text>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(r"\[:(?P<kind>[^\]]*):\]|(?P<first>\\?.)(?:-(?P<last>\\?.))?", re.DOTALL)


def to_regex(pattern: str) -> str:
    """A pattern as a regular expression for a whole path. `*` and `?` match no slash, `**` does.

    What stands between two wildcards is taken where it stands first, in an atomic group. A later place would match
    nothing more, and trying every place would take for ever with many wildcards.
    """
    sections: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(pattern):
        if token.lastgroup == "deep":
            sections += [[token], []]
        else:
            sections[-1].append(token)
    regex = _section(sections[0])
    for number in range(1, len(sections), 2):
        section = _section(sections[number + 1])
        if not sections[number][0]["deep"].endswith("/"):
            regex += ".*"
        elif number + 2 < len(sections):
            regex += f"(?>(?:[^/]*+/)*?{section})"
        else:
            regex += f"(?:.*/)?{section}"
    return regex


def _section(tokens: list[re.Match[str]]) -> str:
    """The part of a pattern between two `**`."""
    parts = [""]
    for token in tokens:
        if token.lastgroup == "stars":
            parts.append("")
        else:
            parts[-1] += _piece(token)
    if len(parts) == 1:
        return parts[0]
    return parts[0] + "".join(f"(?>[^/]*?{part})" for part in parts[1:-1]) + f"[^/]*{parts[-1]}"


def _piece(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "one":
            return "[^/]"
        case "set":
            return _character_set(token["set"], is_negated=bool(token["not"]))
        case "broken":
            return _NEVER
        case _:
            return re.escape(token["escaped"] or token["text"])


def _character_set(content: str, *, is_negated: bool) -> str:
    parts = []
    for each in _IN_SET.finditer(content):
        if each["kind"] is not None:
            if each["kind"] not in _POSIX:
                return _NEVER
            parts.append(_POSIX[each["kind"]])
            continue
        first = each["first"][-1]
        last = each["last"][-1] if each["last"] else first
        if first <= last:
            parts.append(f"{re.escape(first)}-{re.escape(last)}")
    if not parts:
        return "[^/]" if is_negated else _NEVER
    return f"(?!/)[{'^' if is_negated else ''}{''.join(parts)}]"


@dataclass(frozen=True, slots=True)
class _Rule:
    matches: re.Pattern[str]
    ignores: bool
    is_for_folders: bool
    is_for_names: bool  # it has no slash, so it is for a name in any folder


class Rules:
    """The rules of one ignore file. Paths are relative to the folder whose rules they are."""

    def __init__(self, text: str, *, ignores_case: bool = False) -> None:
        flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
        lines = text.removeprefix("\ufeff").split("\n")
        self._rules = [rule for line in lines if (rule := _parse(line.removesuffix("\r"), flags))]
        self._rules.reverse()  # the last one that matches decides
        # Most paths match no rule. One search for all tells that.
        self._names, self._paths = (
            re.compile("|".join(each.matches.pattern for each in self._rules if each.is_for_names is of_names), flags)
            for of_names in (True, False)
        )

    def ignores(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the rules ignore a path. False re-includes it; None is no verdict."""
        name = path.rpartition("/")[2]
        if not (self._names.fullmatch(name) or self._paths.fullmatch(path)):
            return None
        for rule in self._rules:
            if is_folder >= rule.is_for_folders and rule.matches.fullmatch(name if rule.is_for_names else path):
                return rule.ignores
        return None


@lru_cache(maxsize=512)
def rules_of(text: str, *, ignores_case: bool) -> Rules:
    """The rules of an ignore file's text. They are compiled once."""
    return Rules(text, ignores_case=ignores_case)


def _parse(line: str, flags: int) -> _Rule | None:
    pattern = _without_trailing_spaces(line)
    if not pattern or pattern.startswith("#"):
        return None
    is_negated = pattern.startswith("!")
    pattern = pattern[is_negated:]
    is_for_folders = pattern.endswith("/")
    pattern = pattern[: len(pattern) - is_for_folders]
    is_for_names = "/" not in pattern
    return _Rule(
        re.compile(f"(?:{to_regex(pattern.removeprefix('/'))})", flags), not is_negated, is_for_folders, is_for_names
    )


def _without_trailing_spaces(line: str) -> str:
    """The line without the spaces at its end, except a space behind a backslash."""
    stripped = line.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if backslashes % 2 and len(stripped) < len(line) else stripped
