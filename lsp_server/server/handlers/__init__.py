"""What the client may ask: one LSP method or one family of methods a file, each with a `register(context)`.

A handler that completes is a plain function that takes a snapshot and returns a coroutine. So the snapshot is of the
moment the request arrived, whatever edits come in the same read (see `server/protocol.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from lsp_server.server.handlers import (
    code_action,
    commands,
    completion,
    configuration,
    inline_completion,
    lifecycle,
    notebooks,
    text_sync,
)
from lsp_server.server.handlers.context import HandlerContext

Register = Callable[[HandlerContext], None]

# Registered at once.
ALWAYS: tuple[Register, ...] = (
    lifecycle.register,
    text_sync.register,
    notebooks.register,
    configuration.register,
    commands.register,
)
# Registered within `initialize` if the client can use it: pygls advertises what is registered.
IF_SUPPORTED: tuple[tuple[Register, Callable[[HandlerContext], bool]], ...] = (
    (inline_completion.register, lambda context: context.client.capabilities.has_inline_completion),
    (
        completion.register,
        lambda context: any(context.menu.is_wanted(each.completion) for each in context.settings.read()),
    ),
    (code_action.register, lambda context: context.client.capabilities.edits.has_actions),
)


def register_all(context: HandlerContext) -> None:
    """Register every handler, some of them only during `initialize`."""
    for register in ALWAYS:
        register(context)

    def register_supported() -> None:
        for register, is_supported in IF_SUPPORTED:
            if is_supported(context):
                register(context)

    context.client.on_initialize = register_supported
