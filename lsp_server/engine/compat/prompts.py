"""Prompts for what other programs ask for: the text around a hole, in the model's own format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.base.fim_families import Place
from lsp_server.engine.compat.fields import Extra
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Marker, PromptPart, Text
from lsp_server.languages.syntax import language_of
from lsp_server.prompt.families import family_of, heading_of, project_line
from lsp_server.prompt.plan import block_part, lay_out, reserve_for
from lsp_server.text.excerpts import Block

# What llama-server calls a file that it is not told the name of, in formats that name files.
_UNNAMED = "filename"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the engine is asked to go on from: an anchor, and what was typed behind it."""

    parts: tuple[PromptPart, ...]
    typed: str = ""
    reserve_tokens: int = 0
    stops: tuple[str, ...] = ()


def fill(
    model: ModelInfo, prefix: str, suffix: str, typed: str = "", extra: Sequence[Extra] = (), filename: str = ""
) -> Prompt:
    """A prompt for the text between `prefix` with `typed` and `suffix`. Raises `ModelCannotInfillError`.

    Where the model's family is prompted so, `typed` stands behind the middle marker, together with what its line begins
    with, and typing on costs only what is typed; else all of it stands in the prefix.
    """
    family = family_of(model)
    cut = prefix.rfind("\n") + 1 if family.anchored else len(prefix)
    reserve = reserve_for(model, family)
    behind = prefix[cut:] + typed if family.anchored else ""
    before = prefix[:cut] if family.anchored else prefix + typed
    name = filename or (_UNNAMED if family.block_marker else "")
    texts: dict[Place, Sequence[PromptPart]] = {
        Place.PROJECT: [Text(project_line(family, ""))],
        Place.BLOCKS: [block_part(_block(each), family) for each in extra if each.text],
        Place.PATH: [Text(heading_of(family, language_of(name), name))] if name else [],
        Place.PREFIX: [Text(before, overflow="keep_tail")],
        Place.SUFFIX: [Text(suffix, overflow="keep_head")],
    }
    order = family.among if texts[Place.BLOCKS] else family.alone
    return Prompt(lay_out(texts, order, model, family), behind, reserve, family.stops)


def go_on(model: ModelInfo, text: str) -> Prompt:
    """A prompt for what follows a text, with nothing after it."""
    begin: tuple[PromptPart, ...] = (Marker("begin"),) if "begin" in model.markers else ()
    return Prompt((*begin, Text(text)))


def _block(extra: Extra) -> Block:
    name = extra.filename or _UNNAMED
    return Block(name, language_of(name), extra.text, "sent with the request")
