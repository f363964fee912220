"""The parts of the server that handlers use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pygls.lsp.server import LanguageServer

from lsp_server.completion.switch import Switch
from lsp_server.server.client.client import Client
from lsp_server.server.documents import Documents
from lsp_server.server.features.code_actions import CodeActionRunner
from lsp_server.server.features.completions import Completions
from lsp_server.server.features.engines import EngineHost
from lsp_server.server.features.indexing import Indexing
from lsp_server.server.features.menu import CompletionMenu
from lsp_server.server.features.status import Status
from lsp_server.server.features.usage import UsageCounters
from lsp_server.server.live_settings import LiveSettings
from lsp_server.server.tasks import BackgroundTasks


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """The parts of one client's server. Handlers are registered with `server`; `stop` ends it soon."""

    server: LanguageServer
    stop: Callable[[], None]
    client: Client
    documents: Documents
    settings: LiveSettings
    switch: Switch
    tasks: BackgroundTasks
    engines: EngineHost
    completions: Completions
    menu: CompletionMenu
    code_actions: CodeActionRunner
    usage: UsageCounters
    indexing: Indexing
    status: Status
