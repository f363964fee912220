"""The client at the other end: what it can do, and what the server asks of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.progress import Progress

from lsp_server.server.client.capabilities import Capabilities
from lsp_server.server.client.convert import encoding_from_lsp
from lsp_server.server.client.messages import Messages
from lsp_server.text.units import Encoding
from lsp_server.text.workspace import file_uri


class Client:
    """One client. Only this package knows how pygls talks to it."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self.capabilities = Capabilities(types.ClientCapabilities())
        self.messages = Messages(server)
        # Called once the capabilities are known. pygls advertises what is registered by the end of `initialize`.
        self.on_initialize: Callable[[], None] = lambda: None

    def initialize(self, params: types.InitializeParams) -> None:
        """Take note of what the client can do."""
        self.capabilities = Capabilities(params.capabilities, params.client_info)
        self.on_initialize()

    @property
    def encoding(self) -> Encoding:
        """The position encoding that `initialize` agreed on."""
        return encoding_from_lsp(self._server.server_capabilities.position_encoding)

    @property
    def progress(self) -> Progress:
        """pygls' work-done progress."""
        return self._server.work_done_progress

    def notify(self, method: str, params: Any) -> None:
        """Send a notification of infill's own."""
        self._server.protocol.notify(method, params)

    def send_request(self, method: str, params: Any) -> None:
        """Send a request whose answer does not matter."""
        self._server.protocol.send_request(method, params)

    def register_capability(self, registration_id: str, method: str, options: Any) -> None:
        """Register a method after `initialize`."""
        registration = types.Registration(registration_id, method, options)
        self.send_request(types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams([registration]))

    async def configuration(self, section: str) -> Any:
        """A section of the client's settings, None if it has none. Raises the error that the client answers."""
        params = types.ConfigurationParams([types.ConfigurationItem(section=section)])
        answer = await self._server.workspace_configuration_async(params)
        return answer[0] if answer else None

    async def apply_edit(self, edit: types.WorkspaceEdit, label: str) -> bool:
        """Have the client apply an edit; whether it did. Raises `JsonRpcException` if it cannot."""
        result = await self._server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit=edit, label=label))
        return result.applied

    async def show_document(self, path: Path) -> None:
        """Have the client open a file. Raises `JsonRpcException` if it does not."""
        await self._server.window_show_document_async(types.ShowDocumentParams(uri=file_uri(path)))
