"""infill's prompts on a llama-server: what the server says it evaluated is what these prompts cost there."""

from __future__ import annotations

from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.measure.infill_target import InfillTarget
from tests.bench.baseline import Baseline


class RemoteTarget(InfillTarget):
    """Satisfies `Target` with a remote engine. `server` is the same server, asked whether it is idle."""

    def __init__(self, engine: EngineSupervisor, model: ModelInfo, max_tokens: int, server: Baseline) -> None:
        super().__init__(engine, model, max_tokens)
        self._server = server

    async def settle(self) -> None:
        """Wait until the server's slots are idle."""
        await self._server.settle()
