"""FIM formats, as data. A model's format is known by its marker texts; an unknown one is refused, never guessed.

Sources: DeepSeek-Coder's README ("Code Insertion", "Repository Level Code Completion"), where `hole` stands before
the suffix; Qwen2.5-Coder's README ("Fill in the middle"); StarCoder's README ("Fill-in-the-middle"), whose form
Granite Code shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from lsp_server.errors import ModelCannotInfillError


class Place(Enum):
    """A place in a format that text goes to."""

    BLOCKS = "blocks"
    PREFIX = "prefix"
    SUFFIX = "suffix"


@dataclass(frozen=True, slots=True)
class FimFormat:
    """How a family of models wants its prompt.

    `marker_texts` are the texts of (prefix, suffix, middle) in the vocabulary; `order` lists marker roles and
    places as they follow each other. A `begin` that the vocabulary does not ask for is left out. `anchored` families
    are prompted from the line's start, with the typed text behind the middle marker: ask
    `tests/eval/anchored.py` before turning it on for a family. Recorded is the embedded model, which was trained on
    such prompts; DeepSeek's own weights could not be had to measure.
    """

    name: str
    marker_texts: tuple[str, str, str]
    order: tuple[str | Place, ...]
    anchored: bool


_PREFIX_SUFFIX_MIDDLE = ("begin", Place.BLOCKS, "prefix", Place.PREFIX, "suffix", Place.SUFFIX, "middle")

FORMATS = (
    FimFormat("deepseek", ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), _PREFIX_SUFFIX_MIDDLE, anchored=True),
    FimFormat("qwen", ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"), _PREFIX_SUFFIX_MIDDLE, anchored=False),
    FimFormat("starcoder", ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"), _PREFIX_SUFFIX_MIDDLE, anchored=False),
)


def format_for(name: str, markers: Mapping[str, str]) -> FimFormat:
    """The format of the model called `name` with these marker texts by role. Raises `ModelCannotInfillError`."""
    texts = tuple(markers.get(role, "") for role in ("prefix", "suffix", "middle"))
    for fim_format in FORMATS:
        if fim_format.marker_texts == texts:
            return fim_format
    known = ", ".join(fim_format.name for fim_format in FORMATS)
    raise ModelCannotInfillError(
        f"The model {name} has fill-in-the-middle markers that infill has no format for ({' '.join(texts)}). "
        f"Use a model of one of these families: {known}."
    )
