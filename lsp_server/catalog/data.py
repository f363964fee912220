"""The files of `models/` that ship with infill."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def data_file(name: str) -> Path:
    """The file at a path of the checkout: inside the installed package, or beside it in a source checkout."""
    package = Path(str(files("lsp_server")))
    installed = package / "data" / name
    return installed if installed.exists() else package.parent / name
