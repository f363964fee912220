"""A peer that tests of `infill bench` share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.bench.stub_peer import StubPeer


@pytest.fixture
def peer_url(peer: StubPeer) -> Iterator[str]:
    """The peer in a thread of its own: `infill bench` runs an event loop itself."""
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
