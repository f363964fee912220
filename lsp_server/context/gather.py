"""The candidates of all sources for one snapshot, each source within its time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from lsp_server.context.candidates import Candidate, Gathered
from lsp_server.context.name_weights import NameWeights
from lsp_server.context.resolver import Resolver
from lsp_server.context.scope import Scope
from lsp_server.context.similar import ReadChunk, cooccurrence, near_terms, siblings, similar, similar_chunks
from lsp_server.context.sources import Definitions, Members
from lsp_server.index.database import IndexFailure
from lsp_server.index.reader import Reader
from lsp_server.index.symbols import Outline
from lsp_server.text.snapshot import Snapshot

_T = TypeVar("_T")

# Finds between two reads of the clock: some systems need 0.2 ms for one. Chunks take longer to find.
CANDIDATES_PER_CLOCK_READ, CHUNKS_PER_CLOCK_READ = 48, 6
MAX_ORDERED_FILES = 12
# Milliseconds. A source that takes longer is cut off; its finds until then are used.
LIMIT_MS = {"similar chunks": 15.0, "imports": 12.0, "calls": 8.0, "bases": 6.0, "types": 10.0, "siblings": 5.0}


def gather(
    snapshot: Snapshot,
    reader: Reader,
    resolver: Resolver,
    read: ReadChunk,
    clock: Callable[[], float],
    unsaved: Mapping[str, Outline] | None = None,
) -> Gathered:
    """The candidates that the index has for a snapshot; none if the index is damaged.

    `clock` counts seconds. `unsaved` holds the outlines of files with unsaved changes, by path; they replace those of
    the index.
    """
    try:
        resolver.refresh(unsaved)
        own = resolver.files([snapshot.path])
        saved = Outline(resolver.symbols(own[0]), resolver.imports(own[0])) if own else None
        scope = Scope.of(snapshot, saved)
        timed = _TimedSources(clock)
        wanted = near_terms(scope, reader)
        chunks = timed.within_limit(
            "similar chunks", similar_chunks(scope, reader, read, wanted), CHUNKS_PER_CLOCK_READ
        )
        weights = NameWeights(scope, cooccurrence(chunks))
        definitions, members = Definitions(scope, resolver, weights), Members(scope, resolver, weights)
        candidates = [
            *timed.within_limit("imports", definitions.imported()),
            *timed.within_limit("calls", definitions.called()),
            *timed.within_limit("bases", members.bases()),
            *timed.within_limit("types", members.types()),
            *timed.within_limit("siblings", siblings(scope, resolver, reader, weights)),
            *similar(scope, chunks, wanted),
        ]
        kept = [each for each in candidates if each.path != snapshot.path]
        return Gathered(tuple(kept), _dependencies(kept, resolver), tuple(timed.notes))
    except IndexFailure as error:
        return Gathered(notes=(f"the index could not be read: {error}",))


class _TimedSources:
    """Takes the finds of sources within their time limits, and notes the time each source took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self.notes: list[str] = []

    def within_limit(
        self, name: str, source: Iterable[_T], finds_per_clock_read: int = CANDIDATES_PER_CLOCK_READ
    ) -> list[_T]:
        """The finds of a source until its time is up."""
        deadline = self._started + LIMIT_MS[name] / 1000
        found = []
        for number, each in enumerate(source, 1):
            found.append(each)
            if number % finds_per_clock_read == 0 and self._clock() > deadline:
                break
        ended = self._clock()
        spent_ms, self._started = (ended - self._started) * 1000, ended
        late = ", cut off" if spent_ms > LIMIT_MS[name] else ""
        self.notes.append(f"{name}: {len(found)} found in {spent_ms:.1f} ms{late}")
        return found


def _dependencies(candidates: Iterable[Candidate], resolver: Resolver) -> dict[str, frozenset[str]]:
    """Which of the candidates' files import which others. Only the best-scored files are looked at."""
    best: dict[str, float] = {}
    for candidate in candidates:
        best[candidate.path] = max(best.get(candidate.path, 0.0), candidate.score)
    paths = sorted(best, key=best.__getitem__, reverse=True)[:MAX_ORDERED_FILES]
    return {file.path: resolver.imported_paths(file).intersection(paths) for file in resolver.files(paths)}
