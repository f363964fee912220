"""Sources of whole pieces of files: similar code by BM25, and a file's tests or what a test is of."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from lsp_server.context.candidates import Candidate
from lsp_server.context.first_lines import line_of
from lsp_server.context.resolver import Resolver
from lsp_server.context.scope import Scope
from lsp_server.context.sources import listing_share
from lsp_server.index.reader import IndexedChunk, Reader
from lsp_server.index.words import identifiers, terms

SIMILAR, SIBLING = 0.3, 0.5
LINES_BEFORE, LINES_AFTER = 12, 3
# Of the terms nearest to the cursor the rarest are looked for: each costs time.
MOST_NEAR_TERMS, MOST_TERMS, MOST_CHUNKS = 36, 8, 6
# A term in so many chunks is no sign of likeness, and slow to look up.
MOST_FREQUENCY = 120
MOST_LINES = 12  # of a chunk: the part that is most alike

ReadChunk = Callable[[IndexedChunk], Sequence[str] | None]

_TEST = re.compile(r"(^tests?[_.-]|[_.-](tests?|spec)$|(?<=[a-z])(Tests?|Spec)$|^Test(?=[A-Z]))")
_HEADERS = frozenset({".h", ".hh", ".hpp", ".hxx"})


def similar(scope: Scope, reader: Reader, read: ReadChunk) -> Iterator[Candidate]:
    """Pieces of other files with the rare words of the lines around the cursor."""
    first = max(0, scope.cursor_line - LINES_BEFORE)
    near = "\n".join(reversed(scope.lines[first : scope.cursor_line + LINES_AFTER]))
    wanted = dict.fromkeys(term for name in identifiers(near) for term in terms(name))
    frequencies = reader.frequencies(itertools.islice(wanted, MOST_NEAR_TERMS))
    rare = sorted((term for term in frequencies if frequencies[term] <= MOST_FREQUENCY), key=frequencies.__getitem__)
    if not rare:
        return
    found = reader.alike(rare[:MOST_TERMS], 2 * MOST_CHUNKS)
    left = MOST_CHUNKS
    for chunk in found:
        if chunk.file.path == scope.snapshot.path or left == 0:
            continue
        lines = read(chunk)
        if lines is None:
            continue  # changed since
        left -= 1
        line, lines = _most_alike(lines, chunk.first, rare[:MOST_TERMS])
        share = chunk.likeness / found[0].likeness
        share *= 1.0 if chunk.file.language_id == scope.snapshot.language_id else 0.5
        yield Candidate(
            chunk.file.path, chunk.file.language_id, line, "\n".join(lines), SIMILAR * share, "similar",
            "similar to what is here",
        )  # fmt: skip


def _most_alike(lines: Sequence[str], first: int, wanted: Sequence[str]) -> tuple[int, Sequence[str]]:
    """The run of lines in which the wanted words stand most often, be it within others."""
    if len(lines) <= MOST_LINES:
        return first, lines
    plain = [line.lower().replace("_", "") for line in lines]
    hits = [sum(line.count(term) for term in wanted) for line in plain]
    sums = [sum(hits[start : start + MOST_LINES]) for start in range(len(lines) - MOST_LINES + 1)]
    start = max(range(len(sums)), key=sums.__getitem__)
    return first + start, lines[start : start + MOST_LINES]


def siblings(scope: Scope, resolver: Resolver, reader: Reader) -> Iterator[Candidate]:
    """What a test's subject defines, and a source's header or the other way about."""
    folder, _, name = scope.snapshot.path.rpartition("/")
    stem, suffix = posixpath.splitext(name)
    subject = _TEST.sub("", stem)
    wanted = []
    if subject != stem:
        wanted.append(subject + suffix)
    elif suffix in _HEADERS:
        wanted += [stem + each for each in (".c", ".cc", ".cpp", ".cxx")]
    elif suffix in (".c", ".cc", ".cpp", ".cxx"):
        wanted += [stem + each for each in _HEADERS]
    for file in reader.files_called(wanted)[:2]:
        is_beside = suffix == ".go" and file.path.rpartition("/")[0] == folder
        if file.path == scope.snapshot.path or is_beside:
            continue
        for symbol in resolver.symbols(file):
            score = SIBLING * listing_share(scope, symbol.name) * (1.0 if not symbol.container else 0.8)
            line = line_of(symbol).whole
            yield Candidate(file.path, file.language_id, symbol.line, line, score, "siblings", f"what {name} goes with")
