"""Excerpts of other files: those at hand (`Neighbour`) and those chosen for a prompt (`Block`)."""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.base.token_estimate import estimate_tokens


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An excerpt of another document, and when it was last touched (larger is later).

    It begins at `line`, 0-based. `is_edited` tells whether it was edited since it was opened. `whole` is the document's
    text where that is not what was saved. `root` is the workspace folder that `path` is relative to, empty outside of
    all. Of one that was closed again the text is not known: it is empty, and `line` is where it was edited last.
    """

    path: str
    language_id: str
    text: str
    touched: int
    line: int = 0
    is_edited: bool = False
    whole: str | None = None
    root: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """A chosen excerpt with its path, and why it was chosen."""

    path: str
    language_id: str
    text: str
    reason: str

    @property
    def tokens(self) -> int:
        """Estimated cost."""
        return estimate_tokens(self.text)
