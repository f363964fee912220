"""Files on the hub, through huggingface-hub and its cache, which other tools share.

The library is imported only when a file is asked for: a server that runs a file of its own needs none of it.
`HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and `HF_HUB_OFFLINE` mean what they mean everywhere.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsp_server.catalog.models import HubFile
from lsp_server.errors import HubError, ModelNotFoundError

# Bytes that are here, bytes in all.
Progress = Callable[[int, int], None]

_SHA256 = re.compile("[0-9a-f]{64}")
_TOO_MANY_REQUESTS = 429


def cached(file: HubFile) -> Path | None:
    """Where a file is, if it is on this machine. Raises `ModelNotFoundError` for what can be no repository's name."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(file.repo, file.file)
    except ValueError as error:
        raise ModelNotFoundError(f"{file.repo!r} is no name of a repository on the hub: {error}") from None
    return Path(found) if isinstance(found, str) else None


def pull(file: HubFile, progress: Progress = lambda _here, _total: None) -> Path:
    """Get a file, going on where the connection broke, and compare its digest with the hub's.

    Raises `HubError`. What could not be finished or is damaged is removed.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it tries several times, and says so each time
    try:
        path = Path(hf_hub_download(file.repo, file.file, tqdm_class=_meter(progress)))
        _verify(file, path)
    except HubError:
        raise
    except Exception as error:  # noqa: BLE001  (its HTTP client's errors have no base of their own)
        raise HubError(_explain(file, error)) from None
    return path


def remove(file: HubFile) -> bool:
    """Delete a file from the cache; false if it is not there. Other files of its repository stay."""
    path = cached(file)
    if path is None:
        return False
    blob = path.resolve()
    path.unlink()
    blob.unlink(missing_ok=True)
    return True


def _verify(file: HubFile, path: Path) -> None:
    """Compare a file with its digest, which the hub gives large files as their ETag, and the cache as their name."""
    blob = path.resolve()
    if not _SHA256.fullmatch(blob.name):
        return
    with blob.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != blob.name:
        remove(file)
        raise HubError(f"{file} arrived damaged: its digest is not the hub's. It was removed; pull it again.")


def _meter(progress: Progress) -> type[Any]:
    """A progress bar for huggingface-hub that only passes on what it is told."""
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options | {"disable": True})  # type: ignore[no-untyped-call]
            self._here, self._total = int(options.get("initial") or 0), int(options.get("total") or 0)
            progress(self._here, self._total)

        def update_transfer(self, n: float | None = 1) -> None:
            """What was transferred is not what is here, where the hub stores files in pieces; one number is enough."""

        def set_transfer_postfix_str(self, *arguments: Any, **options: Any) -> None:
            """Nothing to show."""

        def update(self, n: float | None = 1) -> bool | None:
            self._here += int(n or 0)
            progress(self._here, self._total)
            return None

    return Meter


def _explain(file: HubFile, error: Exception) -> str:
    """What went wrong, and what to do."""
    from huggingface_hub import errors

    cause = error.__cause__  # a file that is neither here nor to be had: why not
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, errors.HfHubHTTPError):
        error = cause
    if isinstance(error, errors.GatedRepoError):
        return f"{file.repo} is only for those who accepted its terms. Accept them on its page, and set HF_TOKEN."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"The hub has no repository {file.repo}, or not for you. Check the name, or set HF_TOKEN."
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return f"The repository {file.repo} has no file {file.file}. Look at its page for the files it has."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        if error.response.status_code == _TOO_MANY_REQUESTS:
            return "The hub wants fewer requests. Wait some minutes and pull again."
        return f"The hub answered {error.response.status_code} for {file}. Pull again later."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        size = f" It has {file.gigabytes:.1f} GB." if file.gigabytes else ""
        return f"The disk is full.{size} Make room, or set HF_HOME to another disk, and pull again."
    if isinstance(error, errors.OfflineModeIsEnabled | errors.LocalEntryNotFoundError):
        return f"{file} is not on this machine, and the hub cannot be reached. Check the network and HF_HUB_OFFLINE."
    return f"{file} could not be pulled ({type(error).__name__}: {error}). Pull again."
