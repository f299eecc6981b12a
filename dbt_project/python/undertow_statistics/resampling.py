"""Resamples that respect that neighbouring days are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def block_weights(day_count: int, block: int, replicates: int, seed: int) -> Floats:
    """How often each day occurs in each moving-block resample of as many days: one row per resample.

    Blocks start anywhere and do not wrap around the end; the last one is cut to length.
    """
    random = np.random.default_rng(seed)
    block = min(block, day_count)
    block_count = -(-day_count // block)
    starts = random.integers(0, day_count - block + 1, size=(replicates, block_count))
    days = (starts[:, :, None] + np.arange(block)).reshape(replicates, -1)[:, :day_count]
    offsets = np.arange(replicates)[:, None] * day_count
    counts = np.bincount((days + offsets).ravel(), minlength=replicates * day_count)
    return counts.reshape(replicates, day_count).astype(np.float64)


def without_each(days: NDArray[np.int64], events: list[tuple[int, int]], reach: int = 14) -> Floats:
    """Weights that leave out one event with the days around it: one row per event."""
    weights = np.ones((len(events), len(days)))
    for row, (onset, last) in enumerate(events):
        weights[row, (days >= onset - reach) & (days <= last + reach)] = 0.0
    return weights


def interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resampled values; no interval if fewer than nine in ten have a value."""
    held = values[np.isfinite(values)]
    if not len(held) or len(held) < 0.9 * len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(held, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def shifts(day_count: int, replicates: int, least: int, seed: int) -> NDArray[np.int64]:
    """Random circular offsets of a series, none smaller than `least` days either way."""
    random = np.random.default_rng(seed)
    if day_count <= 2 * least:
        return np.empty(0, dtype=np.int64)
    return random.integers(least, day_count - least, size=replicates)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjustment: chance of any false finding in the family. NaN stays NaN and is no member."""
    held = sorted((p, at) for at, p in enumerate(p_values) if np.isfinite(p))
    adjusted = [float("nan")] * len(p_values)
    highest = 0.0
    for rank, (p, at) in enumerate(held):
        highest = max(highest, min(1.0, (len(held) - rank) * p))
        adjusted[at] = highest
    return adjusted
