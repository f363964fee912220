from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub import Hub

REPO, FILE = "TheBloke/deepseek-coder-1.3b-base-GGUF", "deepseek-coder-1.3b-base.Q4_K_M.gguf"
CONTENT = b"GGUF" + bytes(range(256)) * 2000


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that has one model of the catalogue."""
    served = Hub({f"{REPO}/{FILE}": CONTENT})
    with served.running():
        yield served


@pytest.fixture
def infill(hub: Hub, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call `infill` as a user does, with that hub and an empty cache; huggingface-hub reads both once, at its start."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hub"), "XDG_CONFIG_HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "lsp_server", *arguments],
            env={**inherited, **own, **environment},
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            cwd=tmp_path,
            check=False,
            timeout=120,
        )

    return call
