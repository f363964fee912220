"""Another language server: it completes `ad` to `adder` and `address`, and knows nothing else."""

from __future__ import annotations

import json
import sys
from typing import Any

CAPABILITIES = {"textDocumentSync": 1, "completionProvider": {}}


def items(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Items for the word `ad` before the cursor."""
    end = params["position"]
    start = {"line": end["line"], "character": end["character"] - len("ad")}
    words = ("adder", "address")
    return [{"label": word, "textEdit": {"range": {"start": start, "end": end}, "newText": word}} for word in words]


def main() -> None:
    """Answer until the client says `exit`."""
    while True:
        length = 0
        while line := sys.stdin.buffer.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message = json.loads(sys.stdin.buffer.read(length)) if length else {"method": "exit"}
        if message.get("method") == "exit":
            return
        if "id" not in message:
            continue
        results = {
            "initialize": lambda _: {"capabilities": CAPABILITIES},
            "textDocument/completion": items,
        }
        result = results.get(message["method"], lambda _: None)(message.get("params"))
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
