"""Excerpts of other files: a `Neighbour` is there, a `Readable` may be shown, a `Block` is chosen for a prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType

from lsp_server.base.token_estimate import estimate_tokens


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An excerpt of another document.

    The excerpt begins at `line`, 0-based. A larger `touched` is a later use. `is_edited` tells of edits since the
    document was opened. `whole` gives the whole text of an open document; with `is_saved` its file has that text. It
    is a function for a thread to call, because a huge text takes time. `root` is the workspace folder that `path` is
    relative to; it is empty outside of all. `names` are the absolute paths (`Place`). A closed document has an empty
    text, and `line` is its last edit.
    """

    path: str
    language_id: str
    text: str
    touched: int
    line: int = 0
    is_edited: bool = False
    whole: Callable[[], str] | None = None
    root: str = ""
    is_open: bool = True
    is_saved: bool = False
    names: tuple[str, ...] = ()

    def whole_text(self) -> str:
        """The whole text if it is at hand, else the excerpt."""
        return self.text if self.whole is None else self.whole()


# A neighbour that prompts of other documents may show. Only the gate makes one (`context/gate.py`).
Readable = NewType("Readable", Neighbour)


@dataclass(frozen=True, slots=True)
class Block:
    """A chosen excerpt with its path, and the reason for the choice."""

    path: str
    language_id: str
    text: str
    reason: str

    @property
    def tokens(self) -> int:
        """The estimated cost in tokens."""
        return estimate_tokens(self.text)
