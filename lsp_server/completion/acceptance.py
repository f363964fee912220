"""Which shown texts were accepted: an edit that inserts the text, or a word or line of its beginning, at its place.

No editor needs to report it, and none does for accepting a part; of a plugin that does, the reports count instead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

# A letter typed in agreement is typing. Two at once are not typed by hand.
MIN_CHARACTERS = 2
# Texts that can be reported on: an editor has few on screen, and reports follow within a moment.
MAX_REPORTABLE = 256


@dataclass(frozen=True, slots=True)
class Shown:
    """Texts shown at a place: 0-based line, and character in code points."""

    line: int
    character: int
    texts: tuple[str, ...]


class Acceptance:
    """What each document shows, until it is edited."""

    def __init__(self) -> None:
        self._shown: dict[str, Shown] = {}

    def show(self, uri: str, shown: Shown) -> None:
        """Texts are shown in a document, in place of others."""
        self._shown[uri] = shown

    def accepted(self, uri: str, line: int, character: int, inserted: str) -> tuple[str, bool]:
        """What of a shown text an edit accepts, empty for an edit of another kind, and whether that is a part only.

        The place is where the edit begins.

        Editors may replace the word begun together with it, so that the inserted text begins before the place shown.
        """
        shown = self._shown.pop(uri, None)
        if shown is None or line != shown.line or character > shown.character:
            return "", False
        added = inserted[shown.character - character :]
        if len(added) < MIN_CHARACTERS or not any(text.startswith(added) for text in shown.texts):
            return "", False
        return added, added not in shown.texts

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._shown.pop(uri, None)


@dataclass(slots=True)
class Given:
    """The texts of one answer as the client inserts them, numbered from `first`, and what was reported of them.

    The first `num_accepted` characters of the text that was accepted are known to be.
    """

    uri: str
    first: int
    texts: Sequence[str]
    num_accepted: int
    is_accepted: bool = False
    is_rejected: bool = False

    def text(self, number: int) -> str:
        """The text of that number."""
        return self.texts[number - self.first]

    def accept(self, number: int, num_characters: int) -> str:
        """That many characters were accepted by now: those of them that no report told of yet."""
        added = self.text(number)[self.num_accepted : num_characters]
        self.num_accepted += len(added)
        self.is_accepted |= bool(added)
        return added


class Reportable:
    """The texts given last to a client that reports what becomes of each, by number."""

    def __init__(self) -> None:
        self._given: OrderedDict[int, Given] = OrderedDict()
        self._next = 1

    def give(self, uri: str, texts: Sequence[str], num_typed: int = 0) -> range:
        """Numbers for the texts of an answer; what they begin with of the menu's item, so long, is no part of it."""
        numbers = range(self._next, self._next + len(texts))
        self._next = numbers.stop
        self._given |= dict.fromkeys(numbers, Given(uri, numbers.start, texts, num_typed))
        while len(self._given) > MAX_REPORTABLE:
            self._given.popitem(last=False)
        return numbers

    def get(self, number: int) -> Given | None:
        """The answer with the text of that number, None if that is long ago."""
        return self._given.get(number)


def num_kept(accepted: str, text: str) -> int:
    """How many characters of an accepted text are still in a document: all of it, or its lines that are."""
    if accepted in text:
        return len(accepted)
    return sum(len(line) for line in accepted.split("\n") if line.strip() and line in text)
