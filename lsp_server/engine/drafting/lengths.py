"""How many guessed tokens are worth a try: from what batches have cost and how often guesses were right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes

# What guesses may lose: this share of the time spent on writing, saved up to as many steps without any. What they gain
# is theirs to lose again. Where the account is full they are tried although they seem not to pay: that may change.
LOSS_SHARE, MAX_SAVED_STEPS = 0.01, 8
# Looking for guesses has a share of its own. It has the account's only while that holds a step, or looking would leave
# nothing for trying.
_LOOKING_SHARE = 0.005
# That a guessed token is right, if those before it were. What is less likely to be right than the least is not tried.
_FIRST_ODDS, _MIN_ODDS, _MAX_ODDS = 0.6, 0.02, 0.98
_FIRST_WEIGHT = 3.0  # so many tokens checked weigh as much as the first odds
# How much of what was seen still counts after each further token that is checked, and after each step. Without the
# latter, guesses that were wrong by chance would be the last of their kind: what is not tried is not seen to be right.
_KEPT_A_TOKEN, _KEPT_A_STEP = 0.95, 0.99
_MIN_GAIN = 1.03  # less may be a mistake of measuring


@dataclass(slots=True)
class _Seen:
    """How many tokens of a kind of guess were checked and were right, as far as they still count at a step."""

    right: float = _FIRST_WEIGHT * _FIRST_ODDS
    checked: float = _FIRST_WEIGHT
    at_step: int = 0


class DraftLengths:
    """Learns how often each kind of guess is right, and chooses by what batches cost.

    What guesses may lose is saved up to `max_saved_steps`.
    """

    def __init__(self, step_times: StepTimes, max_saved_steps: int = MAX_SAVED_STEPS) -> None:
        self._step_times = step_times
        self._most_saved_steps = max_saved_steps
        self._seen: dict[str, _Seen] = {}
        self._saved_s = float("inf")  # full, whatever that will be
        self._looking_s = 0.0  # saved for looking

    def choose(self, guesses: Sequence[Guess | None], room: int) -> list[int]:
        """How many tokens of each guess to check, one for each text that is written, and `room` in all at most."""
        num_writing, lengths = len(guesses), [0] * len(guesses)
        if not self._step_times.is_known(num_writing):
            return lengths
        ranked = self._ranked(guesses)[:room]
        costs_s = [guess.token_s if (guess := guesses[index]) else 0.0 for _, index in ranked]
        for _, index in ranked[: self._best_count(num_writing, [odds for odds, _ in ranked], costs_s)]:
            lengths[index] += 1
        return lengths

    def can_afford(self, seconds: float) -> bool:
        """Whether so much may be spent on guesses now."""
        return seconds <= self._saved_s

    def can_afford_lookup(self, seconds: float) -> bool:
        """Whether so much may be spent on looking for guesses now."""
        if not self._step_times.num_steps or seconds <= self._looking_s:
            return True
        return seconds + self._step_times.seconds(1) <= self._saved_s

    def saved_by(self, guess: Guess, length: int, num_tokens: int) -> float:
        """Seconds that such guesses, so many tokens of each, save while one text gets `num_tokens` longer."""
        odds = self._odds(guess.kind)
        expected = sum(odds**count for count in range(length + 1))
        return num_tokens * (
            self._step_times.seconds(1) - (self._step_times.seconds(1 + length) + length * guess.token_s) / expected
        )

    def charge(self, num_writing: int, num_guessed: int, num_right: int, guessing_s: float = 0.0) -> None:
        """Balance a step that was measured: what its guesses cost, as such steps do, and what they saved.

        `guessing_s` was spent on looking for them and on making them.
        """
        step_s = self._step_times.seconds(num_writing)
        taken_s = self._step_times.last_step_s(num_writing + num_guessed)
        if num_guessed:
            taken_s = max(taken_s, self._least_s(num_writing))
        self._saved_s += LOSS_SHARE * taken_s - (taken_s - step_s) + step_s * num_right / num_writing
        self._looking_s = min(self._looking_s + _LOOKING_SHARE * taken_s, step_s)
        if guessing_s <= self._looking_s:
            self._looking_s -= guessing_s
        else:
            self._saved_s -= guessing_s
        self._saved_s = min(max(self._saved_s, -step_s), self._most_saved_steps * step_s)

    def learn(self, kind: str, num_guessed: int, num_right: int) -> None:
        """Take note of how many tokens of a guess were right; those behind the first wrong one were not looked at."""
        seen = self._still_seen(kind)
        for is_right in [1] * num_right + [0] * (num_right < num_guessed):
            seen.right = seen.right * _KEPT_A_TOKEN + is_right
            seen.checked = seen.checked * _KEPT_A_TOKEN + 1
        self._seen[kind] = seen

    def _odds(self, kind: str) -> float:
        seen = self._still_seen(kind)
        return min(max(seen.right / seen.checked, _MIN_ODDS), _MAX_ODDS)

    def _still_seen(self, kind: str) -> _Seen:
        """What there was, on its way back to what there is at first."""
        first = _Seen()
        seen = self._seen.get(kind, first)
        kept = _KEPT_A_STEP ** (self._step_times.num_steps - seen.at_step)
        right = first.right + kept * (seen.right - first.right)
        checked = first.checked + kept * (seen.checked - first.checked)
        return _Seen(right, checked, self._step_times.num_steps)

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

    def _least_s(self, num_writing: int) -> float:
        """What a step with guesses takes at least: what was measured while the machine was slower must not make them
        seem to shorten it."""
        return self._step_times.seconds(num_writing) + self._step_times.least_token_s

    def _best_count(self, num_writing: int, odds: Sequence[float], costs_s: Sequence[float]) -> int:
        """How many of the likeliest tokens to check: as many as give most tokens a second, if they can be afforded."""
        step_s = self._step_times.seconds(num_writing)
        most_s = step_s + self._saved_s if num_writing == 1 else min(step_s + self._saved_s, MAX_SLOWED * step_s)
        expected, guessing_s = float(num_writing), 0.0
        best, best_rate = 0, 0.0
        seconds_of, least_s = self._step_times.seconds, self._least_s(num_writing)
        for count, (odd, cost_s) in enumerate(zip(odds, costs_s, strict=True), 1):
            expected += odd
            guessing_s += cost_s
            seconds = max(seconds_of(num_writing + count), least_s) + guessing_s
            if seconds <= most_s and expected / seconds > best_rate:
                best, best_rate = count, expected / seconds
        pays = best_rate > _MIN_GAIN * num_writing / step_s
        return best if pays or self._saved_s >= self._most_saved_steps * step_s else 0
