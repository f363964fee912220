"""`python -m tests.eval` in this process, in a folder with settings of nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Result, caller, project, source
from tests.eval.__main__ import main

__all__ = ["evaluate", "project", "source"]


@pytest.fixture
def evaluate(project: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Call it."""
    return caller(main, capfd)
