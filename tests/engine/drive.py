"""Driving a backend by hand: prompts, evaluation, writing token by token."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.engine.backends.base import Backend, BatchToken, DecodeStatus
from lsp_server.ipc.requests import Sampling

GREEDY = Sampling()


def prompt_of(backend: Backend, prefix: str, suffix: str = "\n") -> list[int]:
    """The tokens of a prompt that ends with the middle marker."""
    return [
        backend.marker("begin"),
        *(backend.marker("prefix"), *backend.tokenize(prefix)),
        *(backend.marker("suffix"), *backend.tokenize(suffix)),
        backend.marker("middle"),
    ]


def entries(tokens: Sequence[int], start: int, sequence: int) -> list[BatchToken]:
    """A batch of them, with the logits of the last."""
    last = len(tokens) - 1
    return [BatchToken(token, start + i, sequence, i == last) for i, token in enumerate(tokens)]


def evaluate(backend: Backend, tokens: Sequence[int], start: int = 0, sequence: int = 0) -> DecodeStatus:
    """Evaluate tokens in one batch."""
    return backend.decode(entries(tokens, start, sequence))


def sample(backend: Backend, row: int, sampling: Sampling = GREEDY, healing_bytes: bytes = b"", **options: bool) -> int:
    """One token from a row of the last batch."""
    sampler = backend.new_sampler(sampling)
    token = backend.sample(sampler, row, healing_bytes, **options)
    backend.free_sampler(sampler)
    return token


def write(
    backend: Backend,
    tokens: Sequence[int],
    start: int = 0,
    sequence: int = 0,
    count: int = 12,
    sampling: Sampling = GREEDY,
) -> list[int]:
    """Evaluate `tokens` behind the `start` that are in the cache, and the next `count` after them, one by one."""
    written: list[int] = []
    new = list(tokens)
    while len(written) < count:
        assert evaluate(backend, new, start, sequence) is DecodeStatus.OK
        start += len(new)
        new = [sample(backend, len(new) - 1, sampling)]
        written += new
    return written
