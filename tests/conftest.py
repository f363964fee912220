"""What all tests share: one option, bounded waiting, and Hypothesis without a clock."""

import time
from collections.abc import Callable

import hypothesis
import pytest

# Machines differ and are shared: how long an example takes says nothing about the code.
hypothesis.settings.register_profile(
    "infill", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("infill")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected parts of tests/golden")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether to rewrite what is expected instead of comparing with it."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def wait_until():
    """Wait for a condition, without end to a test's patience but a generous one."""

    def wait(condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < give_up, "waited in vain"
            time.sleep(0.01)

    return wait
