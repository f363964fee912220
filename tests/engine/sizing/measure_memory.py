"""Run with a model's file and options as JSON: loads it, and prints what was predicted and what was used as JSON.

A process of its own, so that resident memory is this model's, and so that limits and failures are this process's.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import msgspec
import psutil

from lsp_server.engine.backends.base import BatchToken
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.backends.llama.log import LogCapture
from lsp_server.ipc.launch import EngineOptions

BUFFER = re.compile(r"(\w+) buffer size\s*=\s*([\d.]+) MiB")
MIB = 1 << 20


def main() -> None:
    options = msgspec.json.decode(sys.argv[1], type=EngineOptions)
    limit_mebibytes = int(sys.argv[2])
    lines: list[str] = []
    write = LogCapture.write

    def record(capture: LogCapture, level: int, text: bytes, data: Any) -> None:
        lines.append(text.decode(errors="replace"))
        write(capture, level, text, data)

    LogCapture.write = record  # type: ignore[method-assign]
    process = psutil.Process()
    if limit_mebibytes:
        import resource

        limit = process.memory_info().vms + limit_mebibytes * MIB
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = process.memory_info().rss
    backend = LlamaBackend(options)
    num_tokens = min(backend.batch_tokens, backend.info.context_tokens)
    backend.decode([BatchToken(1, position, 0, wants_logits=False) for position in range(num_tokens)])
    after = process.memory_info().rss
    info = backend.info
    used: dict[str, float] = {}
    for name, mebibytes in BUFFER.findall("".join(lines)):
        used[name] = used.get(name, 0.0) + float(mebibytes) * MIB
    print(json.dumps({
        "weights": info.weights_bytes, "cache": info.cache_bytes, "working": info.working_bytes,
        "total": info.memory_bytes, "used": used, "grown": after - before, "notes": info.notes,
        "parameters": msgspec.to_builtins(info.parameters),
        "trained_context_tokens": info.trained_context_tokens,
        "positions": [line.strip() for line in lines if re.search(r"freq_(base|scale)|rope scaling", line)],
    }))  # fmt: skip
    backend.close()


if __name__ == "__main__":
    main()
