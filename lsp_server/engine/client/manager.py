"""Assigns models to roles: one engine if the same model completes and chats, else two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lsp_server.base.errors import ModelError
from lsp_server.engine.client.connect import connect_private
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.lazy import LazyEngine
from lsp_server.engine.client.supervisor import Connector
from lsp_server.ipc.launch import EngineOptions

Role = Literal["fill", "chat"]


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Which model has which role. Idle times are in seconds; 0 means never unload.

    `chat` is called when a chat begins, and may raise `ModelError`. So a missing chat model does not matter before, and
    may be pulled meanwhile. If it returns the options of `fill`, one engine has both roles. `connector` connects to the
    engines.
    """

    fill: EngineOptions
    chat: Callable[[], EngineOptions]
    fill_idle_s: float = 0.0
    chat_idle_s: float = 0.0
    connector: Connector = connect_private


class EnginesByRole:
    """The engines of a language server, by role. `on_state` receives each state with its role.

    The completion engine starts at once. A separate chat engine starts with the first chat.
    """

    def __init__(self, config: EngineConfig, on_state: Callable[[Role, EngineState, float, str], None]) -> None:
        self._on_state = on_state
        self._by_role: dict[Role, LazyEngine] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self.reconfigure(config)

    @property
    def fill(self) -> LazyEngine:
        """The engine for completions."""
        return self._by_role["fill"]

    def chat(self) -> LazyEngine:
        """The engine for chats, which starts again if it failed. Raises the `ModelError` that prevents its start."""
        options = self._config.chat()
        if options == self.fill.options:
            self._end("chat")
            engine = self.fill
        else:
            engine = self._engine_for("chat", options, self._config.chat_idle_s)
        engine.retry()
        return engine

    def require_chat(self) -> None:
        """Raise the `ModelError` that would prevent the start of a chat model."""
        self._config.chat()

    def reconfigure(self, config: EngineConfig) -> None:
        """Apply settings. An engine whose options stay the same keeps running, or starts again if it failed."""
        self._config = config
        before = self._by_role.get("fill")
        fill = self._engine_for("fill", config.fill, config.fill_idle_s)
        if fill is not before:
            fill.start()
        fill.retry()
        if "chat" in self._by_role:
            try:
                self.chat()
            except ModelError:
                self._end("chat")

    async def dump(self) -> str:
        """The state, for a bug report."""
        return "\n".join([f"{role}: {await engine.dump()}" for role, engine in self._by_role.items()])

    async def stop(self) -> None:
        """End all engines. Safe to call twice."""
        await asyncio.gather(*self._stopping, *(engine.stop() for engine in self._by_role.values()))

    def _engine_for(self, role: Role, options: EngineOptions, idle_s: float) -> LazyEngine:
        """The engine of a role. A running one with the same options is kept; otherwise it is replaced."""
        engine = self._by_role.get(role)
        if engine is None or (engine.options, engine.connector) != (options, self._config.connector):
            self._end(role)
            engine = self._by_role[role] = self._make(role, options)
        engine.unload_after(idle_s)
        return engine

    def _make(self, role: Role, options: EngineOptions) -> LazyEngine:
        def report(state: EngineState, fraction: float, message: str) -> None:
            if self._by_role.get(role) is engine:  # otherwise it was replaced, and only its end is reported
                self._on_state(role, state, fraction, message)

        # A chat engine is wanted only when somebody asks, which `chat` knows.
        engine = LazyEngine(options, on_state=report, connector=self._config.connector, retries_alone=role == "fill")
        return engine

    def _end(self, role: Role) -> None:
        if engine := self._by_role.pop(role, None):
            stopping = asyncio.ensure_future(engine.stop())
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
