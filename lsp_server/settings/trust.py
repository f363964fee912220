"""Which projects the user trusts: those in the folders of `trusted_folders`, a setting of the user's own file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def resolve(path: Path) -> Path | None:
    """The absolute path without links; None for a path that cannot be, such as one with a circle of links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL, a lone surrogate
        return None


def is_trusted(project: Path, folders: Iterable[str]) -> bool:
    """Whether a project is one of the folders or inside one. Links are resolved first."""
    target = resolve(project)
    trusted = [folder for name in folders if (folder := _folder(name))]
    return target is not None and any(target.is_relative_to(folder) for folder in trusted)


def not_folders(folders: Iterable[str]) -> list[str]:
    """Those of the names that trust nothing: relative ones, and paths that cannot be."""
    return [name for name in folders if _folder(name) is None]


def _folder(name: str) -> Path | None:
    """An absolute folder. A relative one is none: it would mean another folder in each project."""
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # `~somebody` who is not there
        return None
    return resolve(path) if path.is_absolute() else None
