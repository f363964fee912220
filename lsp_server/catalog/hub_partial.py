"""Downloads that go on where they were stopped, by another call or another process.

huggingface-hub downloads into a file of its own for each call, which it deletes at the end, or leaves behind when it is
killed; nothing goes on with it. Here its `http_get` appends to `blobs/DIGEST.incomplete`, under the lock that the
library takes itself. Complete and verified, the file moves to where the library looks for the content before it
downloads any. `hf cache prune` deletes partial files of that name too.

It is plain HTTP where the hub has Xet storage too: a Xet transfer cannot be told how much is here already.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any

from lsp_server.catalog.hub_errors import damaged, room_for
from lsp_server.catalog.models import HubFile

_SHA256 = re.compile("[0-9a-f]{64}")
_LOCK_SECONDS = 0.1


def is_possible(digest: str, num_bytes: int) -> bool:
    """Whether a file can go on: its parts are only worth keeping where the digest of the whole is known."""
    from huggingface_hub import constants

    return bool(_SHA256.fullmatch(digest)) and 0 < num_bytes <= constants.MAX_HTTP_DOWNLOAD_SIZE


def fetch(file: HubFile, commit: str, digest: str, num_bytes: int, meter: type[Any]) -> None:
    """Bring the content with that SHA-256 digest into the cache; what `meter` raises stops it.

    Raises `HubError` for a full disk and for damaged content, of which nothing is kept, and what `http_get` raises.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import are_symlinks_supported
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    repository = _repository(file.repo)
    blob = repository / "blobs" / digest
    partial = blob.with_name(f"{digest}.incomplete")
    # Where links are impossible, the library has the content itself where the link would be.
    has_links = are_symlinks_supported(constants.HF_HUB_CACHE)
    place = blob if has_links else repository / "snapshots" / commit / file.file
    with WeakFileLock(_lock(file.repo, digest)):
        for abandoned in blob.parent.glob(f"{digest}.*.incomplete"):  # by the library, killed: we have the lock
            _delete(abandoned)
        if place.exists():  # another process had the lock, and now it is here
            _delete(partial)
            return
        with room_for(file, blob.parent, num_bytes, partial):
            _append(file, commit, partial, num_bytes, meter)
        if is_damaged(partial, digest):
            partial.unlink()
            raise damaged(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(place)


def is_damaged(path: Path, digest: str) -> bool:
    """Whether a file has another SHA-256 digest than the hub says, if it says any."""
    if not _SHA256.fullmatch(digest):
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() != digest


def remove_all(repo: str) -> int:
    """Delete the partial files of a repository that nobody is downloading; how many bytes they had."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    num_bytes = 0
    for partial in (_repository(repo) / "blobs").glob("*.incomplete"):
        digest = partial.name.partition(".")[0]
        with contextlib.suppress(TimeoutError), WeakFileLock(_lock(repo, digest), timeout=_LOCK_SECONDS):
            num_bytes += partial.stat().st_size
            _delete(partial)
    return num_bytes


def _append(file: HubFile, commit: str, partial: Path, num_bytes: int, meter: type[Any]) -> None:
    """Get what is missing of a partial file. Whatever goes wrong, it keeps what has arrived."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    try:
        with partial.open("ab") as content:
            if content.tell() > num_bytes:  # it cannot be the content's beginning
                content.truncate(0)
                content.seek(0)
            http_get(
                hf_hub_url(file.repo, file.file, revision=commit),
                content,
                resume_size=content.tell(),
                headers=build_hf_headers(),
                expected_size=num_bytes,
                tqdm_class=meter,
            )
    finally:
        if partial.exists() and not partial.stat().st_size:
            partial.unlink()


def _repository(repo: str) -> Path:
    """Where the cache has a repository: its content in `blobs`, named for digests, and links in `snapshots`."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def _lock(repo: str, digest: str) -> Path:
    """The file that the library locks while it downloads that content."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / ".locks" / _repository(repo).name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest}.lock"


def _delete(path: Path) -> None:
    """Delete a file if the system lets us: Windows does not while another process has it open."""
    with contextlib.suppress(OSError):
        path.unlink()
