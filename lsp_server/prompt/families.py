"""The FIM family of a model, and how that family names files and projects.

A family is known by its marker texts; where families share those, by the model's name. A model of no family is refused:
its format is never guessed. The records are in `lsp_server.base.fim_families`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from lsp_server.base.errors import ModelCannotInfillError
from lsp_server.base.fim_families import FAMILIES, Family
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.languages.syntax import language


def family_of(model: ModelInfo) -> Family:
    """The family of a model, by its markers and its names. Raises `ModelCannotInfillError`.

    An engine that cannot heal tokens is not prompted from an anchor, whatever the family.
    """
    file_name = re.split(r"[/\\]", model.path)[-1]
    found = family_for(model.name, model.markers, file_name, model.pre_tokeniser)
    return found if model.heals else replace(found, anchored=False)


def family_named(name: str) -> Family:
    """The family of that name, as `remote.format` has it. Raises `ModelCannotInfillError`."""
    for family in FAMILIES:
        if family.name == name:
            return family
    raise ModelCannotInfillError(f"There is no format {name!r}. Set remote.format to one of: {_known()}.")


def family_for(name: str, markers: Mapping[str, str], *other_names: str) -> Family:
    """The family of the model called `name` with these marker texts by role. Raises `ModelCannotInfillError`.

    `other_names` can tell the family too.
    """
    for family in FAMILIES:
        if family.knows(" ".join((name, *other_names)), markers):
            return family
    texts = " ".join(markers[role] for role in ("prefix", "suffix", "middle") if role in markers)
    raise ModelCannotInfillError(
        f"The model {name} has fill-in-the-middle markers that infill has no format for ({texts}). "
        f"Use a model of one of these families: {_known()}."
    )


def heading_of(family: Family, language_id: str, path: str) -> str:
    """The line that names a file. A path stays on one line, whatever the file system allows in it."""
    return family.heading.format(comment=language(language_id).line_comment, path=_printable(path))


def project_line(family: Family, project: str) -> str:
    """The line that names a project. A project without a name is called `repository`."""
    return family.project.format(project=_printable(project) or "repository")


def _known() -> str:
    return ", ".join(family.name for family in FAMILIES)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
