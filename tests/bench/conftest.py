"""A peer that tests of benchmarks share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.bench.fake_llama_server import FakeLlamaServer


@pytest.fixture
def peer_url(peer: FakeLlamaServer) -> Iterator[str]:
    """The peer in a thread of its own: benchmarks run event loops themselves."""
    address: list[str] = []
    started, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with peer.running() as url:
            address.append(url)
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(20)
    yield address[0]
    ended.set()
    thread.join(20)
