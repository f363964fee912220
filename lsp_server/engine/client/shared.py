"""The shared engine: one process for all of a user's servers with the same options, found by a record file.

A digest of version, options and the model's file names the record. A changed one of these leads to another engine. The
old engine ends once it has no client.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import filelock
import msgspec
import platformdirs

from lsp_server import __version__
from lsp_server.base.errors import EngineError
from lsp_server.engine.client.spawn import (
    SERVICE,
    START_TIMEOUT_S,
    Connection,
    make_client,
    package_folder,
    spawn_private,
)
from lsp_server.engine.sizing import hardware
from lsp_server.ipc.launch import EngineOptions, Launch, Listening, SharedEngineRecord

logger = logging.getLogger(__name__)

# Some systems have no runtime folder for users. One below the folder for temporary files serves as well.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")

# How long an engine waits for a client after the last has left. A restarted editor then finds the model loaded.
IDLE_SHUTDOWN_S = 120.0
MAX_LOG_BYTES = 1 << 20
_REQUEST_TIMEOUT_S = 5.0
_MAX_RESPONSE_BYTES = 1 << 16


@contextlib.asynccontextmanager
async def join_shared(options: EngineOptions) -> AsyncIterator[Connection]:
    """Find the engine that runs these options, or start it. It stays for other clients.

    Where no folder can have its record, a private engine serves. Raises `EngineError` if the engine does not start.
    """
    try:
        record = await asyncio.to_thread(find_or_start, options)
    except OSError as error:
        logger.warning("The shared engine cannot be started: %s. A private one serves.", error)
        async with spawn_private(options) as private:
            yield private
        return
    async with await make_client(record.port, record.token, secrets.token_hex(8)) as client:
        watching = asyncio.ensure_future(client.watch())

        async def ended() -> str:
            await asyncio.shield(watching)
            return f"Its log is {log_file(_key(options))}."

        try:
            yield Connection(client, ended)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


def folder() -> Path:
    """The folder of the records. Only the user may read it. Raises `OSError` if there can be none.

    It is in the runtime folder. That may be one that is not there and cannot be made: `su`, cron, containers and WSL
    keep or invent an XDG_RUNTIME_DIR. Then it is in the cache folder.
    """
    runtime = platformdirs.user_runtime_path("infill", ensure_exists=False) / "engines"
    try:
        return _private_folder(runtime)
    except OSError:
        return _private_folder(platformdirs.user_cache_path("infill") / "engines")


def _private_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)  # fails in a folder of another user's
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} is not writable")
    return path


def _files(pattern: str) -> list[Path]:
    try:
        return sorted(folder().glob(pattern))
    except OSError:  # where there can be no folder, there is no file
        return []


def log_file(key: str) -> Path:
    """The log of an engine."""
    return folder() / f"{key}.log"


def log_files() -> list[Path]:
    """All logs."""
    return _files("*.log")


def records() -> Iterator[tuple[str, SharedEngineRecord]]:
    """The running engines by key. Records of dead ones are deleted."""
    for path in _files("*.json"):
        record = _read(path)
        if record is not None and is_alive(record):
            yield path.stem, record
        else:
            path.unlink(missing_ok=True)


def is_alive(record: SharedEngineRecord) -> bool:
    """Whether the engine of a record accepts its token, and has the pid of the record."""
    _, body = _request(record, "GET", "/health")
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(body, type=_Health).pid == record.pid
    return False


def stop(record: SharedEngineRecord, *, with_clients: bool) -> bool:
    """End an engine. One with clients ends only `with_clients`. Returns whether it ends."""
    path = "/stop?clients=any" if with_clients else "/stop"
    return _request(record, "POST", path)[0] == http.HTTPStatus.NO_CONTENT


def find_or_start(options: EngineOptions) -> SharedEngineRecord:
    """The engine that runs these options. Starts it if there is none.

    Raises `EngineError`, or `OSError` if there is no place for its record.
    """
    key = _key(options)
    try:
        path = folder() / f"{key}.json"
        with filelock.FileLock(path.with_suffix(".lock"), timeout=START_TIMEOUT_S):
            record = _read(path)
            if record is not None and is_alive(record):
                return record
            _stop_unused()
            return _start(options, key, path)
    except filelock.Timeout:
        raise EngineError("Another program has been starting the shared engine for a minute. Try again.") from None


def _stop_unused() -> None:
    """End engines without clients, because memory seldom fits two models."""
    for _, record in records():
        stop(record, with_clients=False)


def _start(options: EngineOptions, key: str, path: Path) -> SharedEngineRecord:
    """Start an engine that outlives this process, and write its record."""
    launch = Launch(secrets.token_urlsafe(32), options, idle_shutdown_s=IDLE_SHUTDOWN_S, record=str(path))
    log = log_file(key)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, *SERVICE],
            cwd=package_folder(),
            env=hardware.environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    # The parent must wait for the child, or it stays behind as a zombie.
    threading.Thread(target=process.wait, name="infill-engine-wait", daemon=True).start()
    assert process.stdin is not None
    assert process.stdout is not None
    start_timer = threading.Timer(START_TIMEOUT_S, process.kill)
    start_timer.start()
    try:
        with process.stdin as standard_input, process.stdout as standard_output:
            standard_input.write(msgspec.json.encode(launch) + b"\n")
            standard_input.flush()
            listening = msgspec.json.decode(standard_output.readline(), type=Listening)
    except (OSError, msgspec.MsgspecError) as error:
        process.kill()
        raise EngineError(f"The shared engine did not start. Its log is {log}.") from error
    finally:
        start_timer.cancel()
    record = SharedEngineRecord(process.pid, listening.port, launch.token, __version__, options.model_path, time.time())
    new = path.with_suffix(".new")
    try:
        new.touch(mode=0o600)
        new.write_bytes(msgspec.json.encode(record))
        new.replace(path)
    except OSError:  # perhaps a full disk; without a record no server would find it
        process.kill()
        raise
    return record


def _key(options: EngineOptions) -> str:
    """The name of an engine's record: a digest of version, options and the state of the models' files."""
    files = " ".join(map(_state_of, filter(None, (options.model_path, options.draft_model_path))))
    spelt = f"{__version__} {files} ".encode() + msgspec.json.encode(options)
    return hashlib.blake2b(spelt, digest_size=10).hexdigest()


def _state_of(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:  # the engine reports it
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def _read(path: Path) -> SharedEngineRecord | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SharedEngineRecord)
    except (OSError, msgspec.MsgspecError):
        return None


class _Health(msgspec.Struct):
    """The part of a `/health` response that is read."""

    pid: int


def _request(record: SharedEngineRecord, method: str, path: str) -> tuple[int, bytes]:
    """Status and body of a response; 0 if there is none. Another program on this port does not have the token."""
    connection = http.client.HTTPConnection("127.0.0.1", record.port, timeout=_REQUEST_TIMEOUT_S)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {record.token}"})
        response = connection.getresponse()
        return response.status, response.read(_MAX_RESPONSE_BYTES)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
