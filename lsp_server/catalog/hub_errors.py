"""Errors of the hub, as sentences that say what to do."""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from lsp_server.base.errors import HubError
from lsp_server.catalog.models import HubFile

_TOO_MANY_REQUESTS = 429
_HUNDREDTHS_ARE_COARSE = 100_000_000
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_QUANTISATION = re.compile(r"(?<![a-z0-9])(?:i?q\d\w*|b?f16|f32)", re.IGNORECASE)
_MAKE_ROOM = "Make room there, or set HF_HOME to a folder on another disk, and pull again."


def gigabytes(num_bytes: int) -> str:
    """A size for people to read, in the unit that suits it: GB (10^9 bytes), MB, kB or bytes."""
    if num_bytes >= _HUNDREDTHS_ARE_COARSE:
        return f"{num_bytes / 1e9:.2f} GB"
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} bytes"


@contextlib.contextmanager
def explained(file: HubFile) -> Iterator[None]:
    """Raise `HubError` for whatever goes wrong inside."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:  # noqa: BLE001  (its HTTP client's errors have no base of their own)
        raise HubError(_explain(file, error)) from None


@contextlib.contextmanager
def room_for(file: HubFile, folder: Path, num_bytes: int, partial: Path | None = None) -> Iterator[None]:
    """Write a file of that size into a folder. `partial` may have some of it already.

    Raises `HubError` before anything is written if the disk lacks the room. Raises it too, and removes `partial`, if
    the disk fills while the file is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    num_here = partial.stat().st_size if partial and partial.exists() else 0
    free = shutil.disk_usage(folder).free
    if free < num_bytes - num_here:
        needed = f"{gigabytes(num_bytes - num_here)}{' more' if num_here else ''}"
        raise HubError(f"{file} needs {needed}, and {folder} has {gigabytes(free)} free. {_MAKE_ROOM}")
    try:
        yield
    except OSError as error:
        if error.errno not in (*_FULL, errno.EFBIG):
            raise
        if partial:
            partial.unlink(missing_ok=True)
        raise HubError(_no_room(file, folder, num_bytes, error.errno)) from None


def _no_room(file: HubFile, folder: Path, num_bytes: int, number: int | None) -> str:
    size = gigabytes(num_bytes) if num_bytes else "an unknown size"
    if number == errno.EFBIG:
        return (
            f"{folder} takes no file as large as {file}, which has {size}; what had arrived was removed. "
            "Raise the limit (ulimit -f), or set HF_HOME to a folder on another disk, and pull again."
        )
    return f"The disk of {folder} is full. {file} has {size}; what had arrived was removed. {_MAKE_ROOM}"


def no_such_file(file: HubFile, names: Sequence[str]) -> HubError:
    """The error for a file that its repository lacks. It names those of `names` that may have been meant."""
    models = [name for name in names if name.endswith(".gguf")]
    wanted = quantisation(file.file)
    alike = [name for name in models if quantisation(name) == wanted] if wanted else []
    if not models:
        return HubError(f"{file.repo} has no file {file.file}, and no GGUF file at all. Look for another repository.")
    there_is = f"Of {wanted} it has: {', '.join(alike)}" if alike else f"Its GGUF files are: {', '.join(models)}"
    return HubError(
        f"{file.repo} has no file {file.file}. {there_is}. "
        f"Pull one of them: infill models pull {file.repo}:{(alike or models)[0]}"
    )


def damaged(file: HubFile) -> HubError:
    """The error for content whose digest is not the hub's."""
    return HubError(f"{file} arrived damaged: its digest is not the hub's. It was removed; pull it again.")


def quantisation(file_name: str) -> str:
    """The quantisation in a file's name, in capitals; empty if there is none."""
    found = _QUANTISATION.findall(file_name.removesuffix(".gguf"))
    return found[-1].upper() if found else ""


def _explain(file: HubFile, error: Exception) -> str:
    """What went wrong, and what to do."""
    from huggingface_hub import errors

    cause = error.__cause__  # why a file that is not here cannot be had
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
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"The disk is full. {_MAKE_ROOM}"
    if isinstance(error, errors.OfflineModeIsEnabled | errors.LocalEntryNotFoundError):
        return f"{file} is not on this machine, and the hub cannot be reached. Check the network and HF_HUB_OFFLINE."
    return f"{file} could not be pulled ({type(error).__name__}: {error}). Pull again: what arrived is kept."
