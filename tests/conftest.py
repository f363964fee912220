"""What all tests share: options, signals at their defaults, cases that take turns, and Hypothesis without a clock."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

# Machines differ and are shared: how long an example takes says nothing about the code.
hypothesis.settings.register_profile(
    "infill", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("infill")

TURNS = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected parts of tests/golden, ARCHITECTURE.md's code map, and the editors' pictures",
    )
    parser.addoption("--all-seeds", action="store_true", help="run every case of tests whose cases take turns")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TURNS] = number_of_commit()
    restore_signals()


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--all-seeds"):
        return "in turn: every case"
    return f"in turn: case {config.stash[TURNS]} modulo their number, by the commit; all of them with --all-seeds"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Draw one case of each `in_turn`, or take all with `--all-seeds`."""
    for mark in metafunc.definition.iter_markers("in_turn"):
        names, cases = mark.args
        if not metafunc.config.getoption("--all-seeds"):
            cases = [cases[metafunc.config.stash[TURNS] % len(cases)]]
        metafunc.parametrize(names, cases)


def number_of_commit() -> int:
    """A number that each commit has for itself; 0 outside of a repository."""
    command = ["git", "rev-parse", "--short=6", "HEAD"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="ascii")
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(found.stdout.strip()[:6], 16)


def restore_signals() -> None:
    """Handle the signals that tests send as a terminal's processes do.

    A shell starts background jobs with SIGINT ignored, and children inherit that: then Python installs no handler.
    """
    defaults: dict[str, Any] = {
        "SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGCHLD": signal.SIG_DFL,
    }  # fmt: skip
    for name, handler in defaults.items():
        number = getattr(signal, name, None)  # Windows has no SIGCHLD
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite what is expected instead of comparing with it."""
    return bool(request.config.getoption("--update-golden"))
