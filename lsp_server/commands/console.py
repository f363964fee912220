"""Printing for all commands: the console, a report of named facts, a table of figures."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lsp_server.base.errors import InfillError

FILE_WIDTH = 120  # columns when the output is a file: the width of the tables


def make_console() -> Console:
    """Standard output, as wide as the terminal. Without a terminal it is `FILE_WIDTH` wide.

    It reads no markup: names, paths and errors may have square brackets. Colour is put on with `coloured`.
    """
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console


def coloured(style: str, text: str, rest: str = "") -> Text:
    """A text in a colour, and the rest of its line without."""
    return Text.assemble((text, style), rest)


def make_report() -> Table:
    """A table of facts: a name and a text in each row."""
    report = Table.grid(padding=(0, 2))
    report.add_column(style="bold")
    report.add_column(overflow="fold")
    return report


def make_table(*headings: str) -> Table:
    """A table of figures. Its first column names the rows."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def require_folder_of(file: str | None) -> None:
    """Raise `InfillError` if the folder of an output file is missing, before minutes go into the content."""
    if file and not Path(file).absolute().parent.is_dir():
        raise InfillError(f"There is no folder for {file}. Make it first.")
