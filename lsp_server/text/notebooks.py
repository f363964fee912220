"""The cells of notebooks in their order, for clients that say it."""

from __future__ import annotations

from collections.abc import Sequence


class Notebooks:
    """The open notebooks: the URIs of each one's cells, from top to bottom."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}
        self._notebook_of: dict[str, str] = {}

    def open(self, notebook: str, cells: Sequence[str]) -> None:
        """Open a notebook, or open it again with other cells."""
        self.close(notebook)
        self._cells[notebook] = []
        self.splice(notebook, 0, 0, cells)

    def close(self, notebook: str) -> list[str]:
        """Close a notebook; the cells that it had. An unknown one is no error."""
        cells = self._cells.pop(notebook, [])
        for cell in cells:
            self._notebook_of.pop(cell, None)
        return cells

    def splice(self, notebook: str, start: int, num_deleted: int, cells: Sequence[str]) -> None:
        """Put cells in the place of others. A cell that is moved is deleted and inserted, in one splice or in two."""
        known = self._cells.setdefault(notebook, [])
        for deleted in known[start : start + num_deleted]:
            self._notebook_of.pop(deleted, None)
        known[start : start + num_deleted] = cells
        self._notebook_of.update(dict.fromkeys(cells, notebook))

    def notebook_of(self, cell: str) -> str | None:
        """The URI of a cell's notebook, None if no client said it."""
        return self._notebook_of.get(cell)

    def above_and_below(self, cell: str) -> tuple[list[str], list[str]]:
        """The cells above and below one in its notebook. Nothing of one that no client placed."""
        cells = self._cells.get(self._notebook_of.get(cell, ""), [])
        if cell not in cells:
            return [], []
        at = cells.index(cell)
        return cells[:at], cells[at + 1 :]
