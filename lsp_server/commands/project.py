"""The project of a file on the command line, and its index."""

from __future__ import annotations

import itertools
from pathlib import Path

from lsp_server.context.retrieval import Retrieval
from lsp_server.index.build import Builder
from lsp_server.index.folder import Folder
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.workspace import path_of

# Files and folders at the top of a project.
MARKS = (".git", ".hg", ".infill.toml", "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")
# The server alone indexes a project of more files, because here the user waits.
MAX_FILES = 2000


def project_of(path: Path) -> Path:
    """The folder of a file's project: the nearest folder with a mark.

    Without a mark it is the working folder if that contains the file, else the file's folder.
    """
    absolute = Path.cwd() / path
    for folder in absolute.parents:
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    return Path.cwd() if absolute.is_relative_to(Path.cwd()) else absolute.parent


def project_context(snapshot: Snapshot) -> Retrieval | None:
    """Context from the project's index. The index of a small project is brought up to date first."""
    path = path_of(snapshot.uri)
    if path is None:
        return None
    root = project_of(path)
    if root in (Path.home(), Path(root.anchor)):
        return None
    if sum(1 for _ in itertools.islice(Folder(root).walk(), MAX_FILES + 1)) <= MAX_FILES:
        builder = Builder(root)
        builder.scan()
        builder.close()
    return Retrieval(lambda: True)
