"""Chooses the length of drafts, from measured step times and acceptance rates. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsp_server.engine.scheduler.batches import Guess
from lsp_server.engine.scheduler.step_times import MAX_SLOWED, StepTimes

# Failing drafts may lose this share of the decode time. The budget holds at most as many steps without drafts. What
# drafts win goes back into it. While the budget is full, drafts are tried even if they seem not to pay, because that
# may change.
LOSS_SHARE, MAX_BUDGET_STEPS = 0.01, 8
# Look-up has a budget of its own. It may use the main one only while that holds a whole step. Otherwise look-up would
# leave nothing to try drafts with.
_LOOKUP_SHARE = 0.005
# The probability that a drafted token is right, given that those before it were. Tokens below the minimum are not
# tried.
_INITIAL_RATE, _MIN_PROBABILITY, _MAX_RATE = 0.6, 0.02, 0.98
_INITIAL_WEIGHT = 3.0  # the first probability weighs as much as this many checked tokens
# The share of old counts that is kept for each further checked token, and for each step. The second one matters: a kind
# of guess that failed by chance would otherwise never be tried again.
_KEPT_PER_TOKEN, _KEPT_PER_STEP = 0.95, 0.99
_MIN_GAIN = 1.03  # a smaller gain may be an error of measurement


@dataclass(slots=True)
class _Acceptance:
    """Decayed counts of checked and accepted tokens of one kind of guess, as of one step."""

    right: float = _INITIAL_WEIGHT * _INITIAL_RATE
    checked: float = _INITIAL_WEIGHT
    at_step: int = 0


class DraftLengths:
    """Learns the acceptance rate of each kind of guess and chooses draft lengths by step times."""

    def __init__(self, step_times: StepTimes) -> None:
        self._step_times = step_times
        self._acceptances: dict[str, _Acceptance] = {}
        self._budget_s = float("inf")  # full, however large that will be
        self._lookup_budget_s = 0.0  # saved for look-up

    def choose(self, guesses: Sequence[Guess | None], room: int) -> list[int]:
        """The draft length of each guess, one for each decoding request. They sum up to `room` at most."""
        num_decoding, lengths = len(guesses), [0] * len(guesses)
        if not self._step_times.is_known(num_decoding):
            return lengths
        ranked = self._ranked(guesses)[:room]
        for _, index in ranked[: self._best_count(num_decoding, [probability for probability, _ in ranked])]:
            lengths[index] += 1
        return lengths

    def can_afford_lookup(self, seconds: float) -> bool:
        """Whether look-up may cost this many seconds now."""
        if not self._step_times.num_steps or seconds <= self._lookup_budget_s:
            return True
        return seconds + self._step_times.seconds(1) <= self._budget_s

    def charge(self, num_decoding: int, num_drafted: int, num_accepted: int, guessing_s: float = 0.0) -> None:
        """Charge the budget for a step: what its drafts cost, and what they saved.

        `guessing_s` is the time spent on look-up.
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
        self._budget_s = min(max(self._budget_s, -step_s), MAX_BUDGET_STEPS * step_s)

    def learn(self, kind: str, num_drafted: int, num_accepted: int) -> None:
        """Record how many tokens of a draft were accepted. Tokens behind the first rejected one count as unchecked."""
        acceptance = self._decayed(kind)
        for is_right in [1] * num_accepted + [0] * (num_accepted < num_drafted):
            acceptance.right = acceptance.right * _KEPT_PER_TOKEN + is_right
            acceptance.checked = acceptance.checked * _KEPT_PER_TOKEN + 1
        self._acceptances[kind] = acceptance

    def _acceptance_rate(self, kind: str) -> float:
        acceptance = self._decayed(kind)
        return min(max(acceptance.right / acceptance.checked, _MIN_PROBABILITY), _MAX_RATE)

    def _decayed(self, kind: str) -> _Acceptance:
        """The counts of a kind of guess, decayed towards their initial values."""
        first = _Acceptance()
        acceptance = self._acceptances.get(kind, first)
        kept = _KEPT_PER_STEP ** (self._step_times.num_steps - acceptance.at_step)
        right = first.right + kept * (acceptance.right - first.right)
        checked = first.checked + kept * (acceptance.checked - first.checked)
        return _Acceptance(right, checked, self._step_times.num_steps)

    def _ranked(self, guesses: Sequence[Guess | None]) -> list[tuple[float, int]]:
        """For each drafted token the probability that it and all before it are right, with the index of its guess.

        The most probable tokens come first.
        """
        ranked = []
        for index, guess in enumerate(guesses):
            rate = self._acceptance_rate(guess.kind) if guess else 0.0
            probability = rate
            for _ in guess.tokens if guess else ():
                if probability < _MIN_PROBABILITY:
                    break
                ranked.append((probability, index))
                probability *= rate
        return ranked if len(guesses) == 1 else sorted(ranked, reverse=True)

    def _min_step_s(self, num_decoding: int) -> float:
        """The minimum time of a step with drafts: that of a step without drafts, plus `StepTimes.min_token_s`.

        `min_token_s` is 1 / (1.5 * prefill tokens per second), two thirds of a prefill token's time. Measurements from
        when the machine was slower would otherwise make drafts seem to shorten a step.
        """
        return self._step_times.seconds(num_decoding) + self._step_times.min_token_s

    def _best_count(self, num_decoding: int, probabilities: Sequence[float]) -> int:
        """How many of the most probable tokens give the most tokens per second within the budget."""
        step_s = self._step_times.seconds(num_decoding)
        max_s = step_s + self._budget_s if num_decoding == 1 else min(step_s + self._budget_s, MAX_SLOWED * step_s)
        expected = float(num_decoding)
        best, best_rate = 0, 0.0
        seconds_of, min_s = self._step_times.seconds, self._min_step_s(num_decoding)
        for count, probability in enumerate(probabilities, 1):
            expected += probability
            seconds = max(seconds_of(num_decoding + count), min_s)
            if seconds <= max_s and expected / seconds > best_rate:
                best, best_rate = count, expected / seconds
        pays = best_rate > _MIN_GAIN * num_decoding / step_s
        return best if pays or self._budget_s >= MAX_BUDGET_STEPS * step_s else 0
