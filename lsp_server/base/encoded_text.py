"""The text of files that users write with any editor."""

from __future__ import annotations

import codecs

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(content: bytes, errors: str = "strict") -> str:
    """Text in UTF-8, or in UTF-16 if its byte order mark says so, without the mark. Raises `UnicodeDecodeError`.

    Notepad writes a mark, and PowerShell's `>` writes UTF-16.
    """
    return content.decode("utf-16" if content.startswith(UTF_16_MARKS) else "utf-8-sig", errors)
