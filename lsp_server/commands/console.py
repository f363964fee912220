"""What commands that print share: the console, a report of named facts, a table of figures."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from lsp_server.base.errors import InfillError

FILE_WIDTH = 120  # of what is printed into a file: as wide as the tables need


def make_console() -> Console:
    """Standard output, as wide as the terminal, or as tables need where there is none."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console


def make_report() -> Table:
    """Rows of a name and what there is to say."""
    report = Table.grid(padding=(0, 2))
    report.add_column(style="bold")
    report.add_column(overflow="fold")
    return report


def make_table(*headings: str) -> Table:
    """A table whose first column names its rows."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def require_folder_of(file: str | None) -> None:
    """Raise `InfillError` if a file to be written has no folder to go to: before minutes are spent on its content."""
    if file and not Path(file).absolute().parent.is_dir():
        raise InfillError(f"There is no folder for {file}. Make it first.")
