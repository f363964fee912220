"""Renders prompts for other programs: the text around a hole, in the model's own format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.base.fim_families import Place
from lsp_server.engine.compat.fields import Extra
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Marker, PromptPart, Text
from lsp_server.languages.syntax import language_of
from lsp_server.prompt.families import family_of, heading_of, project_line
from lsp_server.prompt.plan import block_parts, lay_out, reserve_for, typed_length
from lsp_server.text.excerpts import Block

# llama-server's name for a file without one, in formats that name files.
_UNNAMED = "filename"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: the anchor, and the text typed behind it. `is_cut`: it gets shorter if the context is short."""

    parts: tuple[PromptPart, ...]
    typed: str = ""
    reserve_tokens: int = 0
    stops: tuple[str, ...] = ()
    is_cut: bool = False


def fill_in_middle(
    model: ModelInfo, prefix: str, suffix: str, typed: str = "", extra: Sequence[Extra] = (), filename: str = ""
) -> Prompt:
    """A prompt for the text between `prefix` with `typed`, and `suffix`. Raises `ModelCannotInfillError`.

    If the model's family is anchored, the line up to the cursor stands behind the middle marker, with `typed` at its
    end. Then typing on costs only the typed tokens. Otherwise, or if that is long, all of it stands in the prefix.
    """
    family = family_of(model)
    whole, reserve = prefix + typed, reserve_for(model, family)
    cut = len(whole) - typed_length(len(prefix) - prefix.rfind("\n") - 1 + len(typed), reserve)
    name = filename or (_UNNAMED if family.block_marker else "")
    texts: dict[Place, Sequence[PromptPart]] = {
        Place.PROJECT: [Text(project_line(family, ""))],
        Place.BLOCKS: block_parts([_block(each) for each in extra if each.text], family),
        Place.PATH: [Text(heading_of(family, language_of(name), name))] if name else [],
        Place.PREFIX: [Text(whole[:cut], overflow="keep_tail")],
        Place.SUFFIX: [Text(suffix, overflow="keep_head")],
    }
    order = family.order_with_blocks if texts[Place.BLOCKS] else family.order_single_file
    return Prompt(lay_out(texts, order, model, family), whole[cut:], reserve, family.stops, is_cut=True)


def continue_text(model: ModelInfo, text: str) -> Prompt:
    """A prompt for the text behind `text`, with nothing after it."""
    begin: tuple[PromptPart, ...] = (Marker("begin"),) if "begin" in model.markers else ()
    return Prompt((*begin, Text(text)))


def _block(extra: Extra) -> Block:
    name = extra.filename or _UNNAMED
    return Block(name, language_of(name), extra.text, "sent with the request")
