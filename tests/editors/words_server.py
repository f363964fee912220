"""Another language server: it completes `ad` and what goes on from there to `adder` and `address`, and no more."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

CAPABILITIES = {"textDocumentSync": 1, "completionProvider": {"triggerCharacters": ["."]}}


class Words:
    """What is open, and the words that complete it."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def opened(self, params: dict[str, Any]) -> None:
        self._texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]

    def changed(self, params: dict[str, Any]) -> None:
        self._texts[params["textDocument"]["uri"]] = params["contentChanges"][-1]["text"]

    def items(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        end = params["position"]
        line = self._texts[params["textDocument"]["uri"]].split("\n")[end["line"]]
        typed = re.search(r"\bad\w*$", line[: end["character"]])
        if not typed:
            return []
        start = {"line": end["line"], "character": typed.start()}
        words = [word for word in ("adder", "address") if word.startswith(typed.group())]
        return [{"label": word, "textEdit": {"range": {"start": start, "end": end}, "newText": word}} for word in words]


def main() -> None:
    """Answer until the client says `exit`."""
    words = Words()
    handlers: dict[str, Callable[[dict[str, Any]], Any]] = {
        "initialize": lambda _: {"capabilities": CAPABILITIES},
        "textDocument/didOpen": words.opened,
        "textDocument/didChange": words.changed,
        "textDocument/completion": words.items,
    }
    while True:
        length = 0
        while line := sys.stdin.buffer.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message = json.loads(sys.stdin.buffer.read(length)) if length else {"method": "exit"}
        if message.get("method") == "exit":
            return
        result = handlers.get(message.get("method", ""), lambda _: None)(message.get("params"))
        if "id" in message and "method" in message:
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
            sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
