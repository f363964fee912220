"""A small language client that acts as an editor, for `infill demo` and for benchmarks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from lsp_server import __version__
from lsp_server.base.errors import EditorError
from lsp_server.text.workspace import file_uri

READY_TIMEOUT_S = 120.0


class EditorClient:
    """Starts `infill serve` over stdio, syncs documents to it and requests ghost text.

    Use it as an async context manager. Positions are code points, because UTF-32 is negotiated.
    """

    def __init__(self, root: Path, settings: dict[str, Any] | None = None) -> None:
        self._root = root
        self._settings = settings or {}
        self._client = LanguageClient("infill-demo", __version__)
        self._texts: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self._ready = asyncio.Event()
        self._error = ""
        self._model_name = ""

        @self._client.feature(types.WINDOW_LOG_MESSAGE)
        def log_message(params: types.LogMessageParams) -> None:
            if " is ready" in params.message:
                self._model_name = params.message.partition(" is ready")[0]
                self._ready.set()

        @self._client.feature(types.WINDOW_SHOW_MESSAGE)
        def show_message(params: types.ShowMessageParams) -> None:
            if params.type is types.MessageType.Error:
                self._error = params.message
                self._ready.set()

    async def __aenter__(self) -> EditorClient:
        command = [sys.executable, "-X", "utf8", "-m", "lsp_server", "serve"]
        await self._client.start_io(command[0], *command[1:])
        uri = self._root.as_uri()
        await self._client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf32]),
                    text_document=types.TextDocumentClientCapabilities(
                        inline_completion=types.InlineCompletionClientCapabilities()
                    ),
                ),
                initialization_options=self._settings,
                workspace_folders=[types.WorkspaceFolder(uri=uri, name=self._root.name)],
            )
        )
        self._client.initialized(types.InitializedParams())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()

    async def wait_until_ready(self) -> str:
        """Wait for the model and return its name. Raises `EditorError` with the server's message."""
        try:
            await asyncio.wait_for(self._ready.wait(), READY_TIMEOUT_S)
        except TimeoutError:
            raise EditorError("The model did not load in two minutes. Run `infill doctor`.") from None
        if self._error:
            raise EditorError(self._error.removeprefix("infill: "))
        return self._model_name

    def open(self, path: Path, text: str, language_id: str = "python") -> str:
        """Open a document; returns its URI."""
        uri = file_uri(path)
        self._texts[uri], self._versions[uri] = text, 1
        item = types.TextDocumentItem(uri=uri, language_id=language_id, version=1, text=text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def text(self, uri: str) -> str:
        """A document's text on the client's side."""
        return self._texts[uri]

    def insert(self, uri: str, offset: int, text: str) -> None:
        """Insert a text at an offset, as by typing."""
        position = self._position(uri, offset)
        before = self._texts[uri]
        self._texts[uri] = before[:offset] + text + before[offset:]
        self._versions[uri] += 1
        self._client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=self._versions[uri]),
                content_changes=[
                    types.TextDocumentContentChangePartial(range=types.Range(position, position), text=text)
                ],
            )
        )

    async def ghost(self, uri: str, offset: int, *, automatic: bool) -> str:
        """The first ghost text at an offset; empty if there is none."""
        kind = types.InlineCompletionTriggerKind.Automatic if automatic else types.InlineCompletionTriggerKind.Invoked
        answer = await self._client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                text_document=types.TextDocumentIdentifier(uri=uri),
                position=self._position(uri, offset),
                context=types.InlineCompletionContext(trigger_kind=kind),
            )
        )
        items = answer.items if isinstance(answer, types.InlineCompletionList) else answer
        return str(items[0].insert_text) if items else ""

    async def explain(self) -> str:
        """The server's trace of the last request."""
        return str(await self._client.workspace_execute_command_async(types.ExecuteCommandParams("infill.explainLast")))

    def _position(self, uri: str, offset: int) -> types.Position:
        before = self._texts[uri][:offset]
        return types.Position(before.count("\n"), offset - (before.rfind("\n") + 1))
