"""The state of one request inside the scheduler."""

from __future__ import annotations

import codecs
import math
from dataclasses import dataclass, field

from lsp_server.engine.backends.base import BatchToken, Sampler
from lsp_server.engine.kvcache.slots import Slot
from lsp_server.engine.scheduler.tokenize import TokenizedRequest
from lsp_server.ipc.requests import Chunk, Generate, Priority, Timings

# Nobody types on while a text longer than this is written.
MAX_TYPING_TOKENS = 512


def urgency_of(request: Generate) -> Priority:
    """How urgent a request is: its priority, but a long text is as urgent as a chat at most."""
    return request.priority if request.max_tokens <= MAX_TYPING_TOKENS else max(request.priority, Priority.CHAT)


@dataclass(slots=True)
class SequenceState:
    """A request and its progress. It waits in the queue while it has no slot.

    `tokens` are the prompt, `num_prompt_tokens` long, and the sampled tokens. The scheduler still has to evaluate those
    that the slot lacks. There are none before the first slot. A preempted request loses its slot and nothing else.
    `healing_bytes` belong to tokens that healing took back: the next tokens must spell them. `joint_logprob` covers the
    tokens since the last line break.

    A **detached prefill** is a request that was cancelled or superseded and has had its answer. It only continues to
    bring its anchor into the cache, because the next keystroke will need that anchor.
    """

    id: str
    request: Generate
    tokenized: TokenizedRequest
    queue_number: int
    arrived_at: float
    tokens: list[int] = field(default_factory=list)
    num_prompt_tokens: int = 0
    slot: Slot | None = None
    sampler: Sampler | None = None
    healing_bytes: bytes = b""
    has_text: bool = False  # some text was sampled
    joint_logprob: float = 0.0
    chunk_logprob: float = 0.0
    is_detached: bool = False
    cancel_pending: bool = False  # a message that ends it waits to be read
    is_announced: bool = False  # `Prefilled` was emitted
    timings: Timings = field(default_factory=Timings)
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )

    @property
    def num_missing(self) -> int:
        """Tokens that are not in the cache yet."""
        assert self.slot is not None
        return len(self.tokens) - len(self.slot.tokens)

    @property
    def is_decoding(self) -> bool:
        """Whether the prompt is in the cache, so that the model writes."""
        return self.slot is not None and len(self.slot.tokens) >= self.num_prompt_tokens

    @property
    def in_anchor(self) -> bool:
        """Whether a part of the anchor is still to be evaluated."""
        return self.slot is not None and len(self.slot.tokens) < len(self.tokenized.anchor)

    @property
    def urgency(self) -> Priority:
        """How urgent it is. Less urgent requests give way."""
        return urgency_of(self.request)

    @property
    def is_preempted(self) -> bool:
        """Whether it lost its slot and waits for another."""
        return self.slot is None and bool(self.tokens)

    @property
    def is_background(self) -> bool:
        """Whether no user waits for it."""
        return self.is_detached or self.request.priority is Priority.WARM_UP

    @property
    def order(self) -> tuple[bool, int, int]:
        """The sort key: smaller goes first."""
        return self.is_detached, self.urgency, self.queue_number

    def is_late(self, now: float) -> bool:
        """Whether its deadline has passed."""
        deadline_ms = self.request.deadline_ms
        return deadline_ms is not None and (now - self.arrived_at) * 1000 >= deadline_ms

    @property
    def reservation(self) -> int:
        """The number of cells that it may need."""
        return len(self.tokenized.anchor) + len(self.tokenized.typed) + self.tokenized.max_tokens

    def next_tokens(self, count: int) -> list[BatchToken]:
        """The next tokens to evaluate. The last token of all gets logits, unless no text is wanted."""
        assert self.slot is not None
        start, sequence = len(self.slot.tokens), self.slot.sequence
        last = len(self.tokens) - 1 if self.tokenized.max_tokens and not self.is_detached else -1
        return [
            BatchToken(self.tokens[position], position, sequence, wants_logits=position == last)
            for position in range(start, start + count)
        ]

    @property
    def wants_logprobs(self) -> bool:
        """Whether the probabilities of sampled tokens are needed."""
        return self.request.logprobs or self.request.sampling.confidence > 0

    def is_low_confidence(self, logprob: float, piece: bytes) -> bool:
        """Whether one more token of that probability brings the line below the wanted confidence. Updates the sums."""
        confidence = self.request.sampling.confidence
        self.chunk_logprob += logprob
        self.joint_logprob += logprob
        unsure = confidence > 0 and self.joint_logprob < math.log(confidence)
        if b"\n" in piece:
            self.joint_logprob = 0.0
        return unsure

    def take_chunk(self, piece: bytes) -> Chunk | None:
        """The text that the bytes of a token complete. None if a character is still incomplete."""
        text = self.decoder.decode(self._take_new_bytes(piece))
        if not text:
            return None
        logprob = self.chunk_logprob if self.request.logprobs else None
        self.chunk_logprob = 0.0
        return Chunk(text, logprob, self.timings.drafted_tokens, self.timings.accepted_tokens)

    def _take_new_bytes(self, piece: bytes) -> bytes:
        """The new bytes of a token. While a token is healed, the first bytes are those that were typed."""
        taken = min(len(self.healing_bytes), len(piece))
        self.healing_bytes = self.healing_bytes[taken:]
        self.has_text |= taken < len(piece)
        return piece[taken:]
