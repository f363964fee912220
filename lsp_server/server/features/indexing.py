"""The server's part in indexing: which files are read when, and progress for clients that show it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lsprotocol import types

from lsp_server.index.database import counts, database_path
from lsp_server.index.messages import Event, Finished, Progress
from lsp_server.index.process import IndexProcess
from lsp_server.server.client.client import Client
from lsp_server.server.client.progress import LoadProgress
from lsp_server.server.documents import Documents
from lsp_server.server.live_settings import LiveSettings
from lsp_server.text.workspace import path_of

logger = logging.getLogger(__name__)

RESCAN_S = 30.0  # between two scans of all files, where the client does not watch them
WATCHERS = "infill/watch"


class Indexing:
    """Keeps the indexes of the workspace folders up to date while `context.index` is on."""

    def __init__(self, client: Client, documents: Documents, settings: LiveSettings) -> None:
        self._client = client
        self._documents = documents
        self._settings = settings
        self._process = IndexProcess(self._on_event)
        self._progress = LoadProgress(client, "infill/index", "infill: indexing the workspace")
        self._scanned: list[Path] = []
        self._scanned_at = 0.0
        self._is_watched = False
        self._running: set[str] = set()  # folders that are being scanned
        self._current_at: dict[str, datetime] = {}  # when each folder was last brought up to date

    def follow_settings(self) -> None:
        """Scan anew if the workspace folders or the setting have changed."""
        roots = list(self._documents.roots) if self._settings.current.context.index else []
        if roots != self._scanned:
            self._scanned = roots
            self._scan()

    def watch(self) -> None:
        """Ask the client to report changes of files, if it can."""
        if not self._client.capabilities.registers_watchers:
            return
        self._is_watched = True
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
        self._client.register_capability(WATCHERS, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)

    def changed(self, uris: Sequence[str]) -> None:
        """Index files that were written, made or deleted."""
        if self._scanned:
            paths = [path for uri in uris if (path := path_of(uri)) is not None]
            if paths:
                self._running.update(map(str, self._scanned))  # each folder looks at them
                self._process.update(paths)
            self.rescan()

    def rescan(self) -> None:
        """Scan all files where the client reports no changes, at most every `RESCAN_S`."""
        if self._scanned and not self._is_watched and time.monotonic() - self._scanned_at > RESCAN_S:
            self._scan()

    async def describe(self) -> list[str]:
        """One line for the index of each workspace folder, for a bug report."""
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
