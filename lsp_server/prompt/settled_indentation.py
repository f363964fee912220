"""Whether the indentation of the cursor's line is settled, or the model may choose it."""

from __future__ import annotations

from lsp_server.languages.line_patterns import BLOCK_START
from lsp_server.text.snapshot import Snapshot

_TAB_WIDTH = 4


def is_settled(snapshot: Snapshot) -> bool:
    """Whether only indentation stands before the cursor, and the model must keep it.

    Editors and users indent a line before they write it. In one case the indentation is not settled: the line above
    opens a block and is indented as far or further. Some editors do not add the indentation of the new block.
    """
    indentation = snapshot.line_prefix
    if not indentation or not indentation.isspace():
        return False
    written = snapshot.prefix.rstrip()
    above = written[written.rfind("\n") + 1 :]
    return _line_width(indentation) > _line_width(above) or not BLOCK_START.search(above)


def _line_width(line: str) -> int:
    expanded = line.expandtabs(_TAB_WIDTH)
    return len(expanded) - len(expanded.lstrip())
