"""Which engine to open: one elsewhere, where the options name it, else one on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator

from lsp_server.engine.client.spawn import Opened, open_private
from lsp_server.ipc.launch import EngineOptions


@contextlib.asynccontextmanager
async def open_alone(options: EngineOptions) -> AsyncIterator[Opened]:
    """An engine of one's own, or one elsewhere."""
    async with _open_remote(options) if options.remote else open_private(options) as opened:
        yield opened


@contextlib.asynccontextmanager
async def open_for_all(options: EngineOptions) -> AsyncIterator[Opened]:
    """The engine that all servers share, or one elsewhere."""
    from lsp_server.engine.client.shared import open_shared

    async with _open_remote(options) if options.remote else open_shared(options) as opened:
        yield opened


@contextlib.asynccontextmanager
async def _open_remote(options: EngineOptions) -> AsyncIterator[Opened]:
    """A server elsewhere. It has ended when a request could not reach it."""
    http_remote = await asyncio.to_thread(importlib.import_module, "lsp_server.engine.client.remote.client")
    async with http_remote.RemoteClient(options) as client:

        async def ended() -> str:
            await client.lost.wait()
            return f"It is at {options.model_path}."

        yield Opened(client, ended)
