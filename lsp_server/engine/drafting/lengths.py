"""How many guessed tokens are worth a try: from what batches have cost and how often guesses were right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes

# What guesses may lose: this share of the time spent on writing, saved up to as many steps without any. What they gain
# is theirs to lose again. Where the account is full they are tried although they seem not to pay: that may change.
LOSS_SHARE, MAX_BUDGET_STEPS = 0.01, 8
# Looking for guesses has a share of its own. It has the account's only while that holds a step, or looking would leave
# nothing for trying.
_LOOKUP_SHARE = 0.005
# That a guessed token is right, if those before it were. What is less likely to be right than the least is not tried.
_FIRST_ODDS, _MIN_ODDS, _MAX_ODDS = 0.6, 0.02, 0.98
_FIRST_WEIGHT = 3.0  # so many tokens checked weigh as much as the first odds
# How much of what was seen still counts after each further token that is checked, and after each step. Without the
# latter, guesses that were wrong by chance would be the last of their kind: what is not tried is not seen to be right.
_KEPT_PER_TOKEN, _KEPT_PER_STEP = 0.95, 0.99
_MIN_GAIN = 1.03  # less may be a mistake of measuring


@dataclass(slots=True)
class _Acceptance:
    """How many tokens of a kind of guess were checked and were right, as far as they still count at a step."""

    right: float = _FIRST_WEIGHT * _FIRST_ODDS
    checked: float = _FIRST_WEIGHT
    at_step: int = 0


class DraftLengths:
    """Learns how often each kind of guess is right, and chooses by what batches cost.

    What guesses may lose is saved up to `max_budget_steps`.
    """

    def __init__(self, step_times: StepTimes, max_budget_steps: int = MAX_BUDGET_STEPS) -> None:
        self._step_times = step_times
        self._max_budget_steps = max_budget_steps
        self._acceptances: dict[str, _Acceptance] = {}
        self._budget_s = float("inf")  # full, whatever that will be
        self._lookup_budget_s = 0.0  # saved for looking

    def choose(self, guesses: Sequence[Guess | None], room: int) -> list[int]:
        """How many tokens of each guess to check, one for each text that is written, and `room` in all at most."""
        num_decoding, lengths = len(guesses), [0] * len(guesses)
        if not self._step_times.is_known(num_decoding):
            return lengths
        ranked = self._ranked(guesses)[:room]
        costs_s = [guess.token_s if (guess := guesses[index]) else 0.0 for _, index in ranked]
        for _, index in ranked[: self._best_count(num_decoding, [odds for odds, _ in ranked], costs_s)]:
            lengths[index] += 1
        return lengths

    def can_afford(self, seconds: float) -> bool:
        """Whether so much may be spent on guesses now."""
        return seconds <= self._budget_s

    def can_afford_lookup(self, seconds: float) -> bool:
        """Whether so much may be spent on looking for guesses now."""
        if not self._step_times.num_steps or seconds <= self._lookup_budget_s:
            return True
        return seconds + self._step_times.seconds(1) <= self._budget_s

    def saved_by(self, guess: Guess, length: int, num_tokens: int) -> float:
        """Seconds that such guesses, so many tokens of each, save while one text gets `num_tokens` longer."""
        odds = self._odds(guess.kind)
        expected = sum(odds**count for count in range(length + 1))
        return num_tokens * (
            self._step_times.seconds(1) - (self._step_times.seconds(1 + length) + length * guess.token_s) / expected
        )

    def charge(self, num_decoding: int, num_drafted: int, num_accepted: int, guessing_s: float = 0.0) -> None:
        """Balance a step that was measured: what its guesses cost, as such steps do, and what they saved.

        `guessing_s` was spent on looking for them and on making them.
        """
        step_s = self._step_times.seconds(num_decoding)
        taken_s = self._step_times.last_step_s(num_decoding + num_drafted)
        if num_drafted:
            taken_s = max(taken_s, self._min_step_s(num_decoding))
        self._budget_s += LOSS_SHARE * taken_s - (taken_s - step_s) + step_s * num_accepted / num_decoding
        self._lookup_budget_s = min(self._lookup_budget_s + _LOOKUP_SHARE * taken_s, step_s)
        if guessing_s <= self._lookup_budget_s:
            self._lookup_budget_s -= guessing_s
        else:
            self._budget_s -= guessing_s
        self._budget_s = min(max(self._budget_s, -step_s), self._max_budget_steps * step_s)

    def learn(self, kind: str, num_drafted: int, num_accepted: int) -> None:
        """Take note of how many tokens of a guess were right; those behind the first wrong one were not looked at."""
        acceptance = self._decayed(kind)
        for is_right in [1] * num_accepted + [0] * (num_accepted < num_drafted):
            acceptance.right = acceptance.right * _KEPT_PER_TOKEN + is_right
            acceptance.checked = acceptance.checked * _KEPT_PER_TOKEN + 1
        self._acceptances[kind] = acceptance

    def _odds(self, kind: str) -> float:
        acceptance = self._decayed(kind)
        return min(max(acceptance.right / acceptance.checked, _MIN_ODDS), _MAX_ODDS)

    def _decayed(self, kind: str) -> _Acceptance:
        """What there was, on its way back to what there is at first."""
        first = _Acceptance()
        acceptance = self._acceptances.get(kind, first)
        kept = _KEPT_PER_STEP ** (self._step_times.num_steps - acceptance.at_step)
        right = first.right + kept * (acceptance.right - first.right)
        checked = first.checked + kept * (acceptance.checked - first.checked)
        return _Acceptance(right, checked, self._step_times.num_steps)

    def _ranked(self, guesses: Sequence[Guess | None]) -> list[tuple[float, int]]:
        """Odds of guessed tokens to be right with all before them, each with the index of its guess; the best first."""
        ranked = []
        for index, guess in enumerate(guesses):
            odds = self._odds(guess.kind) if guess else 0.0
            together = odds
            for _ in guess.tokens if guess else ():
                if together < _MIN_ODDS:
                    break
                ranked.append((together, index))
                together *= odds
        return ranked if len(guesses) == 1 else sorted(ranked, reverse=True)

    def _min_step_s(self, num_decoding: int) -> float:
        """What a step with guesses takes at least: what was measured while the machine was slower must not make them
        seem to shorten it."""
        return self._step_times.seconds(num_decoding) + self._step_times.min_token_s

    def _best_count(self, num_decoding: int, odds: Sequence[float], costs_s: Sequence[float]) -> int:
        """How many of the likeliest tokens to check: as many as give most tokens a second, if they can be afforded."""
        step_s = self._step_times.seconds(num_decoding)
        max_s = step_s + self._budget_s if num_decoding == 1 else min(step_s + self._budget_s, MAX_SLOWED * step_s)
        expected, guessing_s = float(num_decoding), 0.0
        best, best_rate = 0, 0.0
        seconds_of, min_s = self._step_times.seconds, self._min_step_s(num_decoding)
        for count, (odd, cost_s) in enumerate(zip(odds, costs_s, strict=True), 1):
            expected += odd
            guessing_s += cost_s
            seconds = max(seconds_of(num_decoding + count), min_s) + guessing_s
            if seconds <= max_s and expected / seconds > best_rate:
                best, best_rate = count, expected / seconds
        pays = best_rate > _MIN_GAIN * num_decoding / step_s
        return best if pays or self._budget_s >= self._max_budget_steps * step_s else 0
