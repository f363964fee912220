"""The language server itself: what it holds, how it starts, how it ends."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from lsp_server import __version__
from lsp_server.base.errors import InfillError, ModelError, ModelNotPulledError
from lsp_server.base.trace import Trace
from lsp_server.catalog.resolve import chat_options, embedded_model, engine_options, unlike_the_catalogue
from lsp_server.completion.pipeline import Answer, Pipeline
from lsp_server.completion.switch import Switch
from lsp_server.context.retrieval import Retrieval, share_processor
from lsp_server.engine.client.connect import connect_private, connect_shared
from lsp_server.engine.client.interface import EngineState
from lsp_server.engine.client.manager import EngineConfig, Engines, Role
from lsp_server.ipc.launch import EngineOptions
from lsp_server.prompt.families import family_of
from lsp_server.server.client.convert import MenuClient, encoding_from_lsp
from lsp_server.server.client.edits import EditClient
from lsp_server.server.client.progress import LoadProgress
from lsp_server.server.features.code_actions import Actor
from lsp_server.server.features.indexing import Indexing
from lsp_server.server.features.model_download import offer
from lsp_server.server.features.status import Status
from lsp_server.server.features.usage import Counting
from lsp_server.server.protocol import InfillProtocol, read_messages
from lsp_server.server.streams import ThreadWriter, claim_stdio, read_in_thread
from lsp_server.settings import layers
from lsp_server.settings.model import Settings
from lsp_server.text.document import Encoding
from lsp_server.text.workspace import Workspace

logger = logging.getLogger(__name__)


class InfillServer(LanguageServer):
    """One client's language server: its documents, its settings, and the engine that serves it."""

    protocol: InfillProtocol

    def __init__(self) -> None:
        super().__init__("infill", __version__, protocol_cls=InfillProtocol, converter_factory=default_converter)
        self.documents = Workspace()
        self.menu_client: MenuClient | None = None
        self.offers_menu = False
        self.menu_asked_at: dict[str, int] = {}  # the version of each document for which its menu was asked last
        self._next_edits: dict[str, asyncio.Future[None]] = {}
        self.settings = Settings()
        self.switch = Switch()
        self.status = Status(self)
        self.counting = Counting(self)
        self.edit_client = EditClient(types.ClientCapabilities())
        self.actor = Actor(self)
        self.indexing = Indexing(self)
        self.retrieval = Retrieval(lambda: self.documents.roots, lambda: self.settings.context.index)
        self.client_settings: list[Any] = []
        self.engines: Engines | None = None
        self.pipeline: Pipeline | None = None
        self.last_trace: Trace | None = None
        self._stopped = asyncio.Event()
        self.protocol.on_exit = self.stop
        self._told: set[str] = set()
        self._offered: set[str] = set()
        self._progress: dict[Role, LoadProgress] = {
            "fill": LoadProgress(self, "infill/load", "infill: loading the model"),
            "chat": LoadProgress(self, "infill/load/chat", "infill: loading the chat model"),
        }
        self._tasks: set[asyncio.Future[Any]] = set()

    @property
    def encoding(self) -> Encoding:
        """The position encoding agreed on."""
        return encoding_from_lsp(self.server_capabilities.position_encoding)

    def client_wants(self, name: str) -> bool:
        """Whether the client said `experimental: {infill: {<name>: true}}` among its capabilities (`PROTOCOL.md`)."""
        wanted: Any = getattr(self.client_capabilities, "experimental", None)
        for key in ("infill", name):
            wanted = wanted.get(key) if isinstance(wanted, dict) else getattr(wanted, key, None)
        return wanted is True

    # Life

    async def serve(self, reader: asyncio.StreamReader) -> int:
        """Serve one client until it leaves; returns the process's exit status (LSP 3.18, "Exit Notification")."""
        reading = asyncio.ensure_future(read_messages(reader, self.protocol.receive))
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        stopped.cancel()
        self.counting.write()
        self.retrieval.close()
        await self.indexing.stop()
        if self.engines is not None:
            await self.engines.stop()
        return 0 if self.protocol.was_shut_down else 1

    def stop(self) -> None:
        """End `serve` soon."""
        self._stopped.set()

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Hold on to a background task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Edits

    def next_edit(self, uri: str) -> asyncio.Future[None]:
        """Is done when a document is edited or closed."""
        return self._next_edits.setdefault(uri, asyncio.get_running_loop().create_future())

    def edited(self, uri: str) -> None:
        """A document was edited or closed."""
        if waiting := self._next_edits.pop(uri, None):
            waiting.set_result(None)

    # Settings and engine

    def apply_settings(self) -> None:
        """Read all layers anew; restart the engine if what it runs has changed."""
        project = self.documents.roots[0] if self.documents.roots else None
        self.settings, problems = layers.load(project, self.client_settings)
        for problem in problems:
            self.tell(types.MessageType.Warning, problem)
        self._start_engines(project)
        self.indexing.follow_settings()

    def _start_engines(self, project: Path | None) -> None:
        chosen = self.settings
        config = EngineConfig(
            self._fill_options(project),
            lambda: chat_options(chosen, project),
            fill_idle_s=chosen.engine.unload_after_minutes * 60,
            chat_idle_s=chosen.chat.unload_after_minutes * 60,
            connector=connect_shared if chosen.engine.mode == "shared" else connect_private,
        )
        if self.engines is None:
            self.engines = Engines(config, self._on_engine_state)
        else:
            if (config.fill, config.connector) != (self.engines.fill.options, self.engines.fill.connector):
                self._progress["fill"].end("another model")
            self.engines.reconfigure(config)
        self.status.tell()
        # Anew in any case: what is remembered was planned with the old settings.
        self.pipeline = Pipeline(self.engines.fill, self.settings, self.switch, self.retrieval)

    def _fill_options(self, project: Path | None) -> EngineOptions:
        """How to run the model that is set; the embedded one where that cannot serve."""
        try:
            return engine_options(self.settings, project)
        except ModelNotPulledError:
            self._offer_to_pull(self.settings.model)
        except ModelError as error:
            self.tell(types.MessageType.Error, f"{error} The embedded model serves meanwhile.")
        return engine_options(msgspec.structs.replace(self.settings, model=""), project)

    def _offer_to_pull(self, model: str) -> None:
        if model not in self._offered:
            self._offered.add(model)
            self.keep(asyncio.ensure_future(offer(self, model)))

    def _on_engine_state(self, role: Role, state: EngineState, fraction: float, message: str) -> None:
        progress = self._progress[role]
        if role == "fill":
            self.status.engine_is(state, message)
        if state is EngineState.LOADING:
            progress.report(fraction)
            return
        progress.end(state.value)
        if state is EngineState.READY and role == "fill":
            self._check_format()
        elif state is EngineState.FAILED and role == "fill":
            self.tell(types.MessageType.Error, message)  # of the other role, who asked is told

    def _check_format(self) -> None:
        assert self.engines is not None
        if (model := self.engines.fill.model) is None:
            return
        try:
            family = family_of(model)
        except InfillError as error:
            self.tell(types.MessageType.Error, str(error))
        else:
            if model.path != str(embedded_model()) and (
                warning := unlike_the_catalogue(self.settings.model, family.name)
            ):
                self.tell(types.MessageType.Warning, warning)
            self.log(f"{model.name} is ready: {model.description}, window of {model.context_tokens} tokens")
            for note in model.notes:
                self.tell(types.MessageType.Warning, note)

    # Talking to the user

    def tell(self, kind: types.MessageType, message: str) -> None:
        """Show a sentence to the user, each only once."""
        if message not in self._told:
            self._told.add(message)
            self.window_show_message(types.ShowMessageParams(type=kind, message=f"infill: {message}"))

    def log(self, message: str) -> None:
        """Write a line to the client's log."""
        self.window_log_message(types.LogMessageParams(type=types.MessageType.Info, message=message))

    def take_note(self, answer: Answer) -> None:
        """Keep the trace for `infill.explainLast`, and report what is wrong once."""
        self.last_trace = answer.trace
        if answer.error:
            self.tell(types.MessageType.Error, answer.error)


def make_server() -> InfillServer:
    """A server with all its handlers; call it inside the event loop."""
    from lsp_server.server.handlers import register_all

    server = InfillServer()
    register_all(server)
    return server


def serve_stdio() -> int:
    """Serve the client on standard input and output."""
    descriptor, output = claim_stdio()
    share_processor()

    async def main() -> int:
        server = make_server()
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
            server = make_server()
            server.protocol.set_writer(_StreamWriter(writer))
            _stop_on_signals(server.stop)
            status.set_result(await server.serve(reader))

        listener = await asyncio.start_server(connected, host, port)
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
