"""Medians, percentiles, and how sure a ratio or a mean is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CONFIDENCE_PERCENT = 95
_TAILS = ((100 - CONFIDENCE_PERCENT) / 2, (100 + CONFIDENCE_PERCENT) / 2)  # percentiles
_RATIO_RESAMPLES, _RATIO_SEED = 10_000, 1
_MEAN_RESAMPLES, _MEAN_SEED = 4000, 20261123


@dataclass(frozen=True, slots=True)
class Spread:
    """Count, median, 95th percentile, minimum and maximum of some samples."""

    n: int
    median: float
    p95: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of pairwise ratios, and the bounds of its bootstrap confidence interval of 95 percent."""

    n: int
    median: float
    low: float
    high: float


def spread(samples: Sequence[float]) -> Spread | None:
    """Describe samples. Returns None without samples."""
    if not samples:
        return None
    median, p95 = np.percentile(samples, [50, 95])
    return Spread(len(samples), round(float(median), 3), round(float(p95), 3), min(samples), max(samples))


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio | None:
    """The median of `over[i] / under[i]`. Pairs are resampled for its interval. Returns None without samples."""
    if not over:
        return None
    ratios = np.asarray(over) / np.asarray(under)
    picks = np.random.default_rng(_RATIO_SEED).integers(0, len(ratios), (_RATIO_RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), _TAILS)
    return Ratio(len(ratios), round(float(np.median(ratios)), 4), round(float(low), 4), round(float(high), 4))


def mean_interval(values: npt.ArrayLike, groups: npt.ArrayLike) -> tuple[float, float, float]:
    """The mean of some values and its bootstrap interval of 95 percent: (mean, low, high).

    `groups` numbers the group of each value. Values of one group are alike, as cuts in one line are.
    So whole groups are resampled.
    """
    values = np.asarray(values, dtype=float)
    sums, counts = np.bincount(np.asarray(groups), values), np.bincount(np.asarray(groups))
    picks = np.random.default_rng(_MEAN_SEED).integers(len(sums), size=(_MEAN_RESAMPLES, len(sums)))
    low, high = np.percentile(sums[picks].sum(axis=1) / counts[picks].sum(axis=1), _TAILS)
    return float(values.mean()), float(low), float(high)
