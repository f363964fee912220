"""A table of samples by name, for benchmarks that compare two ways to do the same."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from lsp_server.commands.bench_tables import number_text
from lsp_server.commands.console import make_table
from lsp_server.measure.stats import Spread


def samples_table(samples: Mapping[str, Spread | None]) -> Table:
    """The median, minimum and maximum of each."""
    table = make_table("median", "least", "most")
    for name, spread in samples.items():
        table.add_row(name, *map(number_text, [spread.median, spread.least, spread.most] if spread else [None] * 3))
    return table
