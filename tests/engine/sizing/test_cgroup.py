"""The limits of control groups, with file systems that are made up."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from lsp_server.engine.sizing.cgroup import Limits, read_limits
from lsp_server.engine.sizing.hardware import Gpu, detect_machine

MIB = 1 << 20
V1 = "33 31 0:30 {root} /sys/fs/cgroup/{name} rw,relatime - cgroup cgroup rw,{name}\n"
V2 = "41 31 0:38 {root} /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n"


def machine(root: Path, mounts: str, groups: str, files: dict[str, str]) -> Limits:
    """The limits where Linux shows these mounts, groups, and files below /sys/fs/cgroup."""
    shown = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups, **shown}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return read_limits(root)


def test_version_2(tmp_path) -> None:
    files = {
        "job/memory.max": f"{600 * MIB}\n", "job/memory.current": f"{200 * MIB}\n",
        "job/memory.stat": f"anon 5\ninactive_file {50 * MIB}\n", "job/cpu.max": "150000 100000\n",
    }  # fmt: skip
    found = machine(tmp_path, V2.format(root="/"), "0::/job\n", files)
    assert found == Limits(600 * MIB, 450 * MIB, 1.5)


def test_version_1_with_its_controllers_in_places_of_their_own(tmp_path) -> None:
    mounts = V1.format(root="/", name="memory") + V1.format(root="/", name="cpu,cpuacct")
    files = {
        "memory/a/b/memory.limit_in_bytes": f"{600 * MIB}\n", "memory/a/b/memory.usage_in_bytes": f"{100 * MIB}\n",
        "memory/a/b/memory.stat": f"inactive_file 1\ntotal_inactive_file {10 * MIB}\n",
        "memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/memory.usage_in_bytes": "0\n",
        "cpu,cpuacct/c/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }  # fmt: skip
    found = machine(tmp_path, mounts, "7:memory:/a/b\n6:cpu,cpuacct:/c\n5:name=systemd:/x\n", files)
    assert found == Limits(600 * MIB, 510 * MIB, 0.5)


def test_a_group_is_limited_by_those_around_it(tmp_path) -> None:
    files = {
        "a/b/c/memory.max": "max\n", "a/b/memory.max": f"{900 * MIB}\n", "a/memory.max": f"{700 * MIB}\n",
        "a/b/memory.current": f"{800 * MIB}\n", "a/memory.current": f"{100 * MIB}\n",
        "a/b/c/cpu.max": "max 100000\n", "a/cpu.max": "400000 100000\n",
    }  # fmt: skip
    found = machine(tmp_path, V2.format(root="/"), "0::/a/b/c\n", files)
    assert found == Limits(700 * MIB, 100 * MIB, 4.0)


@pytest.mark.parametrize(
    ("mounted", "group"),
    [
        ("/", "/"),  # a name space of its own
        ("/docker/1f", "/docker/1f"),  # the host's names, and a mount of this group only
        ("/docker/1f", "/other"),
        ("/", "/../../somewhere"),  # outside of the name space
    ],
)
def test_a_container_sees_its_own_group_as_the_root(tmp_path, mounted, group) -> None:
    files = {"memory.max": f"{600 * MIB}\n", "memory.current": "0\n", "cpu.max": "200000 100000\n"}
    assert machine(tmp_path, V2.format(root=mounted), f"0::{group}\n", files) == Limits(600 * MIB, 600 * MIB, 2.0)


@pytest.mark.parametrize("text", ["", "max", "max 100000", "garbage\n", "\x00", "-5 100000", "100000 0", "12.5"])
def test_what_is_no_limit_is_none(tmp_path, text) -> None:
    files = {"cpu.max": text, "memory.stat": text, "memory.max": "max\n", "memory.current": text}
    assert machine(tmp_path, V2.format(root="/"), "0::/\n", files) == Limits()


@pytest.mark.parametrize(
    ("mounts", "groups"), [("", ""), ("a b\n - \n", "::\nx\n0:\n"), ("1 2 3 4 - cgroup2\n", "0::/")]
)
def test_whatever_linux_says_nothing_fails(tmp_path, mounts, groups) -> None:
    assert machine(tmp_path, mounts, groups, {}) == Limits()
    assert read_limits(tmp_path / "nowhere") == Limits()


def test_more_used_than_allowed_leaves_nothing(tmp_path) -> None:
    files = {"memory.max": "100\n", "memory.current": "500\n"}
    assert machine(tmp_path, V2.format(root="/"), "0::/\n", files).free_bytes == 0


def test_the_limits_are_the_machine_s(tmp_path) -> None:
    files = {"memory.max": f"{600 * MIB}", "memory.current": f"{100 * MIB}", "cpu.max": "50000 100000"}
    machine(tmp_path, V2.format(root="/"), "0::/\n", files)
    integrated, card = Gpu("chip", 1 << 50, 1 << 50, is_integrated=True), Gpu("card", 1 << 50, 1 << 50)
    found = detect_machine((integrated, card), root=tmp_path)
    assert (found.num_cores, found.total_bytes) == (1, 600 * MIB)
    assert found.free_bytes <= 500 * MIB
    assert found.gpus[0].free_bytes == found.free_bytes, "the memory of the chip is the machine's"
    assert found.gpus[1] == card


def test_limits_beyond_the_machine_change_nothing(tmp_path) -> None:
    machine(tmp_path, V2.format(root="/"), "0::/\n", {"memory.max": "9223372036854771712", "cpu.max": "6400000 100000"})
    found = detect_machine(root=tmp_path)
    assert found.total_bytes == psutil.virtual_memory().total
    assert found.num_cores == detect_machine(root=tmp_path / "nowhere").num_cores
