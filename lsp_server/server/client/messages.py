"""What the server says to the user: messages, questions, and lines of the client's log."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer


class Messages:
    """Messages to one client's user."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._notified: set[str] = set()

    def show(self, kind: types.MessageType, text: str) -> None:
        """Show a text, without the prefix `infill:` that `notify_once` adds."""
        self._server.window_show_message(types.ShowMessageParams(type=kind, message=text))

    def notify_once(self, kind: types.MessageType, sentence: str) -> None:
        """Show a sentence. The same sentence is shown only once."""
        if sentence not in self._notified:
            self._notified.add(sentence)
            self.show(kind, f"infill: {sentence}")

    def log(self, line: str) -> None:
        """Write a line to the client's log."""
        self._server.window_log_message(types.LogMessageParams(type=types.MessageType.Info, message=line))

    async def ask(self, question: str, *choices: str) -> str | None:
        """Ask the user, who may choose nothing. Raises `JsonRpcException` if the client cannot ask."""
        actions = [types.MessageActionItem(choice) for choice in choices]
        params = types.ShowMessageRequestParams(type=types.MessageType.Info, message=question, actions=actions)
        choice = await self._server.window_show_message_request_async(params)
        return choice.title if choice else None
