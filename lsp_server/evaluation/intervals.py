"""How sure a mean is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
_SEED = 20261123


def mean_interval(values: npt.ArrayLike, groups: npt.ArrayLike) -> tuple[float, float, float]:
    """The mean of some values and its bootstrap interval of 95 percent, whole groups drawn: (mean, low, high).

    Values of one group are alike, as cuts in one line are; `groups` numbers each value's.
    """
    values = np.asarray(values, dtype=float)
    sums, counts = np.bincount(np.asarray(groups), values), np.bincount(np.asarray(groups))
    drawn = np.random.default_rng(_SEED).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(values.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
