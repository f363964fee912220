"""The key of `infill engine serve`. It is made once, in a file that only its user can read."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import platformdirs

from lsp_server.base.errors import EngineError


def key_file() -> Path:
    """The path of the key's file."""
    return platformdirs.user_state_path("infill") / "engine.key"


def read_or_make() -> str:
    """The key. Raises `EngineError` if others could have read it, or if it can neither be read nor made."""
    path = key_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            _make(path)
        _require_private(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"The engine's key cannot be kept in {path}: {error}.") from None
    if not key:
        raise EngineError(f"The engine's key in {path} is empty. Delete the file: another is made.")
    return key


def _make(path: Path) -> None:
    """Write a key, private from the first byte. Raises `FileExistsError` if there is one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def _require_private(path: Path) -> None:
    status = path.stat()
    if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise EngineError(f"Others can read or have made {path}, the engine's key. Delete the file: another is made.")
