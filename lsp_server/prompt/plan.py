"""The plan of a fill: which text goes into the prompt, within the model's window, with room for the answer."""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.context.blocks import Block
from lsp_server.engine.messages import Marker, ModelInfo, PromptPart, Text
from lsp_server.estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.prompt.comments import path_comment
from lsp_server.prompt.formats import FimFormat, Place
from lsp_server.snapshot import Snapshot

# The prefix's start moves in steps of this share of its room: the prompt's head stays the same, and with it the
# engine's cache, while the text before the cursor grows.
STEP_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt ready for the engine, and what went into it."""

    parts: tuple[PromptPart, ...]
    format_name: str
    blocks: tuple[Block, ...]
    num_prefix_characters: int
    num_suffix_characters: int
    estimated_tokens: int


def plan_fill(
    snapshot: Snapshot,
    blocks: tuple[Block, ...],
    model: ModelInfo,
    fim_format: FimFormat,
    max_tokens: int,
    suffix_share: float,
) -> Plan:
    """Plan the prompt for a snapshot. Counts are estimated; the engine cuts exactly what is still too long.

    `suffix_share` is the share of the window that the text after the cursor may take.
    """
    num_markers = sum(role in model.markers for role in fim_format.order if isinstance(role, str))
    budget = max(0, model.window_tokens - max_tokens - num_markers)
    suffix_room = int(budget * suffix_share)
    suffix = snapshot.suffix[: suffix_room * CHARACTERS_PER_TOKEN]
    # What the suffix leaves at least; only half of it is for blocks. Neither depends on how long the suffix is, so
    # that a bracket the editor closes does not move the prefix's start.
    least_room = (budget - suffix_room) // 2
    blocks = _fitting(blocks, least_room)
    # Only among other files does a file need a name.
    header = path_comment(snapshot.language_id, snapshot.path) if blocks else ""
    spent = estimate_tokens(suffix) + estimate_tokens(header) + sum(map(_cost, blocks))
    step = int(least_room * CHARACTERS_PER_TOKEN * STEP_SHARE)
    prefix = _tail(snapshot.prefix, (budget - spent) * CHARACTERS_PER_TOKEN, step)
    texts: dict[Place, list[PromptPart]] = {
        Place.BLOCKS: [Text(_render(block), overflow="drop") for block in blocks],
        Place.PREFIX: [Text(header), Text(prefix, overflow="keep_tail")] if header else [Text(prefix, "keep_tail")],
        Place.SUFFIX: [Text(suffix, overflow="keep_head")],
    }
    parts: list[PromptPart] = []
    for place in fim_format.order:
        if isinstance(place, Place):
            parts += texts[place]
        elif place in model.markers:
            parts.append(Marker(place))
    estimated = sum(estimate_tokens(part.text) if isinstance(part, Text) else 1 for part in parts)
    return Plan(tuple(parts), fim_format.name, blocks, len(prefix), len(suffix), estimated)


def _fitting(blocks: tuple[Block, ...], max_tokens: int) -> tuple[Block, ...]:
    """Blocks, from the first, as long as they fit: in a small window the text around the cursor matters more."""
    kept: list[Block] = []
    for block in blocks:
        if sum(map(_cost, kept)) + _cost(block) <= max_tokens:
            kept.append(block)
    return tuple(kept)


def _render(block: Block) -> str:
    ending = "" if block.text.endswith("\n") else "\n"
    return path_comment(block.language_id, block.path) + block.text + ending + "\n"


def _cost(block: Block) -> int:
    return estimate_tokens(_render(block))


def _tail(text: str, room: int, step: int) -> str:
    """The end of a text, from a line start if one is near, that moves in large steps as the text grows."""
    if len(text) <= room:
        return text
    step = max(1, step)
    start = -(-(len(text) - room) // step) * step
    line_start = text.find("\n", start, start + step) + 1
    return text[line_start or start :]
