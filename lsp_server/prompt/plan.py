"""The plan of a prompt: an anchor within the context length, with room for typed text and for the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from lsp_server.base.fim_families import Family, Order, Place
from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Marker, PromptPart, Text
from lsp_server.prompt.anchor import Anchor
from lsp_server.prompt.families import heading_of, project_line
from lsp_server.text.excerpts import Block
from lsp_server.text.snapshot import Snapshot

# The prefix's start moves in steps of this share of its room. So the prompt's head stays the same from one anchor to
# the next, and the engine has it in its cache.
STEP_SHARE = 0.5
# Room for text typed behind an anchor: a share of the context length, and no more than a screenful.
RESERVE_SHARE = 0.125
MAX_RESERVE_TOKENS = 256


def plan_anchor(
    snapshot: Snapshot,
    blocks: tuple[Block, ...],
    model: ModelInfo,
    family: Family,
    max_tokens: int,
    suffix_share: float,
    max_prompt_tokens: int | None = None,
) -> Anchor:
    """Plan a prompt anchored at the start of the cursor's line.

    In two cases the prompt ends at the cursor: the family is not anchored, or the line is longer than typed text may
    be. Tokens are estimated: the engine cuts exactly what is still too long. `max_tokens` is the room for the
    answer. `suffix_share` is the share of the budget for the text after the cursor. With `max_prompt_tokens` the anchor
    is short.
    """
    reserve = reserve_for(model, family)
    num_markers = sum(role in model.markers for role in family.order_with_blocks if isinstance(role, str))
    budget = max(0, model.context_tokens - max_tokens - reserve - num_markers)
    if max_prompt_tokens is not None:
        budget = min(budget, max_prompt_tokens)
    prefix = snapshot.prefix[: len(snapshot.prefix) - typed_length(len(snapshot.line_prefix), reserve)]
    suffix_room = int(budget * suffix_share)
    suffix_part = snapshot.suffix[: suffix_room * CHARACTERS_PER_TOKEN]
    # Half of the budget without the suffix's share: the limit for blocks. It does not depend on the suffix's length.
    # So the prefix's start stays where it is when the suffix changes.
    min_room = (budget - suffix_room) // 2
    blocks = _fitting(blocks, min_room, family)
    order = family.order_with_blocks if blocks else family.order_single_file
    texts: dict[Place, Sequence[PromptPart]] = {
        Place.PROJECT: [Text(project_line(family, snapshot.project))],
        Place.BLOCKS: block_parts(blocks, family),
        Place.PATH: [Text(heading_of(family, snapshot.language_id, snapshot.path))],
        Place.SUFFIX: [Text(suffix_part, overflow="keep_head")],
    }
    spent = sum(_cost(part) for place in order if isinstance(place, Place) for part in texts.get(place, ()))
    room = budget - spent
    step = int(min_room * CHARACTERS_PER_TOKEN * STEP_SHARE)
    texts[Place.PREFIX] = [Text(_tail(prefix, room * CHARACTERS_PER_TOKEN, step), overflow="keep_tail")]
    return Anchor(
        prefix,
        snapshot.suffix,
        blocks,
        lay_out(texts, order, model, family),
        reserve,
        reserve * CHARACTERS_PER_TOKEN,
        is_short=max_prompt_tokens is not None,
    )


def reserve_for(model: ModelInfo, family: Family) -> int:
    """How many tokens are kept for text typed behind an anchor: none in a family that is not anchored."""
    return min(int(model.context_tokens * RESERVE_SHARE), MAX_RESERVE_TOKENS) if family.anchored else 0


def typed_length(line_length: int, reserve: int) -> int:
    """How much of the line up to the cursor stands behind the middle marker: all of it, or nothing of a long line."""
    return line_length if line_length <= reserve * CHARACTERS_PER_TOKEN else 0


def lay_out(
    texts: Mapping[Place, Sequence[PromptPart]], order: Order, model: ModelInfo, family: Family
) -> tuple[PromptPart, ...]:
    """The parts of a prompt: texts in the family's order, with those of its markers that the model has."""
    parts: list[PromptPart] = []
    for place in order:
        if isinstance(place, Place):
            parts += texts[place]
        elif place in model.markers:
            parts.append(Marker(place))
    return _with_text_after_prefix_marker(parts, family.text_after_prefix_marker)


def _fitting(blocks: tuple[Block, ...], max_tokens: int, family: Family) -> tuple[Block, ...]:
    """The blocks that fit, in order: with a small context length the text around the cursor matters more."""
    kept: list[Block] = []
    spent = 0
    for block in blocks:
        cost = _cost(block_part(block, family))
        if spent + cost <= max_tokens:
            kept.append(block)
            spent += cost
    return tuple(kept)


def block_part(block: Block, family: Family) -> Text:
    """A block as a prompt has it."""
    ending = "" if block.text.endswith("\n") else "\n"
    between = "" if family.block_marker else "\n"
    text = heading_of(family, block.language_id, block.path) + block.text + ending + between
    return Text(text, overflow="drop", marker=family.block_marker)


def block_parts(blocks: Sequence[Block], family: Family) -> list[PromptPart]:
    """Blocks as a prompt has them, in order."""
    parts = [block_part(block, family) for block in blocks]
    if parts and not family.marks_first_block:
        parts[0] = msgspec.structs.replace(parts[0], marker="")
    return list(parts)


def _cost(part: PromptPart) -> int:
    return estimate_tokens(part.text) + bool(part.marker) if isinstance(part, Text) else 1


def _with_text_after_prefix_marker(parts: list[PromptPart], text: str) -> tuple[PromptPart, ...]:
    """Put a text directly behind the prefix marker. One part has it and what follows, to tokenise both together."""
    if not text:
        return tuple(parts)
    at = parts.index(Marker("prefix")) + 1
    first = parts[at]
    assert isinstance(first, Text)
    return (*parts[:at], msgspec.structs.replace(first, text=text + first.text), *parts[at + 1 :])


def _tail(text: str, room: int, step: int) -> str:
    """The end of a text. Its start moves in large steps as the text grows, to a line's start if one is near."""
    if len(text) <= room:
        return text
    step = max(1, step)
    start = -(-(len(text) - room) // step) * step
    line_start = text.find("\n", start, start + step) + 1
    return text[line_start or start :]
