"""Puts drafts into batches, and learns from what came of them."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.backend import Backend
from lsp_server.engine.batches import Part
from lsp_server.engine.draft_lengths import DraftLengths
from lsp_server.engine.drafts import Guess, LookUp, Source
from lsp_server.engine.run import Run


class Drafter:
    """Drafts for the texts that a backend writes; none where it cannot forget a wrong guess, or is told not to.

    `source` is where guesses come from, if not from what was read and written.
    """

    def __init__(self, backend: Backend, source: Source | None = None) -> None:
        self._source = source or LookUp(lambda token: bool(backend.piece(token)))
        self._lengths = DraftLengths(backend.info.prefill_tokens_per_s)
        self._is_on = backend.info.parameters.drafts and backend.info.can_drop_tail

    def add_to(self, parts: Sequence[Part], room: int) -> None:
        """Add guessed tokens, `room` at most, where all that is evaluated is being written.

        Beside a prefill they would make its first text wait.
        """
        if not self._is_on or not all(part.is_writing for part in parts):
            return
        guesses = [self._guess(part.run) for part in parts]
        for part, guess, length in zip(parts, guesses, self._lengths.choose(guesses, room), strict=True):
            part.guess = guess
            part.guessed = list(guess.tokens[:length]) if guess else []

    def evaluated(self, parts: Sequence[Part], seconds: float) -> None:
        """Learn what a batch took, and which of its guesses were right."""
        if not self._is_on or not all(part.is_writing for part in parts):
            return
        num_guessed = sum(len(part.guessed) for part in parts)
        self._lengths.measure(len(parts) + num_guessed, seconds)
        self._lengths.settle(len(parts), num_guessed, sum(part.num_right for part in parts))
        for part in parts:
            if part.guess is not None:
                self._lengths.learn(part.guess.kind, len(part.guessed), part.num_right)

    def ended(self, run: Run) -> None:
        """A run is over."""
        if self._is_on:
            self._source.ended(run)

    def _guess(self, run: Run) -> Guess | None:
        """What a run may write next; not while it spells what was typed, nor more than it may write."""
        most = run.prepared.max_tokens - run.timings.decoded_tokens - 1  # behind the last one another is drawn
        if run.rest or most <= 0:
            return None
        guess = self._source.guess(run)
        return Guess(guess.tokens[:most], guess.kind) if guess else None
