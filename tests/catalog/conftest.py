from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import Hub

REPO, FILE = "TheBloke/deepseek-coder-1.3b-base-GGUF", "deepseek-coder-1.3b-base.Q4_K_M.gguf"
NAME = "deepseek-coder-1.3b-base"
CONTENT = b"GGUF" + bytes(range(256)) * 2000
# Several times what the client keeps at once, which is ten megabytes.
LARGE = b"GGUF" + bytes(25_000_000)

# The command in a process whose clock is fast: huggingface-hub waits up to 8 s before it tries again, five times.
WITHOUT_WAITING = """
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 100)
from lsp_server.cli import main
sys.exit(main())
"""


def blobs(home: Path) -> list[Path]:
    """What the cache has of content, parts of it too.

    By `os.walk`, which passes over folders that the client deletes meanwhile; `rglob` raises.
    """
    folders = (Path(folder) for folder, _, _ in os.walk(home))
    return [path for folder in folders if folder.name == "blobs" for path in folder.iterdir() if path.is_file()]


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The error: one line that begins with the command's name."""
    assert result.returncode == 1, result.stdout
    [line] = result.stderr.splitlines()
    assert line.startswith("infill: ")
    return line


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that has one model of the catalogue."""
    served = Hub({f"{REPO}/{FILE}": CONTENT})
    with served.running():
        yield served


@pytest.fixture
def start(hub: Hub, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `infill` as users do, with that hub and an empty cache, which huggingface-hub reads once, at its start.

    Unless it `waits`, it tries again at once.
    """
    started = []

    def start(
        *arguments: str, options: dict[str, Any] | None = None, waits: bool = True, **environment: str
    ) -> subprocess.Popen[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub"), "XDG_CONFIG_HOME": str(tmp_path)}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, *(("-m", "lsp_server") if waits else ("-c", WITHOUT_WAITING)), *arguments],
            env={**inherited, **own, **environment},
            encoding="utf-8",
            cwd=tmp_path,
            **{**pipes, **(options or {})},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def infill(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call it and wait for its end."""

    def call(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, **options)
        return subprocess.CompletedProcess(arguments, process.wait(120), *process.communicate())

    return call
