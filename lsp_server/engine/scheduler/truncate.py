"""Turns the parts of a prompt into tokens that fit the context. Pure, except for the tokeniser argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from lsp_server.base.errors import PromptError
from lsp_server.ipc.requests import Control, Marker, PromptPart, Text

# The text after the cursor keeps this share of the budget before the text before the cursor is cut.
SUFFIX_SHARE = 0.25
# Cuts move in steps of this share of the budget. So the start of the prompt, and with it the cache, stays the same
# while text grows.
STEP_SHARE = 0.125
# No text has more characters per token for long. What is beyond cannot fit, and is cut before it is tokenised.
MAX_CHARACTERS_PER_TOKEN = 16


class Tokenizer(Protocol):
    """The part of a backend that `truncate` needs."""

    def tokenize(self, text: str) -> list[int]:
        """Tokens of user text."""
        ...

    def tokenize_control(self, text: str) -> list[int]:
        """Tokens of a chat template's text."""
        ...

    def marker(self, role: str) -> int:
        """Token of a marker."""
        ...


@dataclass(slots=True)
class _TokenizedPart:
    part: PromptPart
    tokens: list[int]

    def has_overflow(self, overflow: str) -> bool:
        return isinstance(self.part, Text) and self.part.overflow == overflow


def truncate(parts: tuple[PromptPart, ...], tokenizer: Tokenizer, budget: int) -> list[int]:
    """Tokens of `parts`, at most `budget` of them.

    First it drops droppable parts, the earliest first. Then it cuts the far end of `keep_head` parts, down to their
    share of the budget. Then it cuts the far end of `keep_tail` parts, in large steps. Raises `PromptError` if that is
    not enough.
    """
    pieces = [_TokenizedPart(part, _tokens(part, tokenizer)) for part in parts]
    excess = sum(len(piece.tokens) for piece in pieces) - budget
    for piece in pieces:
        if excess > 0 and piece.has_overflow("drop"):
            excess -= len(piece.tokens)
            piece.tokens = []
    for piece in pieces:
        if excess > 0 and piece.has_overflow("keep_head"):
            kept = max(len(piece.tokens) - excess, min(len(piece.tokens), max(0, int(budget * SUFFIX_SHARE))))
            excess -= len(piece.tokens) - kept
            piece.tokens = piece.tokens[:kept]
    for piece in pieces:
        if excess > 0 and piece.has_overflow("keep_tail"):
            step = max(1, int(budget * STEP_SHARE))
            cut = min(len(piece.tokens), -(-excess // step) * step)
            excess -= cut
            piece.tokens = piece.tokens[cut:]
    if excess > 0:
        raise does_not_fit(budget + excess, budget)
    return [token for piece in pieces for token in piece.tokens]


def clip(parts: tuple[PromptPart, ...], budget: int) -> tuple[PromptPart, ...]:
    """The parts without the text that cannot fit into `budget` tokens, judged by its characters alone.

    It cuts as `truncate` does, and in steps, too. So no text costs more than the context is long. Raises `PromptError`
    if a part that must stay cannot fit.
    """
    room = max(0, budget) * MAX_CHARACTERS_PER_TOKEN
    step = max(1, int(room * STEP_SHARE))
    droppable = room
    kept: list[PromptPart] = []
    for part in reversed(parts):
        size = 0 if isinstance(part, Marker) else len(part.text)
        match part:
            case Text(text, "drop"):
                if size > droppable:
                    continue
                droppable -= size
            case Text(text, "keep_tail") if size > room:
                part = replace(part, text=text[-(-(size - room) // step) * step :])
            case Text(text, "keep_head") if size > room:
                part = replace(part, text=text[:room])
            case Text() | Control() if size > room:
                raise does_not_fit(f"more than {max(0, budget)}", budget)
        kept.append(part)
    return tuple(reversed(kept))


def does_not_fit(needed: int | str, budget: int) -> PromptError:
    """The error for a prompt that is too long."""
    return PromptError(
        f"The prompt needs {needed} tokens and only {budget} fit. "
        "Use a model with a longer context, raise engine.context_tokens, or ask for a shorter answer."
    )


def _tokens(part: PromptPart, tokenizer: Tokenizer) -> list[int]:
    match part:
        case Marker(role):
            return [tokenizer.marker(role)]
        case Control(text):
            return tokenizer.tokenize_control(text)
        case Text(text):
            tokens = tokenizer.tokenize(text)
            return [tokenizer.marker(part.marker), *tokens] if part.marker else tokens
