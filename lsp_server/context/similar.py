"""Sources that compare files: similar code by BM25, and siblings such as a test's subject or a source's header."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lsp_server.context.candidates import Candidate
from lsp_server.context.first_lines import line_of
from lsp_server.context.name_weights import NameWeights
from lsp_server.context.resolver import Resolver
from lsp_server.context.scope import Scope
from lsp_server.index.reader import IndexedChunk, Reader
from lsp_server.index.words import identifiers, terms, words
from lsp_server.languages.syntax import HEADER_SUFFIXES, SOURCE_SUFFIXES

SIMILAR, SIBLING = 0.3, 0.5
LINES_BEFORE, LINES_AFTER = 12, 3
# Only the rarest of the terms nearest to the cursor are searched for, because each costs time.
MAX_NEAR_TERMS, MAX_TERMS = 36, 16
MAX_CHUNKS, OWN_CHUNKS = 24, 6  # chunks that are read; spare hits for the file's own chunks, which are not read
MAX_SHOWN = 6  # chunks that become candidates
# A term in more chunks says little about similarity, and its look-up is slow.
MAX_FREQUENCY = 120
MAX_LINES = 12  # of a chunk's most similar part

ReadChunk = Callable[[IndexedChunk], Sequence[str] | None]

_TEST = re.compile(r"(^tests?[_.-]|[_.-](tests?|spec)$|(?<=[a-z])(Tests?|Spec)$|^Test(?=[A-Z]))")


@dataclass(frozen=True, slots=True)
class SimilarChunk:
    """A chunk of another file and its lines. `similarity` to the lines around the cursor is 1 for the most similar."""

    chunk: IndexedChunk
    lines: Sequence[str]
    similarity: float


def near_terms(scope: Scope, reader: Reader) -> list[str]:
    """The rare terms of the lines around the cursor, the rarest first."""
    first = max(0, scope.cursor_line - LINES_BEFORE)
    near = "\n".join(reversed(scope.lines[first : scope.cursor_line + LINES_AFTER]))
    wanted = dict.fromkeys(term for name in identifiers(near) for term in terms(name))
    frequencies = reader.frequencies(itertools.islice(wanted, MAX_NEAR_TERMS))
    rare = sorted((term for term in frequencies if frequencies[term] <= MAX_FREQUENCY), key=frequencies.__getitem__)
    return rare[:MAX_TERMS]


def similar_chunks(scope: Scope, reader: Reader, read: ReadChunk, wanted: Sequence[str]) -> Iterator[SimilarChunk]:
    """The chunks of other files that contain wanted terms, the most similar first."""
    found = [
        chunk for chunk in reader.search(wanted, MAX_CHUNKS + OWN_CHUNKS) if chunk.file.path != scope.snapshot.path
    ]
    for chunk in found[:MAX_CHUNKS]:
        lines = read(chunk)
        if lines is not None:  # None: the file has changed since it was indexed
            yield SimilarChunk(chunk, lines, chunk.similarity / found[0].similarity)


def cooccurrence(chunks: Iterable[SimilarChunk]) -> dict[str, float]:
    """For each word, the similarity of the most similar chunk that contains it. Its words may be used here too."""
    found: dict[str, float] = {}
    for chunk in chunks:
        for word in words("\n".join(chunk.lines)):
            found[word] = max(found.get(word, 0.0), chunk.similarity)
    return found


def similar(scope: Scope, chunks: Sequence[SimilarChunk], wanted: Sequence[str]) -> Iterator[Candidate]:
    """The most similar parts of the most similar chunks."""
    for each in chunks[:MAX_SHOWN]:
        file = each.chunk.file
        line, lines = _most_similar(each.lines, each.chunk.first, wanted)
        share = each.similarity * (1.0 if file.language_id == scope.snapshot.language_id else 0.5)
        yield Candidate(
            file.path, file.language_id, line, "\n".join(lines), SIMILAR * share, "similar", "similar to what is here"
        )


def _most_similar(lines: Sequence[str], first: int, wanted: Sequence[str]) -> tuple[int, Sequence[str]]:
    """The stretch of lines that contains the wanted terms most often, as whole words or inside of others."""
    if len(lines) <= MAX_LINES:
        return first, lines
    plain = [line.lower().replace("_", "") for line in lines]
    hits = [sum(line.count(term) for term in wanted) for line in plain]
    sums = [sum(hits[start : start + MAX_LINES]) for start in range(len(lines) - MAX_LINES + 1)]
    start = max(range(len(sums)), key=sums.__getitem__)
    return first + start, lines[start : start + MAX_LINES]


def siblings(scope: Scope, resolver: Resolver, reader: Reader, weights: NameWeights) -> Iterator[Candidate]:
    """The definitions of a test's subject, of a source's header, or of a header's source."""
    folder, _, name = scope.snapshot.path.rpartition("/")
    stem, suffix = posixpath.splitext(name)
    subject = _TEST.sub("", stem)
    wanted = []
    if subject != stem:
        wanted.append(subject + suffix)
    elif suffix in HEADER_SUFFIXES:
        wanted += [stem + each for each in SOURCE_SUFFIXES]
    elif suffix in SOURCE_SUFFIXES:
        wanted += [stem + each for each in HEADER_SUFFIXES]
    for file in reader.files_named(wanted)[:2]:
        is_beside = suffix == ".go" and file.path.rpartition("/")[0] == folder
        if file.path == scope.snapshot.path or is_beside:
            continue
        for symbol in resolver.symbols(file):
            score = SIBLING * weights.listing(symbol.name) * (1.0 if not symbol.container else 0.8)
            line = line_of(symbol).whole
            yield Candidate(file.path, file.language_id, symbol.line, line, score, "siblings", f"what {name} goes with")
