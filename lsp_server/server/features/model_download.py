"""Offering to get a model that is set and not on this machine, and getting it, while the embedded model serves."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.base.errors import HubError
from lsp_server.catalog import hub
from lsp_server.catalog.models import CatalogModel, HubFile, in_catalog
from lsp_server.catalog.resolve import hub_file
from lsp_server.server.client.progress import WorkProgress

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

DOWNLOAD, NOT_NOW = "Download", "Not now"


async def offer(server: InfillServer, model: str) -> None:
    """Ask whether to download a model of that name; if so, do it, and start it."""
    file = hub_file(model)
    question = types.ShowMessageRequestParams(
        type=types.MessageType.Info,
        message=_question(model, file, in_catalog(file)),
        actions=[types.MessageActionItem(DOWNLOAD), types.MessageActionItem(NOT_NOW)],
    )
    try:
        choice = await server.window_show_message_request_async(question)
    except JsonRpcException:  # a client that cannot ask
        choice = None
        server.tell(types.MessageType.Warning, f"{model} is not here yet. Get it: infill models pull {model}")
    if choice is None or choice.title != DOWNLOAD:
        return
    try:
        is_here = await _pull(server, file)
    except HubError as error:
        server.tell(types.MessageType.Error, f"{error} The embedded model serves meanwhile.")
        return
    if is_here:
        server.apply_settings()
    else:
        go_on = f"What has arrived is kept: infill models pull {model} goes on with it."
        server.tell(types.MessageType.Info, f"The download of {model} was stopped. {go_on}")


def _question(model: str, file: HubFile, known: CatalogModel | None) -> str:
    size = f" ({file.gigabytes:.1f} GB)" if file.gigabytes else ""
    licence = f"{known.licence.name}: {known.licence.summary}" if known else f"Its licence is on {file.repo}'s page."
    return f"infill: {model} is not here yet. Download it{size}? {licence} The embedded model serves meanwhile."


async def _pull(server: InfillServer, file: HubFile) -> bool:
    """Download with progress, in a thread that does not keep the server from ending. False if the user stopped it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def end(error: HubError | None, *, is_here: bool) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(is_here)

    stop = partial(end, None, is_here=False)
    async with WorkProgress(server, "pull", f"infill: downloading {file.file}", stop) as progress:

        def report(here: int, total: int) -> None:
            if total:
                progress.report(f"{here / 1e9:.2f} of {total / 1e9:.2f} GB", min(100, here * 100 // total))

        def report_from_thread(here: int, total: int) -> None:
            if done.done():
                raise HubError("The download was stopped.")  # nobody waits for it any more: it only ends the thread
            loop.call_soon_threadsafe(report, here, total)

        def work() -> None:
            try:
                hub.pull(hub.look_up(file), report_from_thread)
            except HubError as error:
                loop.call_soon_threadsafe(partial(end, error, is_here=False))
            else:
                loop.call_soon_threadsafe(partial(end, None, is_here=True))

        threading.Thread(target=work, name="infill-pull", daemon=True).start()
        return await done
