"""What the client may ask, one file a method or a family of methods; `register` in each adds its handlers.

A handler that completes is a plain function that freezes a snapshot and returns a coroutine: the snapshot is then
of the moment the request arrived, whatever edits come in the same read (see `server/protocol.py`).
"""

from __future__ import annotations

from lsp_server.server.handlers import commands, configuration, lifecycle, text_sync
from lsp_server.server.main import InfillServer


def register_all(server: InfillServer) -> None:
    """Register every handler. The two completion methods wait for `initialize`: see `lifecycle`."""
    lifecycle.register(server)
    text_sync.register(server)
    configuration.register(server)
    commands.register(server)
