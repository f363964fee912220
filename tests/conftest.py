"""What all tests share: one option, and Hypothesis without a clock."""

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
