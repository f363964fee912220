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
    when it `breaks`, it is reset each time; with `pause_at` it stops after so many bytes until `go_on` is set;
    with `slow` there is a moment between its pieces; `stated_bytes` is another size than a file has,
    `etag` another name than its digest.

    `requests` are what was asked for, `tokens` the parts of the hub that were shown one, `num_sent` bytes of content
    in all, `num_open` answers that are being sent.
    """

    files: dict[str, bytes]
    status: int = 200
    error_code: str = ""
    cut_after: int = 0
    damaged: bool = False
    stall: bool = False
    breaks: bool = False
    pause_at: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    slow: bool = False
    stated_bytes: int = 0
    etag: str = ""
    num_sent: int = 0
    num_open: int = 0
    tokens: set[str] = field(default_factory=set)
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
            app.router.add_get("/api/models/{owner}/{repo}/tree/{revision}", self._tree)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await asyncio.to_thread(ended.wait)
            self.go_on.set()
            await runner.cleanup()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        try:
            assert started.wait(20)
            yield self.url
        finally:
            ended.set()
            thread.join()

    def asked(self, method: str, part: str) -> list[str]:
        """The ranges of the requests of a method to a part of the hub: `resolve` or `content`."""
        return [asked for each, path, asked in self.requests if each == method and part in path.split("/")]

    def _note(self, request: web.Request, part: str) -> None:
        self.requests.append((request.method, request.path, request.headers.get("Range", "")))
        if "Authorization" in request.headers:
            self.tokens.add(part)

    async def _tree(self, request: web.Request) -> web.Response:
        """The files of a repository."""
        self._note(request, "tree")
        if self.status != 200:
            return web.Response(status=self.status, headers={"X-Error-Code": self.error_code})
        folder = "{owner}/{repo}/".format(**request.match_info)
        names = [name.removeprefix(folder) for name in self.files if name.startswith(folder)]
        return web.json_response([{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names])

    async def _resolve(self, request: web.Request) -> web.Response:
        """Where a file is, and its digest: large files are elsewhere."""
        self._note(request, "resolve")
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
            "X-Linked-Etag": f'"{self.etag or hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(self.stated_bytes or len(content)),
        }
        return web.Response(status=302, headers=headers)

    async def _content(self, request: web.Request) -> web.StreamResponse:
        self._note(request, "content")
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
        self.num_open += 1
        with contextlib.suppress(ConnectionResetError):  # the client left
            await self._send(response, content, start, end)
        self.num_open -= 1
        if end < len(content):
            assert request.transport is not None
            request.transport.close()
        return response

    async def _send(self, response: web.StreamResponse, content: bytes, start: int, end: int) -> None:
        for at in range(start, end, CHUNK):
            if self.pause_at and at >= self.pause_at:
                await asyncio.to_thread(self.go_on.wait)
            await asyncio.sleep(0.005 if self.slow else 0)
            await response.write(content[at : min(at + CHUNK, end)])
            self.num_sent += min(at + CHUNK, end) - at
