"""Tells which offered completions were accepted.

An edit accepts a completion if it inserts the text at its place, or a word or line of the text's beginning. For clients
that report acceptance, as infill's plugins for VS Code and Neovim do, only the reports count (`server/PROTOCOL.md`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

# One letter that agrees with a completion is typing. Nobody types two at once.
MIN_CHARACTERS = 2
# Completions whose acceptance can be reported: an editor shows few, and reports follow within a moment.
MAX_OFFERED = 256


@dataclass(frozen=True, slots=True)
class OfferedCompletion:
    """The texts that are shown at a place: 0-based line, and character in code points."""

    line: int
    character: int
    texts: tuple[str, ...]


class Acceptance:
    """Infers acceptance from edits: what each document shows, until it is edited."""

    def __init__(self) -> None:
        self._shown: dict[str, OfferedCompletion] = {}

    def show(self, uri: str, completion: OfferedCompletion) -> None:
        """Remember what a document shows now. It replaces what the document showed before."""
        self._shown[uri] = completion

    def accepted(self, uri: str, line: int, character: int, inserted: str) -> tuple[str, bool]:
        """What an edit accepts of a shown text, empty for any other edit, and whether that is only a part.

        The edit begins at the given place. Editors may replace the begun word too, so the inserted text may begin
        before the place where the text is shown.
        """
        shown = self._shown.pop(uri, None)
        if shown is None or line != shown.line or character > shown.character:
            return "", False
        added = inserted[shown.character - character :]
        if len(added) < MIN_CHARACTERS or not any(text.startswith(added) for text in shown.texts):
            return "", False
        return added, added not in shown.texts

    def forget(self, uri: str) -> None:
        """Drop what a closed document showed."""
        self._shown.pop(uri, None)


@dataclass(slots=True)
class OfferedCompletions:
    """The texts of one answer as the client inserts them, and what it reported of them.

    The texts' ids count up from `first`. The first `num_accepted` characters of the accepted text are known to be
    accepted.
    """

    uri: str
    first: int
    texts: Sequence[str]
    num_accepted: int
    is_accepted: bool = False
    is_rejected: bool = False

    def text(self, number: int) -> str:
        """The text with an id."""
        return self.texts[number - self.first]

    def accept(self, number: int, num_characters: int) -> str:
        """Note that so many characters of a text are accepted by now; returns those not reported before."""
        added = self.text(number)[self.num_accepted : num_characters]
        self.num_accepted += len(added)
        self.is_accepted |= bool(added)
        return added


class OfferedById:
    """The completions that were last offered to a client that reports acceptance, by the id of each text."""

    def __init__(self) -> None:
        self._offered: OrderedDict[int, OfferedCompletions] = OrderedDict()
        self._next = 1

    def register(self, uri: str, texts: Sequence[str], num_typed: int = 0) -> range:
        """Ids for the texts of an answer, whose first `num_typed` characters are the menu item's."""
        numbers = range(self._next, self._next + len(texts))
        self._next = numbers.stop
        self._offered |= dict.fromkeys(numbers, OfferedCompletions(uri, numbers.start, texts, num_typed))
        while len(self._offered) > MAX_OFFERED:
            self._offered.popitem(last=False)
        return numbers

    def get(self, number: int) -> OfferedCompletions | None:
        """The answer that a text's id belongs to, None if that is long ago."""
        return self._offered.get(number)


def num_kept(accepted: str, text: str) -> int:
    """How many characters of an accepted text are still in a document: all, or those of the lines that remain."""
    if accepted in text:
        return len(accepted)
    return sum(len(line) for line in accepted.split("\n") if line.strip() and line in text)
