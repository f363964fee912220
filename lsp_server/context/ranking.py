"""From candidates to blocks: one block a file, with its excerpts in the file's own order. Pure."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN
from lsp_server.context.candidates import Candidate, Gathered
from lsp_server.text.excerpts import Block
from lsp_server.text.snapshot import Snapshot

MIN_SCORE = 0.04
# A score is divided by the cost to this power. A power of 1 would fill prompts with the shortest lines.
COST_POWER = 0.55
# The share of the score that the rest of a line is worth behind its brief form. A name counts more than its parameters.
REST_SHARE = 0.3
MAX_CANDIDATES = 1000
MIN_LINE = 8  # characters; shorter lines are not looked for in the snapshot's text
# Blocks stay while they are worth this share of the best choice, so that the prompt's head stays cached.
HYSTERESIS = 0.8
HEADING_CHARACTERS = 8  # of a block's heading, besides its path


@dataclass(slots=True)
class _Choice:
    """The chosen lines of one file, by number, and the reasons."""

    language_id: str
    lines: dict[int, str] = field(default_factory=dict)
    reasons: dict[str, float] = field(default_factory=dict)
    worth: float = 0.0


def rank(snapshot: Snapshot, gathered: Gathered, max_tokens: int, previous: Sequence[Block] = ()) -> tuple[Block, ...]:
    """The blocks of gathered candidates."""
    return choose(eligible(snapshot, gathered), max_tokens, previous)


def eligible(snapshot: Snapshot, gathered: Gathered) -> Gathered:
    """The candidates that may be chosen, the best for its cost first. Excerpts that the text has are dropped."""
    lines_present = {line.strip() for line in snapshot.prefix.split("\n")}
    lines_present.update(line.strip() for line in snapshot.suffix.split("\n"))
    best: dict[tuple[str, int, str], Candidate] = {}
    for candidate in gathered.candidates:
        if candidate.score < MIN_SCORE or not candidate.text.strip():
            continue
        if _is_present(candidate.text, lines_present):
            continue
        key = (candidate.path, candidate.line, candidate.text)
        if key not in best or _strength(best[key]) < _strength(candidate):
            best[key] = candidate
    ranked = sorted(best.values(), key=_rank, reverse=True)
    return replace(gathered, candidates=tuple(ranked[:MAX_CANDIDATES]))


def choose(gathered: Gathered, max_tokens: int, previous: Sequence[Block] = ()) -> tuple[Block, ...]:
    """The best choice of eligible candidates that fits, or the previous choice if that is nearly as good.

    A previous choice counts only if all of it may still be shown. A block comes before the blocks that import it.
    Otherwise blocks are in the order of their paths.
    """
    candidates = gathered.candidates
    chosen = _Chooser(max_tokens).choose(candidates)
    blocks = tuple(_block(path, chosen[path]) for path in dependencies_first(chosen, gathered.dependencies))
    if previous and previous != blocks and all(map(gathered.admits, previous)):
        worth = sum(choice.worth for choice in chosen.values())
        if _worth_of(previous, candidates) >= HYSTERESIS * worth and _cost(previous) <= max_tokens:
            return tuple(previous)
    return blocks


def _is_present(text: str, lines_present: set[str]) -> bool:
    """Whether all lines of an excerpt are present. Short lines count only if there are no others."""
    if "\n" not in text:
        return text.strip() in lines_present
    lines = [line.strip() for line in text.split("\n")]
    return all(line in lines_present for line in [line for line in lines if len(line) >= MIN_LINE] or lines)


def _strength(candidate: Candidate) -> tuple[float, str, str]:
    """The key by which one of two equal finds is kept. It must not depend on their order."""
    return candidate.score, candidate.source, candidate.reason


def _rank(candidate: Candidate) -> tuple[float, str, int, str]:
    return (
        _worth_for_cost(candidate.score, candidate.brief or candidate.text),
        candidate.path,
        candidate.line,
        candidate.text,
    )


def _worth_for_cost(score: float, text: str) -> float:
    return float(score / (len(text) + 12) ** COST_POWER)


class _Chooser:
    """Takes candidates while there is room: a brief form first, and the rest of its line in its own turn."""

    def __init__(self, max_tokens: int) -> None:
        self._room = max_tokens * CHARACTERS_PER_TOKEN
        self.chosen: dict[str, _Choice] = {}

    def choose(self, candidates: Sequence[Candidate]) -> dict[str, _Choice]:
        """Take the best for its cost at each turn. Candidates must be in that order."""
        rests: list[tuple[float, int]] = []
        for index, candidate in enumerate(candidates):
            worth = _worth_for_cost(candidate.score, candidate.brief or candidate.text)
            while rests and -rests[0][0] > worth:
                self._take_rest(candidates[heapq.heappop(rests)[1]])
            if self._room < MIN_LINE:
                break
            if self._take(candidate, candidate.brief or candidate.text, candidate.score) and candidate.brief:
                heapq.heappush(rests, (-_worth_for_cost(candidate.score * REST_SHARE, candidate.text), index))
        while rests:
            self._take_rest(candidates[heapq.heappop(rests)[1]])
        return self.chosen

    def _take_rest(self, candidate: Candidate) -> None:
        self._take(candidate, candidate.text, candidate.score * REST_SHARE)

    def _take(self, candidate: Candidate, text: str, score: float) -> bool:
        choice = self.chosen.get(candidate.path)
        known: Mapping[int, str] = choice.lines if choice else {}
        lines = dict(candidate.heads)
        lines.update(enumerate(text.split("\n"), candidate.line))
        new = {}
        cost = 0 if choice else len(candidate.path) + HEADING_CHARACTERS
        for number, line in lines.items():
            before = known.get(number)
            if before is None or len(line) > len(before):
                new[number] = line
                cost += len(line) + 1 if before is None else len(line) - len(before)
        if cost > self._room or not new:
            return False
        self._room -= cost
        if choice is None:
            choice = self.chosen[candidate.path] = _Choice(candidate.language_id)
        choice.lines.update(new)
        choice.worth += score
        label = f"{candidate.source}: {candidate.reason}"
        choice.reasons[label] = max(choice.reasons.get(label, 0.0), candidate.score)
        return True


MAX_REASONS = 3


def _block(path: str, choice: _Choice) -> Block:
    text = "\n".join(line for _, line in sorted(choice.lines.items()))
    reasons = sorted(choice.reasons, key=choice.reasons.__getitem__, reverse=True)
    more = f", and {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""
    best = max(choice.reasons.values())
    return Block(path, choice.language_id, text, f"score {best:.2f}; {', '.join(reasons[:MAX_REASONS])}{more}")


def _worth_of(blocks: Sequence[Block], candidates: Sequence[Candidate]) -> float:
    """The worth of blocks of an earlier choice, by the present candidates."""
    worth = 0.0
    lines = {block.path: sorted(block.text.split("\n")) for block in blocks}
    sets = {path: frozenset(listed) for path, listed in lines.items()}
    for candidate in candidates:
        if candidate.path not in lines:
            continue
        is_whole = sets[candidate.path].issuperset(candidate.text.split("\n"))
        if not candidate.brief:
            worth += candidate.score * is_whole
        elif is_whole:
            worth += candidate.score * (1 + REST_SHARE)
        elif _begins_one(candidate.brief, lines[candidate.path]):
            worth += candidate.score
    return worth


def _begins_one(text: str, lines: Sequence[str]) -> bool:
    """Whether one of the sorted lines begins with a text."""
    index = bisect_left(lines, text)
    return index < len(lines) and lines[index].startswith(text)


def _cost(blocks: Sequence[Block]) -> int:
    return sum(block.tokens for block in blocks)


def dependencies_first(paths: Iterable[str], depends: Mapping[str, frozenset[str]]) -> list[str]:
    """Paths, imported files first. In an import cycle the file with the fewest imports left comes first."""
    left = sorted(paths)
    ordered: list[str] = []
    while left:
        first = min(left, key=lambda path: len(depends.get(path, frozenset()) & set(left) - {path}))
        left.remove(first)
        ordered.append(first)
    return ordered
