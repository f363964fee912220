"""Standard output and error on any terminal: no character that its encoding lacks ends a command."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata

_HANDLER = "infill.readable"
_SIGNS = {
    "–": "-",
    "→": "->",
    "│": "|",
    "─": "-",
    "▁": "_",
    "▏": "|",
    "‸": "^",
    "✓": "ok",
    "✘": "no",
    "⟦": "[[",
    "⟧": "]]",
}
_SIGNS |= {"…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*", "·": "-"}
_BY_NAME = {"BOX DRAWINGS": "+", "BRAILLE": "."}  # the frames and the spinner of rich


def make_readable() -> None:
    """Write signs that a stream cannot encode in another way. Letters become escapes such as `\\xe9`."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def flush_output() -> None:
    """Write what is buffered. Raises `OSError`, such as `BrokenPipeError`, while somebody can still catch it."""
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_output() -> None:
    """Let nothing more be written: Python flushes standard output once more at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        sys.stdout = None


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_readable, error.object[error.start : error.end])), error.end


def _readable(character: str) -> str:
    name = unicodedata.name(character, "")
    found = next((sign for begin, sign in _BY_NAME.items() if name.startswith(begin)), "")
    return _SIGNS.get(character) or found or character.encode("ascii", "backslashreplace").decode()
