"""Tokenises requests and makes them fit the context. A thread of its own does it while the worker decodes."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass

from lsp_server.base.errors import PromptError
from lsp_server.engine.scheduler.truncate import MAX_CHARACTERS_PER_TOKEN, Tokenizer, clip, truncate
from lsp_server.ipc.requests import Generate, PromptPart

MAX_ANCHORS = 16


@dataclass(frozen=True, slots=True)
class TokenizedRequest:
    """A request in tokens: its anchor, and the text typed since, which follows the middle marker."""

    anchor: list[int]
    typed: list[int]
    max_tokens: int


class RequestTokenizer:
    """Tokenises requests for a context of `context_tokens`.

    It caches the last anchors, because they come again with every keystroke.
    """

    def __init__(self, tokenizer: Tokenizer, context_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._context_tokens = context_tokens
        self._anchors: OrderedDict[tuple[tuple[PromptPart, ...], int], list[int]] = OrderedDict()

    def tokenize_request(self, request: Generate) -> TokenizedRequest:
        """Tokens of a request. Raises `PromptError` if it does not fit.

        The cut of the anchor leaves `reserve_tokens` for typed text, whatever its present length. Otherwise the
        anchor's start would move with every letter. Only typed text beyond the reserve shortens the answer. The reserve
        is an estimate. If dense text leaves no room for an answer, for example one token per digit, the anchor is cut
        again.
        """
        if len(request.typed) > self._context_tokens * MAX_CHARACTERS_PER_TOKEN:
            raise _no_room(f"{len(request.typed)} characters")
        typed = self._typed(request)
        wanted = min(request.max_tokens, 1) if request.is_limit else request.max_tokens
        anchor = self._anchor(request.prompt, self._context_tokens - wanted - request.reserve_tokens)
        if not anchor and not typed:
            raise PromptError("The prompt is empty.")
        room = self._context_tokens - len(anchor) - len(typed)
        if room < min(wanted, 1) and request.reserve_tokens:
            reserve = -(-len(typed) // request.reserve_tokens) * request.reserve_tokens  # in steps, for the same reason
            with contextlib.suppress(PromptError):
                anchor = self._anchor(request.prompt, self._context_tokens - wanted - reserve)
            room = self._context_tokens - len(anchor) - len(typed)
        if room < min(wanted, 1):
            raise _no_room(f"{len(typed)} tokens")
        return TokenizedRequest(anchor, typed, min(request.max_tokens, room))

    def _typed(self, request: Generate) -> list[int]:
        """Tokens of the typed text. The last space of an indentation is separate: a word's token begins with it."""
        if request.fixed_indent and request.heal:
            return self._tokenizer.tokenize(request.typed[:-1]) + self._tokenizer.tokenize(request.typed[-1:])
        return self._tokenizer.tokenize(request.typed) if request.typed else []

    def _anchor(self, parts: tuple[PromptPart, ...], budget: int) -> list[int]:
        key = (clip(parts, budget), budget)
        if key not in self._anchors:
            self._anchors[key] = truncate(key[0], self._tokenizer, budget)
            if len(self._anchors) > MAX_ANCHORS:
                self._anchors.popitem(last=False)
        self._anchors.move_to_end(key)
        return self._anchors[key]


def _no_room(size: str) -> PromptError:
    return PromptError(
        f"The text typed behind the prompt ({size}) leaves no room for an answer. Plan the prompt anew from the cursor."
    )
