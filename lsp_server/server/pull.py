"""Offering to get a model that is set and not on this machine, and getting it, while the embedded model serves."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.catalog import hub
from lsp_server.catalog.models import CatalogModel, HubFile, in_catalog
from lsp_server.catalog.resolve import hub_file
from lsp_server.errors import HubError

if TYPE_CHECKING:
    from lsp_server.server.app import InfillServer

DOWNLOAD, NOT_NOW = "Download", "Not now"
_TOKEN = "infill/pull"  # noqa: S105  (a progress token, not a secret)


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
        await _pull(server, file)
    except HubError as error:
        server.tell(types.MessageType.Error, str(error))
    else:
        server.apply_settings()


def _question(model: str, file: HubFile, known: CatalogModel | None) -> str:
    size = f" ({file.gigabytes:.1f} GB)" if file.gigabytes else ""
    licence = f"{known.licence.name}: {known.licence.summary}" if known else f"Its licence is on {file.repo}'s page."
    return f"infill: {model} is not here yet. Download it{size}? {licence} The embedded model serves meanwhile."


async def _pull(server: InfillServer, file: HubFile) -> None:
    """Download with progress, in a thread that does not keep the server from ending: what is here stays for later."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    window = server.client_capabilities.window
    shows_progress = bool(window and window.work_done_progress)
    if shows_progress:
        await server.work_done_progress.create_async(_TOKEN)
        server.work_done_progress.begin(
            _TOKEN, types.WorkDoneProgressBegin(title=f"infill: downloading {file.file}", percentage=0)
        )

    def report(here: int, total: int) -> None:
        if shows_progress and total:
            text = f"{here / 1e9:.2f} of {total / 1e9:.2f} GB"
            progress = types.WorkDoneProgressReport(percentage=here * 100 // total, message=text)
            server.work_done_progress.report(_TOKEN, progress)

    def end(error: HubError | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)

    def report_from_thread(here: int, total: int) -> None:
        loop.call_soon_threadsafe(report, here, total)

    def work() -> None:
        try:
            hub.pull(file, report_from_thread)
        except HubError as error:
            loop.call_soon_threadsafe(end, error)
        else:
            loop.call_soon_threadsafe(end, None)

    threading.Thread(target=work, name="infill-pull", daemon=True).start()
    try:
        await done
    finally:
        if shows_progress:
            server.work_done_progress.end(_TOKEN, types.WorkDoneProgressEnd())
