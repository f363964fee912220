"""All sources together, each within its time, for one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from lsp_server.context.candidates import Candidate, Gathered
from lsp_server.context.resolver import Resolver
from lsp_server.context.scope import Scope
from lsp_server.context.similar import ReadChunk, siblings, similar
from lsp_server.context.sources import Definitions, Members
from lsp_server.index.database import IndexFailure
from lsp_server.index.reader import Reader
from lsp_server.index.symbols import Outline
from lsp_server.snapshot import Snapshot

Source = tuple[str, Callable[[], Iterable[Candidate]]]

CANDIDATES_A_LOOK = 48  # at the clock, which some systems take a fifth of a millisecond to read
MOST_ORDERED_FILES = 12
# Milliseconds. A source that takes longer is cut off: what it found until then is used.
LIMIT_MS = {"imports": 12.0, "calls": 8.0, "bases": 6.0, "types": 10.0, "siblings": 5.0, "similar": 15.0}


def gather(
    snapshot: Snapshot,
    reader: Reader,
    resolver: Resolver,
    read: ReadChunk,
    clock: Callable[[], float],
    unsaved: Mapping[str, Outline] | None = None,
) -> Gathered:
    """What the index has for a snapshot. `clock` counts seconds. A damaged index has nothing.

    `unsaved` are files that are not as the index has them.
    """
    try:
        resolver.refresh(unsaved)
        own = resolver.files([snapshot.path])
        saved = Outline(resolver.symbols(own[0]), resolver.imports(own[0])) if own else None
        scope = Scope.of(snapshot, saved)
        definitions, members = Definitions(scope, resolver), Members(scope, resolver)
        sources: list[Source] = [
            ("imports", definitions.imported),
            ("calls", definitions.called),
            ("bases", members.bases),
            ("types", members.types),
            ("siblings", lambda: siblings(scope, resolver, reader)),
            ("similar", lambda: similar(scope, reader, read)),
        ]
        candidates: list[Candidate] = []
        notes = []
        started = clock()
        for name, source in sources:
            found = list(_within(source(), started + LIMIT_MS[name] / 1000, clock))
            ended = clock()
            spent_ms, started = (ended - started) * 1000, ended
            late = ", cut off" if spent_ms > LIMIT_MS[name] else ""
            notes.append(f"{name}: {len(found)} found in {spent_ms:.1f} ms{late}")
            candidates += found
        kept = [each for each in candidates if each.path != snapshot.path]
        return Gathered(tuple(kept), _depends(kept, resolver), tuple(notes))
    except IndexFailure as error:
        return Gathered(notes=(f"the index could not be read: {error}",))


def _within(candidates: Iterable[Candidate], deadline: float, clock: Callable[[], float]) -> Iterator[Candidate]:
    for number, candidate in enumerate(candidates, 1):
        yield candidate
        if number % CANDIDATES_A_LOOK == 0 and clock() > deadline:
            return


def _depends(candidates: Iterable[Candidate], resolver: Resolver) -> dict[str, frozenset[str]]:
    """Which of the candidates' files import which others of them."""
    best: dict[str, float] = {}
    for candidate in candidates:
        best[candidate.path] = max(best.get(candidate.path, 0.0), candidate.score)
    paths = sorted(best, key=best.__getitem__, reverse=True)[:MOST_ORDERED_FILES]
    return {file.path: resolver.needed(file).intersection(paths) for file in resolver.files(paths)}
