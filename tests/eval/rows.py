"""Results that are rows of named figures, printed a line each."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def show(console: Console, results: dict[str, Any]) -> None:
    """Print the rows."""
    for row, values in results["rows"].items():
        console.print(f"{row:<52}", "  ".join(f"{key} {value}" for key, value in values.items()), soft_wrap=True)
