"""The language server of one client: builds all its parts, starts it and ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from lsp_server import __version__
from lsp_server.base.errors import InfillError
from lsp_server.completion.switch import Switch
from lsp_server.context.retrieval import Retrieval, share_processor
from lsp_server.server.client.client import Client
from lsp_server.server.documents import Documents
from lsp_server.server.features.code_actions import CodeActionRunner
from lsp_server.server.features.completions import Completions
from lsp_server.server.features.engines import EngineHost
from lsp_server.server.features.indexing import Indexing
from lsp_server.server.features.menu import CompletionMenu
from lsp_server.server.features.status import Status
from lsp_server.server.features.usage import UsageCounters
from lsp_server.server.handlers import register_all
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.server.live_settings import LiveSettings
from lsp_server.server.protocol import InfillProtocol, read_messages
from lsp_server.server.streams import ThreadWriter, claim_stdio, read_in_thread
from lsp_server.server.tasks import BackgroundTasks

# Clients that can send whole notebooks then send no cell as a document of its own.
_EVERY_NOTEBOOK = types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")])


class Server:
    """One client's language server. Only this module uses it. Each part receives only the other parts that it uses."""

    def __init__(self) -> None:
        self.pygls = LanguageServer(
            "infill",
            __version__,
            protocol_cls=InfillProtocol,
            converter_factory=default_converter,
            notebook_document_sync=_EVERY_NOTEBOOK,
        )
        assert isinstance(self.pygls.protocol, InfillProtocol)
        self.protocol = self.pygls.protocol
        self.protocol.on_exit = self.stop
        self._stopped = asyncio.Event()
        client = Client(self.pygls)
        documents = Documents()
        settings = LiveSettings(documents, client.messages)
        switch, tasks = Switch(), BackgroundTasks()
        self._retrieval = Retrieval(lambda: settings.current.context.index)
        engines = EngineHost(client, settings, tasks, switch, self._retrieval)
        status = Status(client, settings, switch, engines)
        indexing = Indexing(client, documents, settings)
        engines.on_state = status.on_engine_state
        settings.followers = (engines.follow_settings, status.notify, indexing.follow_settings)
        self.context = HandlerContext(
            server=self.pygls,
            stop=self.stop,
            client=client,
            documents=documents,
            settings=settings,
            switch=switch,
            tasks=tasks,
            engines=engines,
            completions=Completions(client, documents, engines, status),
            menu=CompletionMenu(client, documents),
            code_actions=CodeActionRunner(client, documents, settings, engines, self._retrieval, status),
            usage=UsageCounters(client, documents, settings),
            indexing=indexing,
            status=status,
        )
        register_all(self.context)

    async def serve(self, reader: asyncio.StreamReader) -> int:
        """Serve the client until it leaves; returns the process's exit status (LSP 3.18, "Exit Notification")."""
        reading = asyncio.ensure_future(read_messages(reader, self.protocol.receive))
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        stopped.cancel()
        self.context.usage.write()
        self._retrieval.close()
        await self.context.indexing.stop()
        await self.context.engines.stop()
        return 0 if self.protocol.was_shut_down else 1

    def stop(self) -> None:
        """End `serve` soon."""
        self._stopped.set()


def serve_stdio() -> int:
    """Serve the client on standard input and output."""
    descriptor, output = claim_stdio()
    share_processor()

    async def main() -> int:
        server = Server()
        writer = ThreadWriter(output)
        server.protocol.set_writer(writer)
        _stop_on_signals(server.stop)
        status = await server.serve(read_in_thread(descriptor, asyncio.get_running_loop()))
        writer.close()
        return status

    return asyncio.run(main())


def serve_tcp(host: str, port: int, announce: Callable[[int], None]) -> int:
    """Serve one client that connects to a port, for debugging. `announce` is called with the port."""
    share_processor()

    async def main() -> int:
        status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listener.close()
            server = Server()
            server.protocol.set_writer(_StreamWriter(writer))
            _stop_on_signals(server.stop)
            status.set_result(await server.serve(reader))

        try:
            listener = await asyncio.start_server(connected, host, port)
        except (OSError, OverflowError) as error:
            raise InfillError(f"infill cannot listen on port {port} of {host}: {error}.") from None
        announce(listener.sockets[0].getsockname()[1])
        return await status

    return asyncio.run(main())


class _StreamWriter:
    """A pygls `Writer` over a socket."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def close(self) -> None:
        self._writer.close()


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """End in order on SIGTERM and SIGINT where loops can watch signals (not on Windows)."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            try:
                loop.add_signal_handler(getattr(signal, name), stop)
            except NotImplementedError:
                return
