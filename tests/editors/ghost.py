"""Ghost text on the screen of an editor in a terminal, and what the server said it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rich.cells import cell_len, set_cell_size

from tests.editors.messages import INLINE, Tap
from tests.editors.terminal import COLUMNS, InTerminal, Terminal
from tests.editors.texts import TRIANGLE

_numbers = itertools.count(1)


class GhostTextEditor(InTerminal):
    """An editor whose ghost text begins at the cursor."""

    tap: Tap
    columns: ClassVar[int] = COLUMNS  # those that show text
    keys: ClassVar[dict[str, str]]  # those that dismiss and trigger; the name of the command that dumps the state

    def open(self, name: str, text: str) -> None:
        """Open a new file of the project and be ready to type where the mark is."""
        raise NotImplementedError

    def command(self, text: str) -> None:
        """Call a command as the editor names it."""
        raise NotImplementedError

    def insert(self) -> None:
        """Be ready to type again, at the line's end, after a command."""
        raise NotImplementedError

    def undo(self) -> None:
        """Take the last step back."""
        raise NotImplementedError

    def close_brackets(self, is_on: bool) -> None:
        """Whether the editor closes brackets that are opened."""
        raise NotImplementedError

    def saved(self) -> str:
        """The buffer's text as it is saved."""
        raise NotImplementedError

    def offered(self, since: int = 0) -> str:
        """The ghost text that is on the screen at the cursor, as the server answered it."""
        return str(self.offered_items(since)[0]["insertText"])

    def offered_items(self, since: int = 0) -> list[dict[str, Any]]:
        """All items of that answer."""

        def shown() -> list[dict[str, Any]]:
            for _, answer in reversed(self.tap.answers(INLINE, since)):
                items: list[dict[str, Any]] = (answer.get("result") or {}).get("items") or []
                if items and self.shows(items[0]["insertText"]):
                    return items
            return []

        return self.terminal.wait_for(shown, "ghost text")

    def shows(self, ghost: str) -> bool:
        """Whether the screen has a text behind the cursor that is not in the buffer."""
        column, row = self.terminal.cursor()
        lines = self.terminal.screen().split("\n")
        first, *more = ghost.replace("\r\n", "\n").split("\n")
        behind = _from_column(lines[row], column)
        width = self.columns - column
        room = set_cell_size(first, width) if cell_len(first) > width else first
        if not behind.startswith(room.rstrip()):
            return False
        return all(line.strip() in shown for line, shown in zip(more, lines[row + 1 :], strict=False))

    def hides(self, ghost: str) -> None:
        """Wait until the screen does not show a text any more."""
        self.terminal.wait_for(lambda: not self.shows(ghost), "the end of the ghost text")

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition holds."""
        return self.terminal.wait_for(condition, what)


_Editor = TypeVar("_Editor", bound=GhostTextEditor)


def ready(editor: _Editor) -> _Editor:
    """The editor once a model serves it."""
    editor.open("first.py", "x = 1\n")
    editor.tap.wait_until_ready()
    return editor


def served(editor: _Editor) -> Iterator[_Editor]:
    """The same for a fixture, which ends it."""
    try:
        yield ready(editor)
    finally:
        editor.close()


def settled(terminal: Terminal, path: Path) -> str:
    """A file's text, once it stays as it is."""
    before = b""

    def read() -> bytes:
        nonlocal before
        before, now = path.read_bytes(), before
        return before if before == now else b""

    return terminal.wait_for(read, "the file").decode()


def _from_column(line: str, column: int) -> str:
    """A line of the screen from a column on; emoji take two."""
    return next((line[index:] for index in range(len(line) + 1) if cell_len(line[:index]) >= column), "")


def type_into(editor: GhostTextEditor, typed: str = "ret") -> int:
    """Type into a new file; returns how much the tap had recorded before."""
    editor.open(f"typed-{next(_numbers)}.py", TRIANGLE)
    since = editor.tap.mark
    editor.type(typed)
    return since


def begin(editor: GhostTextEditor, typed: str = "ret") -> str:
    """Type into a new file; returns the ghost text."""
    return editor.offered(type_into(editor, typed))


def has_no_ghost_text(editor: GhostTextEditor) -> bool:
    """Whether what is typed into a new file is answered without a text."""
    since = type_into(editor)
    editor.tap.wait_for(lambda: editor.tap.answers(INLINE, since), "an answer")
    return editor.tap.texts(since) == []


def file_with(text: str) -> str:
    """The new file with a text where one types."""
    return TRIANGLE.replace("‸", text)
