"""Servers for the tests of whole processes. All run on their module's event loop, and all are ended."""

import itertools

import pytest_asyncio

from tests.raw_client import INLINE, RawClient

# Enough for several lines, the same whatever else is open, however unsure of it the embedded model is; one thread,
# because the tests share the machine.
# Whatever the embedded model writes is shown, also where it goes in circles: these tests are about the protocol. A menu
# waits for it as long as a busy machine takes.
QUICK = {
    "completion": {
        "max_tokens": 24,
        "confidence": 0,
        "switched_off_rules": ["repeated phrase"],
        "menu_wait_ms": 0,
    },
    "context": {"max_tokens": 0},
    "engine": {"threads": 1},
}

module_fixture = pytest_asyncio.fixture(scope="module", loop_scope="module")


@module_fixture
async def spares():
    """The next server, which starts while a test still uses the one before."""
    spares = [await RawClient.start()]
    yield spares
    for client in spares:
        await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def start(spares):
    """Start a server that is not yet initialized."""
    clients = []

    async def start(env=None):
        if env is None:
            clients.append(spares.pop())
            spares.append(await RawClient.start())
        else:
            clients.append(await RawClient.start(env=env))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def serve(start):
    """Start a server and initialize it; `options` are the initialization options."""

    async def serve(capabilities=None, options=None, *, answers=None, env=None, **params):
        client = await start(env)
        client.answers = answers or {}
        await client.initialize(capabilities, QUICK if options is None else options, **params)
        return client

    return serve


@module_fixture
async def shared():
    """One server with the embedded model and ghost text, for all tests of a module that want no other."""
    client = await RawClient.start()
    await client.initialize(INLINE, QUICK)
    await client.ready()
    yield client
    await client.close()


@module_fixture
async def shared_fake():
    """One server with the fake model, whose settings tests change; see `fake`."""
    client = await RawClient.start()
    await client.initialize(INLINE, {"model": "fake"})
    await client.ready()
    client.numbers = itertools.count(1)
    yield client
    await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def fake(shared_fake):
    """The shared server with a fresh fake engine that follows a script, and otherwise default settings.

    What it received since then is what it received since `begun`.
    """
    client = shared_fake

    async def fake(script="decode_ms=0", **settings):
        mark = client.mark
        unique = f"fake:{script},load_ms={next(client.numbers) / 1000}"
        settings = {"model": unique, "context": {"max_tokens": 0}, **settings}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        await client.ready(since=mark)
        client.begun = client.mark
        return client

    return fake
