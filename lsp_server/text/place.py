"""Where a document is: its path for prompts, its workspace folder, and its absolute paths."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a document in the workspace, as its folders are at one moment.

    `path` is for prompts and people: relative to `root` with forward slashes, or a bare name outside of every workspace
    folder. `root` is the workspace folder, `project` its name; both are empty outside of all. `names` are the absolute
    paths with forward slashes, as the client spells it and with links resolved. The rules about secrets need them.
    """

    path: str
    project: str = ""
    root: str = ""
    names: tuple[str, ...] = ()
