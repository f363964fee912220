"""The server's part in indexing: when to look at which files, and progress for clients that show it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from lsp_server.index.database import counts, database_path
from lsp_server.index.messages import Event, Finished, Progress
from lsp_server.index.process import IndexProcess
from lsp_server.server.client.progress import LoadProgress
from lsp_server.text.workspace import path_of

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

logger = logging.getLogger(__name__)

RESCAN_S = 30.0  # at least between two looks at every file, where the client does not watch them
WATCHERS = "infill/watch"


class Indexing:
    """Keeps the indexes of the workspace folders up to date while the setting says so."""

    def __init__(self, server: InfillServer) -> None:
        self._server = server
        self._process = IndexProcess(self._on_event)
        self._progress = LoadProgress(server, "infill/index", "infill: indexing the workspace")
        self._scanned: list[Path] = []
        self._scanned_at = 0.0
        self._is_watched = False
        self._running: set[str] = set()  # folders that are being looked at
        self._current_at: dict[str, datetime] = {}  # when each folder was last brought up to date

    def follow_settings(self) -> None:
        """Settings or workspace folders may have changed."""
        roots = list(self._server.documents.roots) if self._server.settings.context.index else []
        if roots != self._scanned:
            self._scanned = roots
            self._scan()

    def watch(self) -> None:
        """Ask the client to tell of files that others change, if it can."""
        workspace = self._server.client_capabilities.workspace
        watched = workspace.did_change_watched_files if workspace else None
        if not (watched and watched.dynamic_registration):
            return
        self._is_watched = True
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
        registration = types.Registration(WATCHERS, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        self._server.protocol.send_request(types.CLIENT_REGISTER_CAPABILITY, types.RegistrationParams([registration]))

    def changed(self, uris: Sequence[str]) -> None:
        """Files were written, made or deleted."""
        if self._scanned:
            paths = [path for uri in uris if (path := path_of(uri)) is not None]
            self._running.update(
                str(root) for root in self._scanned if any(path.is_relative_to(root) for path in paths)
            )
            self._process.update(paths)
            self.rescan()

    def rescan(self) -> None:
        """Look at every file where nobody tells of changes; not more often than is cheap."""
        if self._scanned and not self._is_watched and time.monotonic() - self._scanned_at > RESCAN_S:
            self._scan()

    async def describe(self) -> list[str]:
        """A line on the index of each workspace folder, for a bug report."""
        if not self._scanned:
            return ["no index: switched off, or no workspace folder"]
        return [await self._describe(root) for root in self._scanned]

    async def _describe(self, root: Path) -> str:
        found = await asyncio.to_thread(counts, database_path(root))
        size = f"{found[0]} files, {found[1]} definitions" if found else "none yet"
        current_at = self._current_at.get(str(root))
        since = f"up to date at {current_at.isoformat(timespec='seconds')}" if current_at else "not looked at yet"
        return f"index of {root.name}: {size}, {since}{', indexing now' if str(root) in self._running else ''}"

    async def stop(self) -> None:
        """End the indexing process."""
        await self._process.stop()

    def _scan(self) -> None:
        self._scanned_at = time.monotonic()
        self._running = set(map(str, self._scanned))
        self._process.scan(self._scanned)

    def _on_event(self, event: Event) -> None:
        match event:
            case Progress(_, fraction):
                self._progress.report(fraction)
            case Finished(root, num_read, num_files):
                self._running.discard(root)
                self._current_at[root] = datetime.now().astimezone()
                self._progress.end(f"{num_files} files")
                logger.info("index of %s: %d files, %d read", Path(root).name, num_files, num_read)
