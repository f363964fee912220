"""The plan of a fill: an anchor within the model's window, with room for what will be typed and for the answer."""

from __future__ import annotations

from lsp_server.context.blocks import Block
from lsp_server.engine.messages import Marker, ModelInfo, PromptPart, Text
from lsp_server.estimate import CHARACTERS_PER_TOKEN, estimate_tokens
from lsp_server.prompt.anchor import Anchor
from lsp_server.prompt.comments import path_comment
from lsp_server.prompt.formats import FimFormat, Place
from lsp_server.snapshot import Snapshot

# The prefix's start moves in steps of this share of its room: the prompt's head stays the same, and with it the
# engine's cache, from one anchor to the next.
STEP_SHARE = 0.5
# Room for text typed behind an anchor: a share of the window, and no more than a screenful.
RESERVE_SHARE = 0.125
MOST_RESERVE_TOKENS = 256


def plan_anchor(
    snapshot: Snapshot,
    blocks: tuple[Block, ...],
    model: ModelInfo,
    fim_format: FimFormat,
    max_tokens: int,
    suffix_share: float,
    most_tokens: int | None = None,
) -> Anchor:
    """Plan a prompt anchored at the start of the cursor's line.

    In formats not to be anchored, and in lines longer than what may be typed, it is anchored at the cursor.
    Counts are estimated; the engine cuts exactly what is still too long. `suffix_share` is the share of the window
    that the text after the cursor may take. With `most_tokens` the anchor is a short one, of so many tokens.
    """
    reserve = min(int(model.window_tokens * RESERVE_SHARE), MOST_RESERVE_TOKENS) if fim_format.anchored else 0
    num_markers = sum(role in model.markers for role in fim_format.order if isinstance(role, str))
    budget = max(0, model.window_tokens - max_tokens - reserve - num_markers)
    if most_tokens is not None:
        budget = min(budget, most_tokens)
    num_typed = len(snapshot.line_prefix)
    if num_typed > reserve * CHARACTERS_PER_TOKEN:  # as always where nothing is reserved
        num_typed = 0
    prefix = snapshot.prefix[: len(snapshot.prefix) - num_typed]
    suffix_room = int(budget * suffix_share)
    suffix_part = snapshot.suffix[: suffix_room * CHARACTERS_PER_TOKEN]
    # What the suffix leaves at least; only half of it is for blocks. Neither depends on how long the suffix is, so
    # that the prefix's start stays where it is when the suffix changes.
    least_room = (budget - suffix_room) // 2
    blocks = _fitting(blocks, least_room)
    # Only among other files does a file need a name.
    header = [Text(path_comment(snapshot.language_id, snapshot.path))] if blocks else []
    spent = sum(estimate_tokens(text) for text in (suffix_part, *(part.text for part in header)))
    room = budget - spent - sum(map(_cost, blocks))
    step = int(least_room * CHARACTERS_PER_TOKEN * STEP_SHARE)
    prefix_part = _tail(prefix, room * CHARACTERS_PER_TOKEN, step)
    texts: dict[Place, list[PromptPart]] = {
        Place.BLOCKS: [Text(_render(block), overflow="drop") for block in blocks],
        Place.PREFIX: [*header, Text(prefix_part, overflow="keep_tail")],
        Place.SUFFIX: [Text(suffix_part, overflow="keep_head")],
    }
    parts: list[PromptPart] = []
    for place in fim_format.order:
        if isinstance(place, Place):
            parts += texts[place]
        elif place in model.markers:
            parts.append(Marker(place))
    return Anchor(
        prefix,
        snapshot.suffix,
        blocks,
        tuple(parts),
        reserve,
        reserve * CHARACTERS_PER_TOKEN,
        is_short=most_tokens is not None,
    )


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
