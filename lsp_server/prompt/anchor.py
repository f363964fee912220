"""Anchors: cached prompt prefixes, cut at a line's start, which make typing cheap.

A FIM prompt that is rebuilt at every keystroke has a changed prefix, so the suffix behind it is evaluated again. Here
the prompt stays as it was when the line began. The typed text goes behind the middle marker: to the model, that text is
the beginning of the middle.
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

    At most `max_typed_characters` may follow before the prompt is built anew. A short anchor has less text than the
    context length allows, because there was no time to evaluate more.
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
        """The prompt as one string, for comparing prompts. Markers are written with characters that no code has."""
        return render(self.parts, lambda role: f"\0{role}\0")


@dataclass(frozen=True, slots=True)
class Continuation:
    """A snapshot seen from an anchor: the text typed since, and the closers that the editor put behind the cursor."""

    typed: str
    auto_closed: str = ""


def render(parts: Iterable[PromptPart], spell: Callable[[str], str]) -> str:
    """A prompt as text. `spell` says how the marker of a role is written."""
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
