"""What went between an editor and its server: the tap's log, read while it grows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.editors.terminal import eventually

Message = dict[str, Any]
INLINE = "textDocument/inlineCompletion"


class Tap:
    """The log of all servers that the editor has started, one after another."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def records(self) -> list[dict[str, Any]]:
        """All lines, as they are written; `number` says which server's they are, from 0."""
        if not self._path.exists():
            return []
        number, records = -1, []
        for line in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                record = json.loads(line)
                number += "pid" in record
                records.append(record | {"number": number})
        return records

    @property
    def mark(self) -> int:
        """How much was recorded until now, to look only at what comes later."""
        return len(self.records())

    @property
    def server_pid(self) -> int:
        """The process of the newest server."""
        return int([record["pid"] for record in self.records() if "pid" in record][-1])

    def sent(self, method: str, since: int = 0) -> list[Message]:
        """What the editor sent of a method."""
        return self._messages("editor", since, lambda message: message.get("method") == method)

    def received(self, method: str, since: int = 0) -> list[Message]:
        """What the server sent of a method, its answers aside."""
        return self._messages("server", since, lambda message: message.get("method") == method)

    def answers(self, method: str, since: int = 0) -> list[tuple[Message, Message]]:
        """Requests of the editor's and their answers, in the order in which they were answered."""
        requests: dict[Any, Message] = {}
        found = []
        for position, record in enumerate(self.records()):
            message = record.get("message", {})
            key = record["number"], message.get("id")
            if record.get("from") == "editor" and message.get("method") == method:
                requests[key] = message
            elif record.get("from") == "server" and "method" not in message and key in requests and position >= since:
                found.append((requests[key], message))
        return found

    def replies(self, method: str, since: int = 0) -> list[Any]:
        """What the editor answered to the server's requests of a method."""
        asked = {message["id"] for message in self.received(method, since)}
        return [
            each["result"]
            for each in self._messages("editor", since, lambda each: each.get("id") in asked and "result" in each)
        ]

    def texts(self, since: int = 0) -> list[str]:
        """The first text of each answer that had one."""
        results = [answer.get("result") for _, answer in self.answers(INLINE, since)]
        return [result["items"][0]["insertText"] for result in results if result and result["items"]]

    def written(self, since: int) -> Message:
        """The one edit of a code action that was chosen."""
        [(_, answer)] = self.wait_for(lambda: self.answers("codeAction/resolve", since), "the text of a code action")
        edits = answer["result"]["edit"]
        by_document = edits.get("changes") or {
            each["textDocument"]["uri"]: each["edits"] for each in edits["documentChanges"]
        }
        edit: Message
        [[edit]] = by_document.values()
        return edit

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition on this log holds."""
        return eventually(condition, lambda: f"{what} never came; the newest messages are\n{self._newest()}")

    def wait_until_ready(self, since: int = 0) -> None:
        """Wait until a model serves."""
        self.wait_for(
            lambda: any(
                " is ready" in message["params"]["message"] for message in self.received("window/logMessage", since)
            ),
            "a model that is ready",
        )

    def _messages(self, sender: str, since: int, condition: Callable[[Message], bool]) -> list[Message]:
        records = self.records()[since:]
        return [each["message"] for each in records if each.get("from") == sender and condition(each["message"])]

    def _newest(self) -> str:
        return "\n".join(json.dumps(record)[:300] for record in self.records()[-12:])
