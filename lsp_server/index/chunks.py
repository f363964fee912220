"""Cuts files into chunks of related lines, for the search of similar code. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

MAX_LINES = 24
MIN_LINES = 8
DIGEST_BYTES = 8  # enough, because digests are compared only within one file


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Lines `first` to before `last` of a text. Encoded, they are `size` bytes from byte `start`."""

    first: int
    last: int
    start: int
    size: int
    digest: bytes
    text: str


def chunks_of(text: str) -> Iterator[Chunk]:
    """The chunks of a text, in order. Its lines must end in `\\n`."""
    lines = text.split("\n")
    at = start = 0
    for first, last in chunk_lines(lines):
        start += sum(len(line.encode("utf-8", "replace")) + 1 for line in lines[at:first])
        within = "\n".join(lines[first:last])
        content = within.encode("utf-8", "replace")
        yield Chunk(first, last, start, len(content), digest_of(content), within)
        at, start = last, start + len(content) + 1


def digest_of(content: bytes) -> bytes:
    """A digest of a chunk's bytes, which tells whether they have changed."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def chunk_lines(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of lines, as the first and one past the last. Cuts are at the least nested blank lines, if any."""
    first = 0
    while first < len(lines):
        last = _cut(lines, first)
        if any(line.strip() for line in lines[first:last]):
            yield first, last
        first = last


def _cut(lines: Sequence[str], first: int) -> int:
    end = min(first + MAX_LINES, len(lines))
    if end == len(lines):
        return end
    best, least_nested = end, 1 << 30
    for index in range(first + MIN_LINES, end):
        line = lines[index]
        if line.strip() and not lines[index - 1].strip():
            nested = len(line) - len(line.lstrip())
            if nested <= least_nested:
                best, least_nested = index, nested
    return best
