"""JSON with comments and trailing commas, as VS Code and TypeScript write their settings; and JSON of any text."""

from __future__ import annotations

import json
import re
from typing import Any

_COMMENT = r"//[^\n]*|(?>/\*.*?\*/)"
# A string, or one of the two extensions of JSON: a comment, or a trailing comma.
_PARTS = re.compile(rf'(?P<string>"(?:[^"\\\n]|\\.)*")|{_COMMENT}|,(?=(?:\s|{_COMMENT})*[}}\]])', re.DOTALL)
_BEFORE_NAME, _BEFORE_VALUE = re.compile(r'[\s,]*(?=")'), re.compile(r"\s*:\s*")


def plain(text: str) -> str:
    """The text as standard JSON. Spaces replace comments and trailing commas, so that offsets stay."""
    return _PARTS.sub(lambda match: match["string"] or re.sub(r"[^\n]", " ", match[0]), text)


def parse(text: str) -> Any:
    """The value of a text. Raises `ValueError` for malformed text."""
    return json.loads(plain(text.removeprefix("\ufeff")))


def with_member(text: str, name: str, value: Any) -> str:
    """The text of an object with one member set. The rest stays as it was, comments included.

    An empty text becomes an object. Raises `ValueError` if the text is not an object.
    """
    if not plain(text.removeprefix("\ufeff")).strip():
        return f"{text}{{\n    {_member(name, value)}\n}}\n"
    members = parse(text)
    if not isinstance(members, dict):
        raise ValueError("it does not hold an object")  # noqa: TRY004  (the text is wrong, not the call)
    if name in members:
        start, end = _place_of_value(text, name)
        return text[:start] + json.dumps(value) + text[end:]
    at = plain(text).index("{") + 1
    rest = text[at:] if members else f"\n{text[at:].lstrip()}"
    return f"{text[:at]}\n    {_member(name, value)}{',' if members else ''}{rest}"


def _member(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(value)}"


def _place_of_value(text: str, name: str) -> tuple[int, int]:
    """The start and end of a member's value. Of several members with the name, the last counts."""
    code, decoder = plain(text), json.JSONDecoder()
    at, place = code.index("{") + 1, (0, 0)
    while named := _BEFORE_NAME.match(code, at):
        key, at = decoder.raw_decode(code, named.end())
        separated = _BEFORE_VALUE.match(code, at)
        assert separated is not None, "it was parsed"
        _, at = decoder.raw_decode(code, separated.end())
        if key == name:
            place = (separated.end(), at)
    return place


def encodable_json(value: Any) -> str:
    """JSON with `?` for half a surrogate pair. Editors may send one. It is no character, so readers refuse it."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace").decode()
