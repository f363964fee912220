"""The project that a file named on the command line belongs to, and its index."""

from __future__ import annotations

import itertools
from pathlib import Path

from lsp_server.context.retrieval import Retrieval
from lsp_server.index.build import Builder
from lsp_server.index.folder import Folder
from lsp_server.text.snapshot import Snapshot
from lsp_server.text.workspace import path_of

# What lies at the top of a project.
MARKS = (".git", ".hg", ".infill.toml", "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")
# A project of more files is indexed by the server only: here somebody waits for it.
MAX_FILES = 2000


def project_of(path: Path) -> Path:
    """The folder of a file's project: the nearest with a mark, else the folder infill was called in, or the file's."""
    absolute = Path.cwd() / path
    for folder in absolute.parents:
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    return Path.cwd() if absolute.is_relative_to(Path.cwd()) else absolute.parent


def project_context(snapshot: Snapshot) -> Retrieval | None:
    """What the project's index knows: brought up to date if the project is small, else as it is."""
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
    return Retrieval(lambda: [root], lambda: True)
