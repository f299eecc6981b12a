"""The composite's maths on arrays, for variants of it that are only ever compared.

The index itself is SQL; a test holds that this gives the same with the same choices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def composite(
    scores: Floats,
    mid_scores: Floats,
    is_valid: Flags,
    is_usable: Flags,
    weights: Floats,
    decay: float,
    prior: float = 0.5,
    least_coverage: float = 4 / 6,
) -> Floats:
    """100 times the root of x'Cx per day; NaN where the usable pillars do not carry enough weight.

    Args:
        scores, mid_scores: one row per day, one column per pillar; a leading axis holds several versions of them.
        is_valid, is_usable: one row per day, one column per pillar, the same for all versions.
        weights: of the pillars; they add up to one.
        decay: of the exponentially weighted moments, per valid day.
        prior: the correlation before anything is seen.
        least_coverage: weight of usable pillars from which there is a value.

    Returns:
        One value per day, with the leading axis of the scores.
    """
    day_count, count = scores.shape[-2:]
    moments = np.broadcast_to(((1 - prior) * np.eye(count) + prior) / 12, (*scores.shape[:-2], count, count))
    values = np.full(scores.shape[:-1], np.nan)
    deviations = np.where(is_valid, mid_scores - 0.5, 0.0)
    for day in range(day_count):
        decays = np.where(is_valid[day], np.sqrt(decay), 1.0)
        deviation = deviations[..., day, :]
        news = deviation[..., :, None] * deviation[..., None, :]
        moments = moments * np.outer(decays, decays) + (1 - decay) * news
        usable = np.flatnonzero(is_usable[day])
        coverage = weights[usable].sum()
        if coverage < least_coverage - 1e-12:
            continue
        held = moments[..., usable[:, None], usable]
        spread = np.sqrt(np.diagonal(held, axis1=-2, axis2=-1))
        exposures = weights[usable] * scores[..., day, usable] / coverage / spread
        squared = np.einsum("...i,...ij,...j->...", exposures, held, exposures)
        values[..., day] = 100 * np.sqrt(np.maximum(squared, 0.0))
    return values


def first_component(scores: Floats, months: NDArray[np.int64], least_days: int = 180) -> Floats:
    """First principal component, with loadings estimated at each month's start on the days before it.

    A column takes part once it has `least_days` values before the month; a day on which a column that takes part is
    missing has no value. Loadings are turned so that they add up to something positive.

    Args:
        scores: one row per day, one column per pillar, NaN where missing.
        months: number of the month of each day, not decreasing.
        least_days: days with every column needed before the first month that has a value.
    """
    values = np.full(len(scores), np.nan)
    starts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
    for start, end in zip(starts, np.append(starts[1:], len(months)), strict=True):
        before = scores[:start]
        columns = np.flatnonzero(np.isfinite(before).sum(axis=0) >= least_days)
        if len(columns) < 2:
            continue
        complete = before[:, columns]
        complete = complete[np.isfinite(complete).all(axis=1)]
        if len(complete) < least_days or (complete.std(axis=0) == 0).any():
            continue
        mean, spread = complete.mean(axis=0), complete.std(axis=0)
        _, vectors = np.linalg.eigh(np.corrcoef(complete, rowvar=False))
        loadings = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1)
        values[start:end] = ((scores[start:end][:, columns] - mean) / spread) @ loadings
    return values
