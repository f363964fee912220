"""Guesses of a small model: it reads what the large one reads, and writes on where nothing else is guessed.

It reads only once the first text is out, a slice beside each step of the large model, and only where what is left to
write is likely to win that back. What its guesses may lose is on an account of its own (`draft_lengths`).
"""

from __future__ import annotations

import logging
import math
import statistics
from collections import deque
from collections.abc import Callable, Sequence

from lsp_server.base.common_prefix import common_prefix
from lsp_server.base.errors import EngineError
from lsp_server.engine.backends.base import Backend, BatchToken, DecodeStatus
from lsp_server.engine.drafting.lengths import DraftLengths
from lsp_server.engine.drafting.lookup import MAX_DRAFTED
from lsp_server.engine.scheduler.batches import Guess, Part
from lsp_server.engine.scheduler.prefill_chunks import ChunkSizer
from lsp_server.engine.scheduler.step_times import StepTimes
from lsp_server.ipc.requests import Sampling

logger = logging.getLogger(__name__)

KIND = "draft model"
# Reading a prompt is paid from the account, so it holds more than that of guesses that cost nothing to make.
MAX_BUDGET_STEPS = 64
MIN_PROBABILITY = 0.5  # to the draft model; it stops before what is less probable
_NUM_MEASURED = 15  # tokens it wrote: the median of their times
_WEIGHT = 0.1  # of the length of the last text


class DraftModel:
    """Guesses with `model` for the one text that is written, if it is one.

    `step_times` are those of the large model's batches. Before each evaluation `has_pending_messages` is asked: it
    stops if there are any. A model that fails is not asked again.
    """

    def __init__(
        self,
        model: Backend,
        step_times: StepTimes,
        clock: Callable[[], float],
        has_pending_messages: Callable[[], bool],
    ) -> None:
        self._model = model
        self._clock = clock
        self._has_pending_messages = has_pending_messages
        self._sampler = model.new_sampler(Sampling())
        self._lengths = DraftLengths(step_times, MAX_BUDGET_STEPS)
        self._chunk_sizer = ChunkSizer.for_backend(model)
        self._cached: list[int] = []  # the tokens in its cache
        self._token_s: deque[float] = deque(maxlen=_NUM_MEASURED)
        self._mean_text_tokens: float | None = None  # that texts have, on average
        self._spent_s = 0.0  # since the last step was settled
        self._is_on = True

    def add_to(self, part: Part, max_tokens: int) -> None:
        """Add a guess of `max_tokens` tokens at most, or read on in the prompt; nothing where neither seems to pay."""
        tokens = part.seq.tokens
        max_tokens = min(max_tokens, MAX_DRAFTED, self._model.info.context_tokens - len(tokens))
        if not self._is_on or max_tokens <= 0:
            return
        # What its tokens cost is known once it has written one.
        token_s = statistics.median(self._token_s) if self._token_s else 0.0
        guess = Guess(range(max_tokens if self._token_s else 1), KIND, token_s)
        if not (length := self._lengths.choose([guess], max_tokens)[0]):
            return
        began = self._clock()
        # At least one is read again: its logits are wanted.
        self._keep(min(common_prefix(self._cached, tokens), len(tokens) - 1))
        num_missing = len(tokens) - len(self._cached)
        if num_missing <= self._chunk_sizer.min_tokens:
            part.guess = Guess(self._draft(tokens, length), KIND, token_s)
            part.drafted = list(part.guess.tokens)
        elif self._chunk_sizer.seconds(num_missing) <= self._lengths.saved_by(guess, length, self._num_left(part)):
            self._prefill(tokens, self._chunk_sizer.cut(num_missing, self._chunk_sizer.chunk_tokens(shared=True)))
        self._spent_s += self._clock() - began

    def evaluated(self, parts: Sequence[Part]) -> None:
        """Learn which guesses of a step that only wrote were right."""
        own = [part for part in parts if part.guess is not None and part.guess.kind == KIND]
        num_drafted, num_accepted = sum(len(part.drafted) for part in own), sum(part.num_accepted for part in own)
        self._lengths.charge(len(parts), num_drafted, num_accepted, self._spent_s)
        self._lengths.learn(KIND, num_drafted, num_accepted)
        self._spent_s = 0.0

    def ended(self, num_tokens: int) -> None:
        """A text of so many tokens was written."""
        known = num_tokens if self._mean_text_tokens is None else self._mean_text_tokens
        self._mean_text_tokens = known + _WEIGHT * (num_tokens - known)

    def _num_left(self, part: Part) -> int:
        """How many tokens are likely to be written yet: a text does not tell how near its end is."""
        max_tokens = part.seq.tokenized.max_tokens - part.seq.timings.decoded_tokens
        return max_tokens if self._mean_text_tokens is None else min(max_tokens, math.ceil(self._mean_text_tokens))

    def _prefill(self, tokens: Sequence[int], num_tokens: int) -> None:
        if not self._lengths.can_afford(self._chunk_sizer.seconds(num_tokens)):
            return
        began = self._clock()
        if self._evaluate(tokens[len(self._cached) :][:num_tokens]):
            self._model.sample(self._sampler, num_tokens - 1)  # a GPU is not done before this is
            self._chunk_sizer.measure(num_tokens, self._clock() - began)

    def _draft(self, tokens: Sequence[int], length: int) -> list[int]:
        written: list[int] = []
        new = tokens[len(self._cached) :]
        while len(written) < length and not self._has_pending_messages():
            began = self._clock()
            if not self._evaluate(new):
                break
            row = len(new) - 1
            token = self._model.sample(self._sampler, row)
            is_text = not self._model.is_end(token) and bool(self._model.piece(token))
            is_likely = is_text and self._model.logprob(row, token) >= math.log(MIN_PROBABILITY)
            if len(new) == 1 or not self._token_s:
                self._token_s.append(self._clock() - began)
            if not is_likely:
                break
            written.append(token)
            new = [token]
        return written

    def _evaluate(self, new: Sequence[int]) -> bool:
        """Evaluate tokens behind those it holds, with the last one's logits; whether that was done."""
        start, last = len(self._cached), len(new) - 1
        batch = [BatchToken(token, start + i, 0, wants_logits=i == last) for i, token in enumerate(new)]
        try:
            status = self._model.decode(batch)
        except EngineError as error:
            logger.warning("The draft model is not asked any more. %s", error)
            self._is_on = False
            return False
        if status is DecodeStatus.OK:
            self._cached += new
            return True
        self._keep(start)
        return False

    def _keep(self, num_tokens: int) -> None:
        self._model.truncate(0, num_tokens)
        del self._cached[num_tokens:]
