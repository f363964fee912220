"""Download of a model that is set and not on this machine. Until it is here, the embedded model serves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.base.errors import HubError
from lsp_server.catalog import hub
from lsp_server.catalog.models import CatalogModel, HubFile, in_catalog
from lsp_server.catalog.resolve import hub_file
from lsp_server.server.client.client import Client
from lsp_server.server.client.progress import WorkProgress

DOWNLOAD, NOT_NOW = "Download", "Not now"


async def prompt_download(client: Client, model: str, on_downloaded: Callable[[], None]) -> None:
    """Ask whether to download a model of that name. If the user agrees, download it and call `on_downloaded`."""
    file, messages = hub_file(model), client.messages
    try:
        choice = await messages.ask(_question(model, file, in_catalog(file)), DOWNLOAD, NOT_NOW)
    except JsonRpcException:  # a client that cannot ask
        choice = None
        messages.notify_once(types.MessageType.Warning, f"{model} is not here yet. Get it: infill models pull {model}")
    if choice != DOWNLOAD:
        return
    try:
        is_here = await _pull(client, file)
    except HubError as error:
        messages.notify_once(types.MessageType.Error, f"{error} The embedded model serves meanwhile.")
        return
    if is_here:
        on_downloaded()
    else:
        go_on = f"What has arrived is kept: infill models pull {model} goes on with it."
        messages.notify_once(types.MessageType.Info, f"The download of {model} was stopped. {go_on}")


def _question(model: str, file: HubFile, known: CatalogModel | None) -> str:
    size = f" ({file.gigabytes:.1f} GB)" if file.gigabytes else ""
    licence = f"{known.licence.name}: {known.licence.summary}" if known else f"Its licence is on {file.repo}'s page."
    return f"infill: {model} is not here yet. Download it{size}? {licence} The embedded model serves meanwhile."


async def _pull(client: Client, file: HubFile) -> bool:
    """Download with progress; False if the user stopped it. Raises `HubError`.

    The download's thread does not keep the server from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def end(error: HubError | None, *, is_here: bool) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(is_here)

    stop = partial(end, None, is_here=False)
    async with WorkProgress(client, "pull", f"infill: downloading {file.file}", stop) as progress:

        def report(here: int, total: int) -> None:
            if total:
                progress.report(f"{here / 1e9:.2f} of {total / 1e9:.2f} GB", min(100, here * 100 // total))

        def report_from_thread(here: int, total: int) -> None:
            if done.done():
                raise HubError("The download was stopped.")  # nobody awaits it any more: this only ends the thread
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
