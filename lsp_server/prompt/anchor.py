"""Anchors: why typing is cheap.

A FIM prompt rebuilt at every keystroke has its suffix, which follows the changed prefix, evaluated again each time.
Text typed since the prompt was built is, to the model, the beginning of the middle. So the prompt is kept as it was,
anchored at a line's start, and what was typed goes behind the middle marker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lsp_server.ipc.requests import Marker, PromptPart, Text
from lsp_server.text.excerpts import Block
from lsp_server.text.snapshot import Snapshot

_CLOSERS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_QUOTES = "\"'`"
_MAX_AUTO_CLOSED = 4  # characters


@dataclass(frozen=True, slots=True)
class Anchor:
    """A frozen prompt: the text around a line's start, and the parts made of it.

    `max_typed_characters` may follow before the prompt is built anew. A short anchor has less text than the window
    holds, because there was no time to evaluate more.
    """

    prefix: str
    suffix: str
    blocks: tuple[Block, ...]
    parts: tuple[PromptPart, ...]
    reserve_tokens: int
    max_typed_characters: int
    is_short: bool = False

    @property
    def spelling(self) -> str:
        """The prompt as one string, with markers as characters that no code has: for comparing prompts."""
        return render(self.parts, lambda role: f"\0{role}\0")


@dataclass(frozen=True, slots=True)
class Continuation:
    """A snapshot seen from an anchor: what was typed since, and the closers that the editor put behind the cursor."""

    typed: str
    auto_closed: str = ""


def render(parts: Iterable[PromptPart], spell: Callable[[str], str]) -> str:
    """A prompt as text; `spell` says how the marker of a role is written."""
    texts = []
    for part in parts:
        if isinstance(part, Marker):
            texts.append(spell(part.role))
        elif isinstance(part, Text) and part.marker:
            texts.append(spell(part.marker) + part.text)
        else:
            texts.append(part.text)
    return "".join(texts)


def follow(anchor: Anchor, snapshot: Snapshot) -> Continuation | None:
    """How a snapshot continues an anchor, or None if it does not."""
    if not snapshot.prefix.startswith(anchor.prefix):
        return None
    typed = snapshot.prefix[len(anchor.prefix) :]
    if len(typed) > anchor.max_typed_characters:
        return None
    if snapshot.suffix == anchor.suffix:
        return Continuation(typed)
    num_added = len(snapshot.suffix) - len(anchor.suffix)
    if not 0 < num_added <= _MAX_AUTO_CLOSED or not snapshot.suffix.endswith(anchor.suffix):
        return None
    added = snapshot.suffix[:num_added]
    return Continuation(typed, added) if expected_closers(typed).startswith(added) else None


def expected_closers(typed: str) -> str:
    """The closers of the brackets and quotes that a text leaves open, the innermost first."""
    stack: list[str] = []
    for character in typed:
        if stack and character == stack[-1]:
            stack.pop()
        elif stack and stack[-1] in _QUOTES:
            continue
        elif character in _QUOTES:
            stack.append(character)
        elif character in _CLOSERS:
            stack.append(_CLOSERS[character])
    return "".join(reversed(stack))
