"""`workspace/configuration` and `workspace/didChangeConfiguration`.

Clients differ: some send settings with `initialize`, some push them, some only say that something changed and wait
to be asked. What they sent with `initialize` stays the lowest layer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from lsprotocol import types

from lsp_server.server.handlers import completion
from lsp_server.server.main import InfillServer
from lsp_server.settings import layers
from lsp_server.settings.layers import SECTION
from lsp_server.settings.model import Settings

logger = logging.getLogger(__name__)

PULL_TIMEOUT_S = 2.0


def register(server: InfillServer) -> None:
    """Add the handlers."""

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def changed(params: types.DidChangeConfigurationParams) -> None:
        server.keep(pull_and_apply(server, pushed=params.settings))


def read(server: InfillServer) -> Settings:
    """The settings as known so far, without applying them."""
    roots = server.documents.roots
    found, _ = layers.load(roots[0] if roots else None, server.client_settings)
    return found


def pull_and_apply(server: InfillServer, pushed: Any = None) -> asyncio.Future[None]:
    """Ask the client for its settings if it can be asked, then apply all layers."""
    return asyncio.ensure_future(_pull_and_apply(server, pushed))


async def _pull_and_apply(server: InfillServer, pushed: Any) -> None:
    pulled = await _pull(server)
    initial = server.client_settings[:1]
    server.client_settings = initial + [layer for layer in (pushed, pulled) if layer]
    apply(server)


def apply(server: InfillServer) -> None:
    """Read all layers anew, and do what follows."""
    server.apply_settings()
    completion.follow_settings(server)


async def _pull(server: InfillServer) -> Any:
    """The client's `infill` section, or None if it has none or does not answer."""
    workspace = server.client_capabilities.workspace
    if not (workspace and workspace.configuration):
        return None
    params = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
    try:
        answer = await asyncio.wait_for(server.workspace_configuration_async(params), PULL_TIMEOUT_S)
    except TimeoutError:
        logger.warning("The client did not answer workspace/configuration.")
        return None
    except Exception as error:  # noqa: BLE001  (whatever a client answers, we go on with what we have)
        logger.warning("The client refused workspace/configuration: %s", error)
        return None
    return answer[0] if answer else None
