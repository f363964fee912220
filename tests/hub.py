"""A hub on loopback, for the real huggingface-hub client: redirects, ETags, ranges, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import web

COMMIT = "c0ffee" * 6 + "c0ff"
CHUNK = 64 * 1024


@dataclass
class Hub:
    """Files by `OWNER/REPOSITORY/FILE`. Each of the others is a fault that a test may set.

    `status` is the answer to everything, `error_code` goes with it; content is cut after `cut_after` bytes, once;
    `damaged` content has the right length and other bytes; with `stall` none is sent, and the connection stays;
    when it `breaks`, it is reset each time; `requests` are what was asked for.
    """

    files: dict[str, bytes]
    status: int = 200
    error_code: str = ""
    cut_after: int = 0
    damaged: bool = False
    stall: bool = False
    breaks: bool = False
    url: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Serve from a thread; yields the address."""
        started, ended = threading.Event(), threading.Event()

        async def serve() -> None:
            app = web.Application()
            app.router.add_route("*", "/{owner}/{repo}/resolve/{revision}/{file:.+}", self._resolve)
            app.router.add_get("/content/{name:.+}", self._content)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await asyncio.to_thread(ended.wait)
            await runner.cleanup()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            assert started.wait(20)
            yield self.url
        finally:
            ended.set()
            thread.join()

    async def _resolve(self, request: web.Request) -> web.Response:
        """Where a file is, and its digest: large files are elsewhere."""
        self.requests.append((request.method, request.path, request.headers.get("Range", "")))
        name = "/".join(request.match_info[part] for part in ("owner", "repo", "file"))
        if self.status != 200:
            return web.Response(
                status=self.status, headers={"X-Error-Code": self.error_code} if self.error_code else {}
            )
        if name not in self.files:
            known = any(other.startswith("/".join(name.split("/")[:2]) + "/") for other in self.files)
            code = "EntryNotFound" if known else "RepoNotFound"
            return web.Response(status=404 if known else 401, headers={"X-Error-Code": code, "X-Repo-Commit": COMMIT})
        content = self.files[name]
        headers = {
            # On another host, as the real hub's: what answers there is not asked for the file's digest.
            "Location": f"{self.url.replace('127.0.0.1', 'localhost')}/content/{name}",
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
        }
        return web.Response(status=302, headers=headers)

    async def _content(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, request.headers.get("Range", "")))
        content = self.files[request.match_info["name"]]
        if self.damaged:
            content = bytes(len(content))
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(content) - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        await response.prepare(request)
        if self.breaks:
            assert request.transport is not None
            request.transport.abort()
            return response
        while self.stall and request.transport is not None:  # noqa: ASYNC110  (until the client leaves)
            await asyncio.sleep(0.05)
        end = len(content)
        if self.cut_after:
            end, self.cut_after = self.cut_after, 0
        for at in range(start, end, CHUNK):
            await response.write(content[at : min(at + CHUNK, end)])
        if end < len(content):
            assert request.transport is not None
            request.transport.close()
        return response
