"""FIM formats, as data. A model's format is known by its marker texts, and where families share those, by its name.

One that is not known is refused, never guessed. Sources: DeepSeek-Coder's README ("Code Insertion", "Repository Level
Code Completion"), where `hole` stands before the suffix; Qwen2.5-Coder's README ("Fill in the middle", "Repository
level"); StarCoder's README ("Fill-in-the-middle"), whose form Granite Code shares; the StarCoder 2 paper
(arXiv:2402.19173) on files of a repository; the cards of Seed-Coder-8B-Base and Mellum-4b-base; for Codestral,
mistral-common's `encode_fim`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from lsp_server.base.errors import ModelCannotInfillError
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.languages.comments import line_comment


class Place(Enum):
    """A place in a format that text goes to."""

    PROJECT = "project"
    BLOCKS = "blocks"
    PATH = "path"
    PREFIX = "prefix"
    SUFFIX = "suffix"


Order = tuple[str | Place, ...]


@dataclass(frozen=True, slots=True)
class FimFormat:
    """How a family of models wants its prompt.

    `marker_texts` are the vocabulary's texts of marker roles, all of which a model must have; where families share
    them, `models` matches the names of one. `alone` is the order of marker roles and places for a file by itself,
    `among` that behind blocks of other files. A `begin` that the vocabulary does not ask for is left out.

    `heading` names a file, with `{comment}` for what begins a comment and `{path}`; `block_marker` is the role of the
    marker ahead of each block; `project` is the project's name, where there is a place for it. `lead` is text ahead of
    all that follows the prefix marker, and `stops` end what the model writes.

    `anchored` families are prompted from the line's start, with the typed text behind the middle marker: ask
    `tests/eval/anchored.py` before turning it on for a family. Recorded is the embedded model, which was trained on
    such prompts; DeepSeek's own weights could not be had to measure.
    """

    name: str
    marker_texts: Mapping[str, str]
    alone: Order
    among: Order
    models: str = ""
    anchored: bool = False
    heading: str = "{comment} {path}\n"
    block_marker: str = ""
    project: str = "{project}\n"
    lead: str = ""
    stops: tuple[str, ...] = field(default=())

    def heading_of(self, language_id: str, path: str) -> str:
        """What names a file. A path is one line, whatever a file system allows in it."""
        return self.heading.format(comment=line_comment(language_id), path=_printable(path))

    def project_line(self, project: str) -> str:
        """What names a project; one that has no name is any repository."""
        return self.project.format(project=_printable(project) or "repository")

    def knows(self, name: str, markers: Mapping[str, str]) -> bool:
        """Whether a model of that name with these marker texts by role is of this format."""
        texts_match = all(markers.get(role) == text for role, text in self.marker_texts.items())
        return texts_match and re.search(self.models, name, re.IGNORECASE) is not None


def _texts(prefix: str, suffix: str, middle: str = "", **others: str) -> dict[str, str]:
    texts = {"prefix": prefix, "suffix": suffix, "middle": middle, **others}
    return {role: text for role, text in texts.items() if text}


_PREFIX_FIRST: Order = ("begin", "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle")
_BLOCKS_FIRST: Order = ("begin", Place.BLOCKS, "prefix", Place.PATH, Place.PREFIX, "suffix", Place.SUFFIX, "middle")
_SUFFIX_FIRST: Order = ("begin", "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle")
_PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")

# The first that knows a model is its own: those with more markers or a name stand before those with fewer.
FORMATS = (
    FimFormat(
        "deepseek",
        _texts("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        _PREFIX_FIRST,
        _BLOCKS_FIRST,
        anchored=True,
    ),
    FimFormat(
        "qwen",
        _texts(*_PIPED, repo="<|repo_name|>", file="<|file_sep|>"),
        _PREFIX_FIRST,
        (
            *("begin", "repo", Place.PROJECT, Place.BLOCKS),
            *("file", Place.PATH, "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        ),
        heading="{path}\n",
        block_marker="file",
    ),
    FimFormat("codegemma", _texts(*_PIPED), _PREFIX_FIRST, _BLOCKS_FIRST),
    FimFormat(
        "mellum",
        _texts(*_PLAIN, file="<filename>"),
        ("begin", "file", Place.PATH, "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle"),
        ("begin", Place.BLOCKS, "file", Place.PATH, "suffix", Place.SUFFIX, "prefix", Place.PREFIX, "middle"),
        models="mellum",
        heading="{path}\n",
        block_marker="file",
    ),
    FimFormat(
        "starcoder2",
        _texts(*_PLAIN, repo="<repo_name>", file="<file_sep>"),
        _PREFIX_FIRST,
        (
            *("begin", "repo", Place.PROJECT, Place.BLOCKS),
            *("file", "prefix", Place.PATH, Place.PREFIX, "suffix", Place.SUFFIX, "middle"),
        ),
        heading="{path}\n",
        block_marker="file",
        project="{project}",
    ),
    FimFormat("starcoder", _texts(*_PLAIN), _PREFIX_FIRST, _BLOCKS_FIRST),
    FimFormat(
        "seed-coder",
        _texts("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
        _SUFFIX_FIRST,
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.BLOCKS, Place.PATH, Place.PREFIX, "middle"),
    ),
    FimFormat(
        "codestral",
        _texts("[PREFIX]", "[SUFFIX]"),
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.PREFIX),
        ("begin", "suffix", Place.SUFFIX, "prefix", Place.BLOCKS, Place.PATH, Place.PREFIX),
        # All of Mistral's vocabularies have these markers.
        models="(?<!mamba-)codestral",
        heading="+++++ {path}\n",
        # SentencePiece puts a space before a text. It is left out of the suffix there, and of every text here.
        lead=" ",
        stops=("\n+++++ ",),
    ),
)


def format_of(model: ModelInfo) -> FimFormat:
    """The format of a model, by its markers, and its names. Raises `ModelCannotInfillError`."""
    file_name = re.split(r"[/\\]", model.path)[-1]
    found = format_for(model.name, model.markers, file_name, model.pre_tokeniser)
    return found if model.heals else replace(found, anchored=False)


def format_named(name: str) -> FimFormat:
    """The format of that name. Raises `ModelCannotInfillError`."""
    for fim_format in FORMATS:
        if fim_format.name == name:
            return fim_format
    known = ", ".join(fim_format.name for fim_format in FORMATS)
    raise ModelCannotInfillError(f"There is no format {name!r}. Set remote.format to one of: {known}.")


def format_for(name: str, markers: Mapping[str, str], *other_names: str) -> FimFormat:
    """The format of the model called `name` with these marker texts by role. Raises `ModelCannotInfillError`.

    `other_names` can tell its family too.
    """
    for fim_format in FORMATS:
        if fim_format.knows(" ".join((name, *other_names)), markers):
            return fim_format
    texts = " ".join(markers[role] for role in ("prefix", "suffix", "middle") if role in markers)
    known = ", ".join(fim_format.name for fim_format in FORMATS)
    raise ModelCannotInfillError(
        f"The model {name} has fill-in-the-middle markers that infill has no format for ({texts}). "
        f"Use a model of one of these families: {known}."
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
