"""Which shown texts were accepted: an edit that inserts the text, or a word or line of its beginning, at its place.

No editor needs to report it, and none does for accepting a part.
"""

from __future__ import annotations

from dataclasses import dataclass

# A letter typed in agreement is typing. Two at once are not typed by hand.
LEAST_CHARACTERS = 2


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

    def accepted(self, uri: str, line: int, character: int, inserted: str) -> str:
        """What of a shown text an edit accepts, empty for an edit of another kind. The place is where it begins.

        Editors may replace the word begun together with it, so that the inserted text begins before the place shown.
        """
        shown = self._shown.pop(uri, None)
        if shown is None or line != shown.line or character > shown.character:
            return ""
        added = inserted[shown.character - character :]
        is_accepted = len(added) >= LEAST_CHARACTERS and any(text.startswith(added) for text in shown.texts)
        return added if is_accepted else ""

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._shown.pop(uri, None)


def num_kept(accepted: str, text: str) -> int:
    """How many characters of an accepted text are still in a document: all of it, or its lines that are."""
    if accepted in text:
        return len(accepted)
    return sum(len(line) for line in accepted.split("\n") if line.strip() and line in text)
