"""The limits that Linux puts on the control groups of this process, as in a container.

Sources: `admin-guide/cgroup-v2.rst`, `admin-guide/cgroup-v1/memory.rst` and `scheduler/sched-bwc.rst` in Linux'
documentation, and proc_pid_mountinfo(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Limits:
    """The least limit of each kind; None without a limit. `cpus` may be a fraction. Memory is in bytes."""

    total_bytes: int | None = None
    free_bytes: int | None = None
    cpus: float | None = None


def read_limits(root: Path = Path("/")) -> Limits:
    """The limits of this process. A group's limit also holds for the groups in it.

    `root` is that of the file system.
    """
    totals, frees, cpus = [], [], []
    for folder in _groups(root):
        for names in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, used = (_number(folder / name) for name in names)
            if limit is not None:
                totals.append(limit)
                frees.append(max(0, limit - max(0, (used or 0) - _reclaimable(folder))))
        quota, period = _number(folder / "cpu.max"), _number(folder / "cpu.max", 1)
        if quota is None:
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is not None and quota > 0 and period:
            cpus.append(quota / period)
    return Limits(min(totals, default=None), min(frees, default=None), min(cpus, default=None))


def _groups(root: Path) -> Iterator[Path]:
    """The folders of the groups that this process is in, and of those around them."""
    mounts = [line.split(" - ") for line in _lines(root / "proc/self/mountinfo")]
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        for where, kind in (each for each in mounts if len(each) == 2):
            fields, (filesystem, *_, options) = where.split(), (*kind.split(), "", "")[:3]
            is_it = filesystem == "cgroup2" if not controllers else (
                filesystem == "cgroup" and bool({*controllers.split(",")} & {*options.split(",")})
            )  # fmt: skip
            if is_it and len(fields) > 4:
                yield from _folders(root, PurePosixPath(fields[4]), PurePosixPath(fields[3]), PurePosixPath(group))


def _folders(root: Path, mount: PurePosixPath, mounted: PurePosixPath, group: PurePosixPath) -> Iterator[Path]:
    """The folder of a group and of those around it. A container may see its own group only, as the mount's root."""
    inside = group.relative_to(mounted) if group.is_relative_to(mounted) else PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    for each in (inside, *inside.parents):
        yield root / mount.relative_to("/") / each


def _reclaimable(folder: Path) -> int:
    """Bytes of files that the kernel drops when memory is short."""
    found = dict(line.split(maxsplit=1) for line in _lines(folder / "memory.stat") if " " in line)
    text = found.get("total_inactive_file", found.get("inactive_file", ""))
    return int(text) if text.isdecimal() else 0


def _number(file: Path, column: int = 0) -> int | None:
    """A number of a file's first line; None for `max`, and for a file that is missing or has something else."""
    words = next(iter(_lines(file)), "").split()
    try:
        return int(words[column])
    except (IndexError, ValueError):
        return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
