"""Medians and how sure a ratio is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.measure.stats import ratio, spread

positive = st.floats(0.01, 1e6)


def test_a_spread_describes_its_samples() -> None:
    found = spread([3.0, 1.0, 2.0])
    assert found is not None
    assert (found.n, found.median, found.least, found.most) == (3, 2.0, 1.0, 3.0)


def test_without_samples_there_is_nothing_to_say() -> None:
    assert spread([]) is None
    assert ratio([], []) is None


def test_ratios_are_of_pairs_so_that_a_drift_of_both_does_not_show() -> None:
    found = ratio([1.0, 10.0, 100.0], [2.0, 20.0, 200.0])
    assert found is not None
    assert (found.median, found.low, found.high) == (0.5, 0.5, 0.5)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=30))
def test_the_median_lies_between_its_bounds_and_bounds_among_the_ratios(pairs: list[tuple[float, float]]) -> None:
    found = ratio([over for over, _ in pairs], [under for _, under in pairs])
    assert found is not None
    ratios = [over / under for over, under in pairs]
    assert found.low <= found.median <= found.high
    assert min(ratios) == pytest.approx(min(found.low, min(ratios)), abs=1e-4)
    assert max(ratios) == pytest.approx(max(found.high, max(ratios)), abs=1e-4)
