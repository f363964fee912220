"""From documents to training examples: prompts as infill makes them, and what belongs in the hole.

A row is filled with examples `BEGIN blocks PREFIX header prefix SUFFIX suffix MIDDLE middle END`; most holes are whole
lines from a line's start, because that is where infill anchors its prompts: what is typed stands behind the middle
marker and is, to the model, the beginning of the middle. Row `i` is the same for every run with the same seed.
"""

from __future__ import annotations

import json
import random
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vocabulary import Vocabulary

Tokens = list[int]

# How often each kind of hole is cut. One that the place does not offer becomes a line. A small model cannot tell from
# the suffix how many lines are missing, and so ends after one as often as it saw that: most holes are one.
KINDS = {
    "line": 0.45,  # a whole line, from its start
    "closers": 0.12,  # a line whose closing brackets stand behind the cursor already, as an editor puts them
    "lines": 0.10,  # some lines, from a line's start
    "block": 0.11,  # all that is indented below a line that ends with a colon
    "rest": 0.12,  # the rest of a line begun before the cursor
    "span": 0.04,  # whatever stands between two places
    "nothing": 0.02,  # nothing is missing
    "text": 0.04,  # no hole at all: a piece of a document
}
MAX_LINES = 10
WEIGHT_OF_MIDDLE, WEIGHT_OF_END = 3.0, 4.0
SHARE_OF_MIDDLE, SHARE_OF_SUFFIX, SHARE_OF_BLOCKS = 0.4, 0.3, 0.35
BLOCKS_PROBABILITY = 0.3
MIN_ROOM, MIN_ROOM_FOR_BLOCKS = 48, 400
MIN_SHARE = 160  # of a row, in tokens, that an example gets
_CLOSERS = re.compile(r"""(?<=[^\s)\]}'"])(['"]?[)\]}]+[:,]?)$""")


@dataclass(frozen=True, slots=True)
class Hole:
    """A document around a hole, in tokens."""

    prefix: Tokens
    middle: Tokens
    suffix: Tokens


class Corpus:
    """What `prepare.py` wrote."""

    def __init__(self, work: Path) -> None:
        self.vocabulary = Vocabulary.load(work / "vocabulary.json")
        self.tokens: npt.NDArray[np.uint16] = np.load(work / "tokens.npy", mmap_mode="r")
        places: list[tuple[str, str, int, int]] = json.loads((work / "documents.json").read_text(encoding="utf-8"))
        self.paths = [path for _, path, _, _ in places]
        self.packages = [package for package, _, _, _ in places]
        self.starts = [start for _, _, start, _ in places]
        self.ends = [end for _, _, _, end in places]
        self.of_package: dict[str, list[int]] = {}
        for number, package in enumerate(self.packages):
            self.of_package.setdefault(package, []).append(number)

    def document(self, number: int) -> Tokens:
        """Tokens of a document."""
        tokens: Tokens = self.tokens[self.starts[number] : self.ends[number]].tolist()
        return tokens

    def text(self, tokens: Tokens) -> str:
        """Text of tokens."""
        decoded: str = self.vocabulary.tokenizer.decode(tokens, skip_special_tokens=False)
        return decoded


class Rows:
    """Rows of `length` tokens, by number. Indexing gives the tokens and how much each weighs as a prediction.

    An example gets a share of the row that is a random number from 0 to 1 to the power of `crowding`.
    """

    def __init__(self, work: Path, length: int, first: int, count: int, seed: int, crowding: float) -> None:
        self._work, self._length, self._first, self._count, self._seed = work, length, first, count, seed
        self._crowding = crowding
        self._corpus: Corpus | None = None  # opened by the process that reads

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        self._corpus = self._corpus or Corpus(self._work)
        chooser = random.Random(f"{self._seed} {self._length} {self._first + index}")
        tokens: Tokens = []
        weights: list[float] = []
        while (left := self._length + 1 - len(tokens)) >= MIN_ROOM:
            example = Maker(self._corpus, chooser).example(min(left, self._share(chooser)))
            tokens += example[0][:left]  # a line may be longer than there is room
            weights += example[1][:left]
        missing = self._length + 1 - len(tokens)
        tokens += [self._corpus.vocabulary.end] * missing
        weights += [0.0] * missing
        return np.array(tokens, dtype=np.int64), np.array(weights[1:], dtype=np.float32)

    def _share(self, chooser: random.Random) -> int:
        """How many of a row's tokens an example gets."""
        return max(MIN_SHARE, int((self._length + 1) * chooser.random() ** self._crowding))


class Maker:
    """Makes one example after the other from random places of a corpus."""

    def __init__(self, corpus: Corpus, chooser: random.Random) -> None:
        self._corpus, self._chooser = corpus, chooser
        self._vocabulary = corpus.vocabulary

    def example(self, room: int) -> tuple[Tokens, list[float]]:
        """Tokens, at most `room`, and their weights."""
        place = self._chooser.randrange(len(self._corpus.tokens))
        number = bisect_right(self._corpus.starts, place) - 1
        document = self._corpus.document(number)
        kind = self._chooser.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "text":
            return self._text(document, room)
        hole = self._cut(document, place - self._corpus.starts[number], kind, int(room * SHARE_OF_MIDDLE))
        return self._lay_out(hole, number, room)

    def _text(self, document: Tokens, room: int) -> tuple[Tokens, list[float]]:
        start = self._chooser.randrange(max(1, len(document) - room // 2))
        tokens = [self._vocabulary.begin, *document[start : start + room - 1]]
        return tokens, [1.0] * len(tokens)

    def _lay_out(self, hole: Hole, number: int, room: int) -> tuple[Tokens, list[float]]:
        vocabulary, chooser = self._vocabulary, self._chooser
        room -= len(hole.middle) + len((vocabulary.begin, vocabulary.prefix, vocabulary.suffix, vocabulary.middle)) + 1
        suffix = hole.suffix[: int(room * SHARE_OF_SUFFIX * chooser.random() ** 0.5)]
        room -= len(suffix)
        head: Tokens = []
        if room >= MIN_ROOM_FOR_BLOCKS and chooser.random() < BLOCKS_PROBABILITY:
            blocks = self._blocks(number, int(room * SHARE_OF_BLOCKS))
            header = self._path_comment(number)
            head = [*blocks, vocabulary.prefix, *header]
        head = [vocabulary.begin, *(head or [vocabulary.prefix])]
        room -= len(head) - 2
        prefix = self._tail(hole.prefix, room)
        before = [*head, *prefix, vocabulary.suffix, *suffix, vocabulary.middle]
        markers = {vocabulary.begin, vocabulary.prefix, vocabulary.suffix, vocabulary.middle}
        weights = [0.0 if token in markers else 1.0 for token in before]
        middle = [*hole.middle, vocabulary.end]
        return before + middle, weights + [WEIGHT_OF_MIDDLE] * len(hole.middle) + [WEIGHT_OF_END]

    def _tail(self, tokens: Tokens, room: int) -> Tokens:
        """The end of a prefix, from a line's start where one is near."""
        if len(tokens) <= room:
            return tokens
        tail = tokens[len(tokens) - room :] if room > 0 else []
        line_break = self._vocabulary.line_break
        start = tail.index(line_break) + 1 if line_break in tail[: room // 4] else 0
        return tail[start:]

    def _blocks(self, number: int, room: int) -> Tokens:
        """Other files of the same package under their names, nearest by path first."""
        corpus, chooser = self._corpus, self._chooser
        siblings = corpus.of_package[corpus.packages[number]]
        folder = corpus.paths[number].rpartition("/")[0]
        near = [each for each in siblings if each != number and corpus.paths[each].rpartition("/")[0] == folder]
        blocks: Tokens = []
        for other in chooser.sample(near or siblings, min(2, len(near or siblings))):
            document = corpus.document(other)
            start = chooser.randrange(max(1, len(document) - room // 2))
            excerpt = self._tail(document[start : start + room // 2], room // 2)
            block = [*self._path_comment(other), *excerpt, self._vocabulary.line_break, self._vocabulary.line_break]
            if other != number and len(blocks) + len(block) <= room:
                blocks += block
        return blocks

    def _path_comment(self, number: int) -> Tokens:
        return self._vocabulary.encode(f"# {self._corpus.paths[number]}\n")

    # Holes

    def _cut(self, document: Tokens, place: int, kind: str, most: int) -> Hole:
        lines = self._lines(document)
        at = bisect_right(lines, place) - 1
        while at + 1 < len(lines) and self._end(document, lines, at) == lines[at]:
            at += 1  # nobody fills blank lines
        if kind == "closers" and (hole := self._closers(document, lines, at)):
            return hole
        if kind in ("rest", "span") and (hole := self._inside(document, lines, at, kind, most)):
            return hole
        if kind == "nothing":
            end = self._end(document, lines, at)
            return Hole(document[:end], [], document[end:])
        last = at
        if kind == "lines":
            last = min(at + self._chooser.randint(1, MAX_LINES - 1), len(lines) - 1)
        elif kind == "block":
            at, last = self._block(document, lines, at)
        start, end = lines[at], self._end(document, lines, last)
        while last > at and end - start > most:
            last -= 1
            end = self._end(document, lines, last)
        end = min(end, start + most)
        return Hole(document[:start], document[start:end], document[end:])

    def _lines(self, document: Tokens) -> list[int]:
        """Where each line begins."""
        line_break = self._vocabulary.line_break
        return [0, *(at + 1 for at, token in enumerate(document[:-1]) if token == line_break)]

    def _end(self, document: Tokens, lines: list[int], at: int) -> int:
        """Where a line ends, before its break."""
        end = lines[at + 1] if at + 1 < len(lines) else len(document)
        return end - (end > lines[at] and document[end - 1] == self._vocabulary.line_break)

    def _line_text(self, document: Tokens, lines: list[int], at: int) -> str:
        return self._corpus.text(document[lines[at] : self._end(document, lines, at)])

    def _closers(self, document: Tokens, lines: list[int], at: int) -> Hole | None:
        """A line without the closing brackets at its end, which stand behind the cursor."""
        text = self._line_text(document, lines, at)
        match = _CLOSERS.search(text)
        if match is None:
            return None
        end = self._end(document, lines, at)
        encode = self._vocabulary.encode
        return Hole(document[: lines[at]], encode(text[: match.start()]), encode(match[0]) + document[end:])

    def _inside(self, document: Tokens, lines: list[int], at: int, kind: str, most: int) -> Hole | None:
        """A hole that begins inside a line: up to its end, or to a place inside a later one."""
        text = self._line_text(document, lines, at)
        if len(text.strip()) < 2:
            return None
        cut = self._chooser.randrange(len(text) - len(text.lstrip()), len(text))
        last = at if kind == "rest" else min(at + self._chooser.randint(0, 3), len(lines) - 1)
        end = self._end(document, lines, last)
        encode = self._vocabulary.encode
        prefix = document[: lines[at]] + encode(text[:cut])
        through = self._corpus.text(document[lines[at] : end])[cut:]
        kept = len(through) if kind == "rest" else self._chooser.randint(1, len(through))
        middle = encode(through[:kept])
        return Hole(prefix, middle, encode(through[kept:]) + document[end:]) if len(middle) <= most else None

    def _block(self, document: Tokens, lines: list[int], at: int) -> tuple[int, int]:
        """The first and last line of the block below the nearest line above that ends with a colon."""
        for opener in range(at, max(-1, at - 40), -1):
            text = self._line_text(document, lines, opener)
            if text.rstrip().endswith(":") and opener + 1 < len(lines):
                indent = len(text) - len(text.lstrip())
                last = opener
                for below in range(opener + 1, min(opener + 60, len(lines))):
                    row = self._line_text(document, lines, below)
                    if row.strip() and len(row) - len(row.lstrip()) <= indent:
                        break
                    last = below if row.strip() else last
                if last > opener:
                    return opener + 1, last
        return at, at


def batch_of(rows: list[tuple[Any, Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows stacked, tokens and weights."""
    return np.stack([tokens for tokens, _ in rows]), np.stack([weights for _, weights in rows])
