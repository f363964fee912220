"""The settings files: where they are, and how one is read. Every fault of a file is a `SettingsError`."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import platformdirs

from lsp_server.base.errors import SettingsError

SECTION = "infill"
PROJECT_FILE = ".infill.toml"
MAX_BYTES = 1 << 20


def user_file() -> Path:
    """The user's own settings file, whether it exists or not."""
    return platformdirs.user_config_path(SECTION) / "config.toml"


def read_file(path: Path) -> dict[str, Any] | None:
    """The values of a settings file, or None if there is no file. Raises `SettingsError` if it cannot be read."""
    try:
        return tomllib.loads(_text_of(path))
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        problem = "It is not UTF-8."
    except RecursionError:
        problem = "Its brackets are nested too deeply."
    except (OSError, ValueError) as error:  # of TOML too, and of a path with a NUL
        problem = f"{error}."
    raise SettingsError(f"{path}: {problem} The file is ignored until it is mended.")


def _text_of(path: Path) -> str:
    """The text without a byte order mark. A project may bring a link to a device, which has no end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if status.st_size > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return path.read_text(encoding="utf-8-sig")
