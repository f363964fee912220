"""Downloads that another call or another process can resume.

In huggingface-hub each call downloads into a file of its own. The call deletes that file at its end, or leaves it
behind when it is killed; no other call resumes it. Here the library's `http_get` appends to `blobs/DIGEST.incomplete`,
under the library's own lock. When the file is complete and verified, it moves to where the library looks for content
before a download. `hf cache prune` deletes partial files of that name too.

Plain HTTP is used even if the hub has Xet storage: a Xet transfer cannot be told how much is here already.
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
    """Whether a download can be resumed: a part is worth keeping only if the digest of the whole is known."""
    from huggingface_hub import constants

    return bool(_SHA256.fullmatch(digest)) and 0 < num_bytes <= constants.MAX_HTTP_DOWNLOAD_SIZE


def fetch(file: HubFile, commit: str, digest: str, num_bytes: int, meter: type[Any]) -> None:
    """Bring the content with that SHA-256 digest into the cache. It stops if `meter` raises.

    Raises `HubError` for a full disk and for damaged content, and keeps nothing then. Raises what `http_get` raises.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import are_symlinks_supported
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    repository = _repository(file.repo)
    blob = repository / "blobs" / digest
    partial = blob.with_name(f"{digest}.incomplete")
    # If links are impossible, the library stores the content itself where the link would be.
    has_links = are_symlinks_supported(constants.HF_HUB_CACHE)
    place = blob if has_links else repository / "snapshots" / commit / file.file
    with WeakFileLock(_lock(file.repo, digest)):
        for abandoned in blob.parent.glob(f"{digest}.*.incomplete"):  # of a library that was killed: we have the lock
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
    """Whether a file's SHA-256 digest differs from the hub's. False if the hub says none."""
    if not _SHA256.fullmatch(digest):
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() != digest


def remove_all(repo: str) -> int:
    """Delete the partial files of a repository that nobody is downloading. Returns how many bytes they had."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    num_bytes = 0
    for partial in (_repository(repo) / "blobs").glob("*.incomplete"):
        digest = partial.name.partition(".")[0]
        with contextlib.suppress(TimeoutError), WeakFileLock(_lock(repo, digest), timeout=_LOCK_SECONDS):
            num_bytes += partial.stat().st_size
            _delete(partial)
    return num_bytes


def _append(file: HubFile, commit: str, partial: Path, num_bytes: int, meter: type[Any]) -> None:
    """Download what is missing of a partial file. Whatever goes wrong, the part that has arrived stays."""
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
    """The cache's folder of a repository: content in `blobs`, named by digest, and links in `snapshots`."""
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
