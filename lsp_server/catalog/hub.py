"""Files on the Hugging Face hub, through the library huggingface-hub. Other tools share its cache.

The library is imported only when a file is wanted: a server that runs a file of its own does not need it.
`HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and `HF_HUB_OFFLINE` mean what they mean everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.base.errors import ModelNotFoundError
from lsp_server.catalog import hub_partial
from lsp_server.catalog.hub_errors import damaged, explained, no_such_file, room_for
from lsp_server.catalog.models import HubFile

# Receives the number of bytes that are here, and of all bytes. The download stops if it raises.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What the hub says of a file. `num_bytes` is 0 and `digest` is empty if the hub does not say."""

    file: HubFile
    commit: str
    num_bytes: int
    digest: str = ""
    is_here: bool = False


def cached(file: HubFile) -> Path | None:
    """Where a file is, if it is on this machine. Raises `ModelNotFoundError` for an impossible name."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(file.repo, file.file)
    except HFValidationError as error:
        raise ModelNotFoundError(f"{file.repo!r} is no name of a repository on the hub: {error}") from None
    except ValueError:
        raise ModelNotFoundError(
            f"{file.file!r} is no name of a file on the hub. It is a path inside the repository, such as model.gguf."
        ) from None
    return Path(found) if isinstance(found, str) else None


def look_up(file: HubFile) -> RemoteFile:
    """Ask the hub about a file, without downloading it. Raises `HubError`, which names the files that exist instead."""
    from huggingface_hub import HfApi, errors, get_hf_file_metadata, hf_hub_download, hf_hub_url

    _silence()
    with explained(file):
        try:
            found = hf_hub_download(file.repo, file.file, dry_run=True)
        except errors.RemoteEntryNotFoundError:
            raise no_such_file(file, HfApi().list_repo_files(file.repo)) from None
        if found.is_cached:
            return RemoteFile(file, found.commit_hash, found.file_size or 0, is_here=True)
        stated = get_hf_file_metadata(hf_hub_url(file.repo, file.file, revision=found.commit_hash))
        return RemoteFile(file, found.commit_hash, stated.size or 0, stated.etag or "")


def pull(remote: RemoteFile, progress: Progress = lambda _here, _total: None) -> Path:
    """Download a file, resuming where an earlier call stopped, and compare its digest with the hub's.

    Raises `HubError`. The part that has arrived is kept for the next call, unless it is damaged or the disk is full.
    """
    from huggingface_hub import constants, hf_hub_download

    _silence()
    file, meter = remote.file, _meter(progress)
    with explained(file):
        if hub_partial.is_possible(remote.digest, remote.num_bytes):
            hub_partial.fetch(file, remote.commit, remote.digest, remote.num_bytes, meter)
            return Path(hf_hub_download(file.repo, file.file, tqdm_class=meter))  # finds the content here
        with room_for(file, Path(constants.HF_HUB_CACHE), 0 if remote.is_here else remote.num_bytes):
            path = Path(hf_hub_download(file.repo, file.file, tqdm_class=meter))
        if hub_partial.is_damaged(path, remote.digest):
            remove(file)
            raise damaged(file)
    return path


def remove(file: HubFile) -> int:
    """Delete a file from the cache. If it is not there, delete the parts of its repository's files.

    Returns how many bytes were freed: 0 if there was nothing. Other complete files of the repository stay.
    """
    path = cached(file)
    if path is None:
        return hub_partial.remove_all(file.repo)
    if not path.is_symlink():
        num_bytes = path.lstat().st_size
        path.unlink()
        return num_bytes
    blob = path.parent / path.readlink()
    num_bytes = blob.lstat().st_size  # content shared between repositories has another link, and stays
    for link in (blob.parents[1] / "snapshots").rglob("*"):  # several revisions may have the same content
        if link.is_symlink() and link.resolve() == blob.resolve():
            link.unlink()
    blob.unlink(missing_ok=True)
    return num_bytes


def _silence() -> None:
    """Let huggingface-hub print nothing: it retries several times, and says so each time."""
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]


def _meter(progress: Progress) -> type[Any]:
    """A progress bar for huggingface-hub that prints nothing. It reports the numbers to `progress`."""
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options | {"disable": True})  # type: ignore[no-untyped-call]
            self._here, self._total = int(options.get("initial") or 0), int(options.get("total") or 0)
            progress(self._here, self._total)

        def update_transfer(self, n: float | None = 1) -> None:
            """Ignored: where the hub stores files in pieces, bytes transferred are not bytes that are here."""

        def set_transfer_postfix_str(self, *arguments: Any, **options: Any) -> None:
            """Nothing to show."""

        def update(self, n: float | None = 1) -> bool | None:
            self._here += int(n or 0)
            progress(self._here, self._total)
            return None

    return Meter
