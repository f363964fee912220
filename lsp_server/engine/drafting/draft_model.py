"""Drafts by a small model, where one request decodes and look-up finds nothing.

The draft model prefills the prompt only after the first text is out, one chunk at each step of the large model. It
does so only if drafts for the rest of the text will probably save more time. It has a loss budget of its own
(`lengths`).
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
# The budget pays for reading prompts, so it is larger than the budget of drafts that cost nothing to make.
MAX_BUDGET_STEPS = 64
MIN_PROBABILITY = 0.5  # by the draft model; it stops before a less probable token
_NUM_MEASURED = 15  # draft tokens; their median time counts
_WEIGHT = 0.1  # the weight of the newest text in the mean length


class DraftModel:
    """Drafts with `model` for a single decoding request.

    `step_times` belong to the large model. Before each evaluation the drafter asks `has_pending_messages`, and stops if
    a message waits. A model that fails is switched off.
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
        self._cached: list[int] = []  # the tokens in the draft model's cache
        self._token_s: deque[float] = deque(maxlen=_NUM_MEASURED)
        self._mean_text_tokens: float | None = None  # mean length of a text, in tokens
        self._spent_s = 0.0  # since the budget was last charged
        self._is_on = True

    def add_to(self, part: Part, max_tokens: int) -> None:
        """Add a draft of at most `max_tokens`, or read on in the prompt. Do nothing where neither seems to pay."""
        tokens = part.seq.tokens
        max_tokens = min(max_tokens, MAX_DRAFTED, self._model.info.context_tokens - len(tokens))
        if not self._is_on or max_tokens <= 0:
            return
        # The cost of a draft token is known once the model has drafted one.
        token_s = statistics.median(self._token_s) if self._token_s else 0.0
        guess = Guess(range(max_tokens if self._token_s else 1), KIND, token_s)
        if not (length := self._lengths.choose([guess], max_tokens)[0]):
            return
        began = self._clock()
        # At least one token is evaluated again, because its logits are needed.
        self._keep(min(common_prefix(self._cached, tokens), len(tokens) - 1))
        num_missing = len(tokens) - len(self._cached)
        if num_missing <= self._chunk_sizer.min_tokens:
            part.guess = Guess(self._draft(tokens, length), KIND, token_s)
            part.drafted = list(part.guess.tokens)
        elif self._chunk_sizer.seconds(num_missing) <= self._lengths.seconds_saved(guess, length, self._num_left(part)):
            self._prefill(tokens, self._chunk_sizer.cut(num_missing, self._chunk_sizer.chunk_tokens(shared=True)))
        self._spent_s += self._clock() - began

    def evaluated(self, parts: Sequence[Part]) -> None:
        """Learn which drafted tokens of a step were accepted."""
        own = [part for part in parts if part.guess is not None and part.guess.kind == KIND]
        num_drafted, num_accepted = sum(len(part.drafted) for part in own), sum(part.num_accepted for part in own)
        self._lengths.charge(len(parts), num_drafted, num_accepted, self._spent_s)
        self._lengths.learn(KIND, num_drafted, num_accepted)
        self._spent_s = 0.0

    def ended(self, num_tokens: int) -> None:
        """Record the length of a text, in tokens."""
        known = num_tokens if self._mean_text_tokens is None else self._mean_text_tokens
        self._mean_text_tokens = known + _WEIGHT * (num_tokens - known)

    def _num_left(self, part: Part) -> int:
        """How many tokens are probably still to come: the mean length of texts. Nothing tells how near an end is."""
        max_tokens = part.seq.tokenized.max_tokens - part.seq.timings.decoded_tokens
        return max_tokens if self._mean_text_tokens is None else min(max_tokens, math.ceil(self._mean_text_tokens))

    def _prefill(self, tokens: Sequence[int], num_tokens: int) -> None:
        if not self._lengths.can_afford(self._chunk_sizer.seconds(num_tokens)):
            return
        began = self._clock()
        if self._evaluate(tokens[len(self._cached) :][:num_tokens]):
            self._model.sample(self._sampler, num_tokens - 1)  # waits for the GPU: its decode returns early
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
        """Evaluate tokens behind the cached ones, with logits for the last. Returns whether that succeeded."""
        start, last = len(self._cached), len(new) - 1
        batch = [BatchToken(token, start + i, 0, wants_logits=i == last) for i, token in enumerate(new)]
        try:
            status = self._model.decode(batch)
        except EngineError as error:
            logger.warning("The draft model is switched off. %s", error)
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
