"""Which candidates are worth their tokens, as blocks: one a file, its excerpts in the file's own order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lsp_server.context.blocks import Block
from lsp_server.context.candidates import Candidate, Gathered
from lsp_server.estimate import CHARACTERS_PER_TOKEN
from lsp_server.snapshot import Snapshot

LEAST_SCORE = 0.04
# A candidate's score counts by its cost to this power: 1 would fill prompts with the shortest lines.
COST_POWER = 0.55
MOST_CANDIDATES = 1000
LEAST_LINE = 8  # characters of a line that is looked for in the text at hand
# Blocks stay as they were while they are worth this share of the best choice: the prompt's head keeps its cache.
HYSTERESIS = 0.8
HEADING_CHARACTERS = 8  # of a block's heading, besides its path


@dataclass(slots=True)
class _Choice:
    """The lines chosen of one file, by number, and why."""

    language_id: str
    lines: dict[int, str] = field(default_factory=dict)
    reasons: dict[str, float] = field(default_factory=dict)
    worth: float = 0.0


def rank(snapshot: Snapshot, gathered: Gathered, max_tokens: int, previous: Sequence[Block] = ()) -> tuple[Block, ...]:
    """Blocks of what was gathered."""
    return choose(worthy(snapshot, gathered), max_tokens, previous)


def worthy(snapshot: Snapshot, gathered: Gathered) -> Gathered:
    """The candidates that may be chosen, the best for its cost first: none that stands in the text at hand."""
    standing = {line.strip() for line in snapshot.prefix.split("\n")}
    standing.update(line.strip() for line in snapshot.suffix.split("\n"))
    best: dict[tuple[str, int, str], Candidate] = {}
    for candidate in gathered.candidates:
        if candidate.score < LEAST_SCORE or not candidate.text.strip():
            continue
        if all(line.strip() in standing for line in candidate.text.split("\n") if len(line.strip()) >= LEAST_LINE):
            continue
        key = (candidate.path, candidate.line, candidate.text)
        if key not in best or _strength(best[key]) < _strength(candidate):
            best[key] = candidate
    ranked = sorted(best.values(), key=_rank, reverse=True)
    return replace(gathered, candidates=tuple(ranked[:MOST_CANDIDATES]))


def choose(gathered: Gathered, max_tokens: int, previous: Sequence[Block] = ()) -> tuple[Block, ...]:
    """The best choice that fits of worthy candidates, or the previous one where that is nearly as good.

    Blocks that others import come first, otherwise they are in the order of their paths, whatever their rank.
    """
    candidates = gathered.candidates
    chosen = _choose(candidates, max_tokens)
    blocks = tuple(_block(path, chosen[path]) for path in in_order(chosen, gathered.depends))
    if previous and previous != blocks:
        worth = sum(choice.worth for choice in chosen.values())
        if _worth_of(previous, candidates) >= HYSTERESIS * worth and _cost(previous) <= max_tokens:
            return tuple(previous)
    return blocks


def _strength(candidate: Candidate) -> tuple[float, str, str]:
    """Which of two that found the same is kept; it must not depend on which came first."""
    return candidate.score, candidate.source, candidate.reason


def _rank(candidate: Candidate) -> tuple[float, str, int, str]:
    worth = candidate.score / (len(candidate.text) + 12) ** COST_POWER
    return worth, candidate.path, candidate.line, candidate.text


def _choose(candidates: Sequence[Candidate], max_tokens: int) -> dict[str, _Choice]:
    """Take candidates in turn as long as there is room."""
    room = max_tokens * CHARACTERS_PER_TOKEN
    chosen: dict[str, _Choice] = {}
    for candidate in candidates:
        if room < LEAST_LINE:
            break
        choice = chosen.get(candidate.path)
        known: Mapping[int, str] = choice.lines if choice else {}
        lines = dict(candidate.heads)
        lines.update(enumerate(candidate.text.split("\n"), candidate.line))
        new = {number: line for number, line in lines.items() if number not in known}
        cost = sum(len(line) + 1 for line in new.values())
        if choice is None:
            cost += len(candidate.path) + HEADING_CHARACTERS
        if cost > room or not new:
            continue
        room -= cost
        if choice is None:
            choice = chosen[candidate.path] = _Choice(candidate.language_id)
        choice.lines.update(new)
        choice.worth += candidate.score
        label = f"{candidate.source}: {candidate.reason}"
        choice.reasons[label] = max(choice.reasons.get(label, 0.0), candidate.score)
    return chosen


MOST_REASONS = 3


def _block(path: str, choice: _Choice) -> Block:
    text = "\n".join(line for _, line in sorted(choice.lines.items()))
    reasons = sorted(choice.reasons, key=choice.reasons.__getitem__, reverse=True)
    more = f", and {len(reasons) - MOST_REASONS} more" if len(reasons) > MOST_REASONS else ""
    best = max(choice.reasons.values())
    return Block(path, choice.language_id, text, f"score {best:.2f}; {', '.join(reasons[:MOST_REASONS])}{more}")


def _worth_of(blocks: Sequence[Block], candidates: Sequence[Candidate]) -> float:
    """What blocks of an earlier choice are worth by the candidates there are now."""
    lines = {block.path: set(block.text.split("\n")) for block in blocks}
    return sum(
        candidate.score
        for candidate in candidates
        if set(candidate.text.split("\n")) <= lines.get(candidate.path, set())
    )


def _cost(blocks: Sequence[Block]) -> int:
    return sum(block.tokens for block in blocks)


def in_order(paths: Iterable[str], depends: Mapping[str, frozenset[str]]) -> list[str]:
    """Files so that what others import comes before them; of a circle, the file with the fewest imports left first."""
    left = sorted(paths)
    ordered: list[str] = []
    while left:
        first = min(left, key=lambda path: len(depends.get(path, frozenset()) & set(left) - {path}))
        left.remove(first)
        ordered.append(first)
    return ordered
