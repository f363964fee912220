"""`workspace/configuration` and `workspace/didChangeConfiguration`.

Clients differ. Some send settings with `initialize`, some push them, some only say that something changed and wait to
be asked. Settings that came with `initialize` stay the lowest layer of the client's.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from lsprotocol import types

from lsp_server.server.client.client import Client
from lsp_server.server.handlers import completion
from lsp_server.server.handlers.context import HandlerContext
from lsp_server.settings.files import SECTION, user_file
from lsp_server.text.workspace import file_uri

logger = logging.getLogger(__name__)

PULL_TIMEOUT_S = 2.0
_WATCHER = "infill/watch/settings"


def register(context: HandlerContext) -> None:
    """Add the handlers."""

    @context.server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def changed(params: types.DidChangeConfigurationParams) -> None:
        context.tasks.track_task(pull_and_apply(context, pushed=params.settings))


def pull_and_apply(context: HandlerContext, pushed: Any = None) -> asyncio.Future[None]:
    """Ask the client for its settings if it can answer, then apply all layers."""
    return asyncio.ensure_future(_pull_and_apply(context, pushed))


async def _pull_and_apply(context: HandlerContext, pushed: Any) -> None:
    pulled = await _pull(context.client)
    initial = context.settings.client_layers[:1]
    context.settings.client_layers = initial + [layer for layer in (pushed, pulled) if layer]
    apply(context)


def watch_user_file(context: HandlerContext) -> None:
    """Ask the client to report changes of the user's file, if it can watch outside of the workspace."""
    file = user_file()
    if context.client.capabilities.watches_outside and file.parent.is_dir():
        watcher = types.FileSystemWatcher(types.RelativePattern(file_uri(file.parent), file.name))
        options = types.DidChangeWatchedFilesRegistrationOptions([watcher])
        context.client.register_capability(_WATCHER, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)


def apply(context: HandlerContext) -> None:
    """Read all layers anew, and let everything follow them."""
    context.settings.apply()
    completion.follow_settings(context)


async def _pull(client: Client) -> Any:
    """The client's `infill` section; None if it has none or does not answer."""
    if not client.capabilities.answers_configuration:
        return None
    try:
        return await asyncio.wait_for(client.configuration(SECTION), PULL_TIMEOUT_S)
    except TimeoutError:
        logger.warning("The client did not answer workspace/configuration.")
    except Exception as error:  # noqa: BLE001  (whatever a client answers, the server keeps the settings it has)
        logger.warning("The client refused workspace/configuration: %s", error)
    return None
