"""Medians, percentiles, and how sure a ratio is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
CONFIDENCE_PERCENT = 95
_SEED = 1


@dataclass(frozen=True, slots=True)
class Spread:
    """Count, median, 95th percentile, least and most of some samples."""

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
    """Describe samples; None if there are none."""
    if not samples:
        return None
    median, p95 = np.percentile(samples, [50, 95])
    return Spread(len(samples), round(float(median), 3), round(float(p95), 3), min(samples), max(samples))


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio | None:
    """The median of `over[i] / under[i]`, pairs resampled for its confidence interval; None without samples."""
    if not over:
        return None
    ratios = np.asarray(over) / np.asarray(under)
    picks = np.random.default_rng(_SEED).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    tail = (100 - CONFIDENCE_PERCENT) / 2
    low, high = np.percentile(np.median(ratios[picks], axis=1), [tail, 100 - tail])
    return Ratio(len(ratios), round(float(np.median(ratios)), 4), round(float(low), 4), round(float(high), 4))
