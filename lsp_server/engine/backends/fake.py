"""A fake model for tests: deterministic and instant. A script makes it slow, or makes it fail or die.

Its tokens are bytes. The next token is a hash of all tokens before it in the sequence, so any mistake in the cache's
accounting changes the text. A position that does not continue its sequence is an error.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from lsp_server.base.errors import EngineError, ModelFileError, PromptError
from lsp_server.engine.backends.base import BatchToken, DecodeStatus
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo, Parameters
from lsp_server.ipc.requests import Sampling

_END = 256
_MARKERS = {"begin": 257, "prefix": 258, "suffix": 259, "middle": 260}
# The markers of DeepSeek, so that the server knows the format.
_MARKER_TEXTS = {
    "begin": "<｜begin▁of▁sentence｜>",
    "prefix": "<｜fim▁begin｜>",
    "suffix": "<｜fim▁hole｜>",
    "middle": "<｜fim▁end｜>",
}
_CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}\n"
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz     \n"


class FakeScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The script of the fake model, as given in `model_path`: `fake:decode_ms=20,die_after=3`.

    `decode_ms` and `load_ms` are the times of a decode and of loading. From decode number `fail_after`, `die_after` or
    `full_after` on, it raises an error, exits the process, or reports a full cache. `fail_load` refuses to load.
    `tokens_per_s` is the prefill speed that it reports. `says` is a file whose text it always writes, also in a chat.
    """

    decode_ms: float = 0.0
    load_ms: float = 0.0
    fail_after: int = 0
    die_after: int = 0
    full_after: int = 0
    fail_load: int = 0
    tokens_per_s: float = 0.0
    says: str = ""

    @staticmethod
    def parse(model_path: str) -> FakeScript:
        """Parse a script. Raises on unknown words."""
        words = [word for word in model_path.removeprefix("fake").removeprefix(":").split(",") if word]
        return msgspec.convert(dict(word.split("=", 1) for word in words), FakeScript, strict=False)


class FakeBackend:
    """A `Backend` without a model."""

    def __init__(
        self,
        options: EngineOptions,
        progress: Callable[[float], None] = lambda _: None,
        batch_tokens: int = 512,
    ) -> None:
        self.script = FakeScript.parse(options.model_path)
        for step in range(5):
            time.sleep(self.script.load_ms / 5000)
            progress((step + 1) / 5)
        if self.script.fail_load:
            raise ModelFileError("The fake model was told not to load. Take fail_load out of its script.")
        self._says = Path(self.script.says).read_bytes() if self.script.says else b""
        self.num_sequences = options.num_sequences
        self.can_interrupt = self.is_slowed_by_idle_cells = True
        self.batch_tokens = options.batch_tokens or batch_tokens
        self.min_chunk_tokens = 64
        context_tokens = options.context_tokens or 4096
        self.info = ModelInfo(
            name="fake",
            path=options.model_path,
            description="a model that is not one",
            markers=_MARKER_TEXTS,
            num_parameters=0,
            trained_context_tokens=context_tokens,
            weights_bytes=0,
            cache_bytes=options.cache_tokens or context_tokens * 2,  # one byte per token
            isolates_line_breaks=True,
            supports_rollback=True,
            prefill_tokens_per_s=self.script.tokens_per_s,
            backend="fake",
            chat_template=_CHAT_TEMPLATE if self._says else "",
            parameters=Parameters(
                context_tokens=context_tokens,
                cache_tokens=options.cache_tokens or context_tokens * 2,
                cache_type="f16",
                num_sequences=self.num_sequences,
                threads=1,
                batch_tokens=self.batch_tokens,
                physical_batch_tokens=self.batch_tokens,
                gpu_layers=0,
                flash_attention=False,
                host_cache_bytes=max(0, options.host_cache_bytes),
                drafts=options.drafts,
            ),
        )
        self.sequences: list[list[int]] = [[] for _ in range(self.num_sequences)]
        self._cells: list[list[int]] = [[] for _ in range(self.num_sequences)]
        self._num_evaluated = 0
        self.num_decodes = 0
        self.num_samplers = 0
        self._rows: list[int] = []
        self._interrupted = False

    def tokenize(self, text: str) -> list[int]:
        """One token per byte."""
        return list(text.encode("utf-8", errors="replace"))

    def tokenize_control(self, text: str) -> list[int]:
        """One token per byte. There are no control tokens except markers and the end."""
        return self.tokenize(text)

    def marker(self, role: str) -> int:
        """The token of a marker."""
        try:
            return _MARKERS[role]
        except KeyError:
            raise PromptError(f"The fake model has no marker {role!r}.") from None

    def piece(self, token: int) -> bytes:
        """The byte itself."""
        return bytes([token]) if token < _END else b""

    def begins_token(self, text: bytes) -> bool:
        """Tokens are single bytes."""
        return len(text) == 1

    def is_end(self, token: int) -> bool:
        """There is one end token."""
        return token == _END

    def decode(self, batch: Sequence[BatchToken]) -> DecodeStatus:
        """Append to the sequences. If interrupted, half of the batch stays in the cache, as with llama.cpp."""
        assert len(batch) <= self.batch_tokens, "more tokens than the batch has room for"
        self.num_decodes += 1
        self._follow_script()
        if self.script.full_after and self.num_decodes >= self.script.full_after:
            return DecodeStatus.CACHE_FULL
        if len(set().union(*self._cells)) + len(batch) > self.info.cache_tokens:
            return DecodeStatus.CACHE_FULL
        interrupted = self._wait()
        self._rows = []
        for entry in batch[: len(batch) // 2] if interrupted else batch:
            sequence = self.sequences[entry.sequence]
            assert entry.position == len(sequence), "a position that does not continue its sequence"
            sequence.append(entry.token)
            self._num_evaluated += 1
            self._cells[entry.sequence].append(self._num_evaluated)
            self._rows.append(self._next_token(sequence) if entry.wants_logits else _END)
        return DecodeStatus.INTERRUPTED if interrupted else DecodeStatus.OK

    def new_sampler(self, sampling: Sampling) -> int:
        """The seed stands for the sampler."""
        self.num_samplers += 1
        return sampling.seed

    def sample(self, sampler: int, row: int, healing_bytes: bytes = b"", *, visible: bool = False) -> int:  # noqa: ARG002
        """The hash's token, or the next byte of `healing_bytes`."""
        token = healing_bytes[0] if healing_bytes else self._rows[row]
        return ord("_") if visible and not healing_bytes and self.piece(token).isspace() else token

    def logprob(self, row: int, token: int, healing_bytes: bytes = b"", *, visible: bool = False) -> float:  # noqa: ARG002
        """A number that depends on both arguments, high enough that no default confidence ends the text."""
        return -((self._rows[row] + token) % 8) / 1000

    def free_sampler(self, sampler: int) -> None:  # noqa: ARG002
        """Count it."""
        self.num_samplers -= 1

    def truncate(self, sequence: int, num_tokens: int) -> bool:
        """Drop the tail."""
        del self.sequences[sequence][num_tokens:]
        del self._cells[sequence][num_tokens:]
        return True

    def fork(self, source: int, target: int, num_tokens: int) -> None:
        """Copy. The cells are shared, as in llama.cpp."""
        assert not self.sequences[target], "a fork goes into an empty sequence"
        self.sequences[target] = self.sequences[source][:num_tokens]
        self._cells[target] = self._cells[source][:num_tokens]

    def save(self, sequence: int) -> tuple[int, ...]:
        """Its tokens, one byte each."""
        return tuple(self.sequences[sequence])

    def restore(self, sequence: int, state: tuple[int, ...]) -> bool:
        """The restored tokens get cells of their own."""
        assert not self.sequences[sequence], "a saved state goes into an empty sequence"
        if len(set().union(*self._cells)) + len(state) > self.info.cache_tokens:
            return False
        self.sequences[sequence] = list(state)
        self._cells[sequence] = [self._num_evaluated + 1 + number for number in range(len(state))]
        self._num_evaluated += len(state)
        return True

    def interrupt(self, flag: bool) -> None:
        """Ends a decode that waits, and the next one."""
        self._interrupted = flag

    def close(self) -> None:
        """Nothing to free."""

    def _next_token(self, sequence: list[int]) -> int:
        return _next_scripted(sequence, self._says) if self._says else next_token(sequence)

    def _follow_script(self) -> None:
        if self.script.die_after and self.num_decodes >= self.script.die_after:
            os._exit(9)
        if self.script.fail_after and self.num_decodes >= self.script.fail_after:
            raise EngineError("The fake model was told to fail.")

    def _wait(self) -> bool:
        """Wait for the time of a decode. True if it was interrupted."""
        until = time.monotonic() + self.script.decode_ms / 1000
        while not self._interrupted and time.monotonic() < until:
            time.sleep(0.001)
        return self._interrupted


def _next_scripted(sequence: Sequence[int], text: bytes) -> int:
    """The byte of a text behind the longest beginning that the sequence ends with; then the end token."""
    tail = bytes(token if token < _END else 0 for token in sequence[-len(text) :])
    written = next(size for size in range(len(tail), -1, -1) if tail.endswith(text[:size]))
    return text[written] if written < len(text) else _END


def next_token(tokens: list[int]) -> int:
    """The token that the fake model samples after these."""
    digest = zlib.crc32(b"".join(token.to_bytes(2, "little") for token in tokens))
    return _END if digest % 24 == 0 else _ALPHABET[digest % len(_ALPHABET)]
