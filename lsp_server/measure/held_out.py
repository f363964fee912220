"""Files that the embedded model was not trained on: modules of Python's standard library, as they are installed."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from lsp_server.text.workspace import read_source

# `models/embedded/recipe/held_out.txt` keeps them out of the embedded model's training.
MODULES = ("argparse", "textwrap", "heapq", "dataclasses", "shlex", "queue", "bisect", "csv", "configparser", "fnmatch",
           "statistics", "graphlib", "cmd", "sched", "zipfile", "netrc")  # fmt: skip


@cache
def source_lines(module: str) -> tuple[str, ...]:
    """The lines of an installed module, none where no such module is installed."""
    path = _source_of(module)
    return tuple(read_source(path).split("\n")) if path else ()


def _source_of(module: str) -> Path | None:
    package, *rest = module.split(".")
    found = importlib.util.find_spec(package)  # of the first part only: a longer name would import the others
    if found is None or found.origin is None:
        return None
    origin = Path(found.origin)
    path = origin.parent.joinpath(*rest).with_suffix(".py") if rest else origin
    return path if path.is_file() else None
