"""Whether the white space before the cursor is the indentation that its line is to have."""

from __future__ import annotations

import re

from lsp_server.snapshot import Snapshot

# The end of a line below which a block begins, in the languages that indent one; a comment may follow.
_OPENS = re.compile(r"([:{(\[]|[-=]>|\b(then|do|else|begin|try))\s*((#|//|--).*)?$")
_TAB_WIDTH = 4


def is_settled(snapshot: Snapshot) -> bool:
    """Whether an indentation stands before the cursor, and nothing else, and is meant.

    Editors and their users indent a line before they write it. Only below a line that opens a block and is indented as
    much, the indentation is yet to come: not every editor adds it.
    """
    indentation = snapshot.line_prefix
    if not indentation or not indentation.isspace():
        return False
    written = snapshot.prefix.rstrip()
    above = written[written.rfind("\n") + 1 :]
    return _width(indentation) > _width(above) or not _OPENS.search(above)


def _width(line: str) -> int:
    expanded = line.expandtabs(_TAB_WIDTH)
    return len(expanded) - len(expanded.lstrip())
