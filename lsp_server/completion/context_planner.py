"""Adds context to the planner: it gathers excerpts of the workspace for a new anchor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lsp_server.completion.planner import Plan, Planner
from lsp_server.context.candidates import Gathered
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.prompt.anchor import Anchor
from lsp_server.settings.model import Settings
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.snapshot import Snapshot

Neighbours = Callable[[], Sequence[Neighbour]]


class Context(Protocol):
    """A source of candidates that knows more than the other open documents."""

    async def gather(self, snapshot: Snapshot, neighbours: Sequence[Neighbour]) -> Gathered:
        """The candidates for a snapshot, those of the neighbours included."""


class ContextPlanner:
    """A `Planner` with context. It gathers context only for a new anchor, because a kept anchor keeps its blocks."""

    def __init__(self, planner: Planner, settings: Settings, context: Context | None) -> None:
        self._planner = planner
        self._settings = settings
        self._context = context

    async def plan(
        self, snapshot: Snapshot, neighbours: Neighbours, model: ModelInfo, prefill_budget_ms: int = 0
    ) -> tuple[Plan, Gathered | None]:
        """The plan for a snapshot, and the candidates for its anchor if it is new.

        Raises `ModelCannotInfillError` for a model of no known family.
        """
        needs_blocks = self._planner.needs_blocks(snapshot, model, prefill_budget_ms)
        gathered = await self._gather(snapshot, neighbours) if needs_blocks else None
        return self._planner.plan(snapshot, neighbours, model, prefill_budget_ms, gathered), gathered

    async def plan_warm_up(self, snapshot: Snapshot, neighbours: Neighbours, model: ModelInfo) -> Anchor | None:
        """A new anchor to evaluate during a pause; None if the present one will do."""
        wants_warm_up = self._planner.wants_warm_up(snapshot, model)
        gathered = await self._gather(snapshot, neighbours) if wants_warm_up else None
        return self._planner.plan_warm_up(snapshot, neighbours, model, gathered)

    async def _gather(self, snapshot: Snapshot, neighbours: Neighbours) -> Gathered | None:
        if self._context is None:
            return None
        if not self._settings.context.max_tokens:
            return Gathered()
        return await self._context.gather(snapshot, neighbours())
