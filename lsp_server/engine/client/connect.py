"""Connects to an engine: a remote one if the options name it, else one on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator

from lsp_server.engine.client.spawn import Connection, spawn_private
from lsp_server.ipc.launch import EngineOptions


@contextlib.asynccontextmanager
async def connect_private(options: EngineOptions) -> AsyncIterator[Connection]:
    """A private engine, or a remote one."""
    async with _connect_remote(options) if options.remote else spawn_private(options) as connection:
        yield connection


@contextlib.asynccontextmanager
async def connect_shared(options: EngineOptions) -> AsyncIterator[Connection]:
    """The shared engine, or a remote one."""
    from lsp_server.engine.client.shared import join_shared

    async with _connect_remote(options) if options.remote else join_shared(options) as connection:
        yield connection


@contextlib.asynccontextmanager
async def _connect_remote(options: EngineOptions) -> AsyncIterator[Connection]:
    """A remote engine. It counts as ended when a request could not reach it."""
    http_remote = await asyncio.to_thread(importlib.import_module, "lsp_server.engine.client.remote.client")
    async with http_remote.RemoteClient(options) as client:

        async def ended() -> str:
            await client.lost.wait()
            return f"It is at {options.model_path}."

        yield Connection(client, ended)
