"""Notebooks by `notebookDocument/did*`: order, moves, languages, closing; and clients that send cells only."""

from pathlib import Path

import pytest

from tests.raw_client import INLINE
from tests.server.conftest import Connection

NOTEBOOK = "file:///ws/sub/a.ipynb"
SYNC = {**INLINE, "notebookDocument": {"synchronization": {"dynamicRegistration": False}}}


def cell(name):
    return f"vscode-notebook-cell:/ws/sub/a.ipynb#{name}"


def item(name, language="python"):
    return {"uri": cell(name), "languageId": language, "version": 1, "text": f"x = '{name}'\n"}


class Notebook:
    """A client with one notebook open."""

    def __init__(self, connection):
        self.connection = connection
        self.workspace = connection.context.documents

    def note(self, event, **params):
        self.connection.feed(self.connection.note(f"notebookDocument/{event}", params))

    def open(self, *names):
        cells = [{"kind": 2, "document": cell(name)} for name in names]
        notebook = {"uri": NOTEBOOK, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
        self.note("didOpen", notebookDocument=notebook, cellTextDocuments=[item(name) for name in names])

    def change(self, **cells):
        self.note("didChange", notebookDocument={"uri": NOTEBOOK, "version": 2}, change={"cells": cells})

    def splice(self, start, num_deleted, *names, opened=(), closed=()):
        array = {"start": start, "deleteCount": num_deleted}
        if names:
            array["cells"] = [{"kind": 2, "document": cell(name)} for name in names]
        structure = {"array": array, "didOpen": list(opened), "didClose": [{"uri": cell(name)} for name in closed]}
        self.change(structure=structure)

    async def around(self, name):
        """The cells above one, and what its suffix has of those below."""
        await self.connection.settle()
        above = [each.text.split("'")[1] for each in self.workspace.neighbours(cell(name))]
        snapshot = self.workspace.get(cell(name)).snapshot(0, 0)
        below = self.workspace.with_cells_below(snapshot).suffix.removeprefix(snapshot.suffix.rstrip())
        return above, below.split("'")[1::2]


@pytest.fixture
async def notebook():
    connection = Connection()
    connection.context.settings.apply = lambda: None  # no engine
    await connection.initialize(capabilities=SYNC, workspaceFolders=[{"uri": "file:///ws", "name": "ws"}])
    yield Notebook(connection)
    await connection.end()


async def test_the_capability_is_for_clients_that_know_notebooks():
    for capabilities, is_offered in ((SYNC, True), (INLINE, False)):
        connection = Connection()
        result = await connection.initialize(capabilities=capabilities)
        assert ("notebookDocumentSync" in result["capabilities"]) is is_offered
        await connection.end()


async def test_cells_come_in_the_order_of_the_notebook(notebook):
    notebook.open("A", "C")
    assert await notebook.around("A") == ([], ["C"])
    notebook.splice(1, 0, "B", opened=[item("B")])
    assert await notebook.around("B") == (["A"], ["C"])
    assert await notebook.around("C") == (["A", "B"], [])


async def test_a_cell_has_the_path_of_its_notebook_in_its_folder(notebook):
    notebook.open("A")
    await notebook.connection.settle()
    assert notebook.workspace.place_of(cell("A")).path == "sub/a.ipynb"
    assert notebook.workspace.place_of(cell("A")).root == str(Path("/ws"))


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_cell_that_is_moved_keeps_its_text(notebook, at_once):
    notebook.open("A", "B", "C")
    if at_once:
        notebook.splice(0, 3, "C", "A", "B")
    else:
        notebook.splice(2, 1)
        notebook.splice(0, 0, "C")
    assert await notebook.around("A") == (["C"], ["B"])
    assert await notebook.around("C") == ([], ["A", "B"])


async def test_a_deleted_cell_is_gone(notebook):
    notebook.open("A", "B", "C")
    notebook.splice(1, 1, closed=["B"])
    assert await notebook.around("C") == (["A"], [])
    assert notebook.workspace.get(cell("B")) is None


async def test_a_cell_whose_language_changes_is_closed_and_opened_at_once(notebook):
    notebook.open("A", "B")
    notebook.splice(0, 1, "A", opened=[item("A", "markdown")], closed=["A"])
    await notebook.around("B")
    assert notebook.workspace.get(cell("A")).language_id == "markdown"
    assert await notebook.around("A") == ([], []), "a cell of another language is not in the suffix"


async def test_a_cell_is_edited(notebook):
    notebook.open("A", "B")
    start = {"line": 0, "character": 0}
    edits = [{"range": {"start": start, "end": start}, "text": "y\n"}, {"text": "z = 'new'\n"}]
    notebook.change(textContent=[{"document": {"uri": cell("A"), "version": 7}, "changes": edits}])
    assert await notebook.around("B") == (["new"], [])
    assert notebook.workspace.get(cell("A")).version == 7


async def test_a_closed_notebook_leaves_nothing(notebook):
    notebook.open("A", "B")
    notebook.note("didClose", notebookDocument={"uri": NOTEBOOK}, cellTextDocuments=[{"uri": cell("A")}])
    await notebook.connection.settle()
    assert notebook.workspace.num_documents == 0
    assert notebook.workspace.notebooks.notebook_of(cell("A")) is None


async def test_other_documents_do_not_see_a_cell(notebook):
    notebook.open("A")
    document = {"uri": "file:///ws/b.py", "languageId": "python", "version": 1, "text": "b"}
    notebook.connection.feed(notebook.connection.note("textDocument/didOpen", {"textDocument": document}))
    await notebook.connection.settle()
    assert notebook.workspace.neighbours("file:///ws/b.py") == []


async def test_changes_of_what_was_never_opened_are_no_matter(notebook):
    notebook.splice(5, 3, "X", opened=[item("X")])
    notebook.change(textContent=[{"document": {"uri": cell("nobody"), "version": 1}, "changes": [{"text": ""}]}])
    notebook.change(data=[{"kind": 2, "document": cell("X")}])
    assert await notebook.around("X") == ([], [])
