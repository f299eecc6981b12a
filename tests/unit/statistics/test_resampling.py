"""Resamples: repeatable, of the right shape, and honest about what they leave out."""

from __future__ import annotations

import numpy as np
import pytest

from undertow_statistics import resampling


def test_the_same_seed_gives_the_same_resamples() -> None:
    one, two = (resampling.block_weights(200, 25, 50, seed=7) for _ in range(2))
    assert (one == two).all()
    assert (one != resampling.block_weights(200, 25, 50, seed=8)).any()


def test_resamples_are_whole_blocks() -> None:
    weights = resampling.block_weights(100, 25, 40, seed=1)
    assert (weights.sum(axis=1) == 100).all()
    # Where the count changes from one day to the next a block begins or ends: at most two edges for each of four.
    edges = (np.diff(weights, axis=1) != 0).sum(axis=1)
    assert edges.max() <= 8
    assert (resampling.block_weights(10, 25, 3, seed=1) == 1).all()


def test_blocks_widen_the_interval_of_what_clusters() -> None:
    random = np.random.default_rng(0)
    clustered = np.repeat(random.normal(size=20), 25)
    spread = {}
    for block in (1, 25):
        weights = resampling.block_weights(500, block, 400, seed=3)
        low, high = resampling.interval((weights @ clustered) / 500)
        spread[block] = high - low
    assert spread[25] > 3 * spread[1]


def test_an_interval_needs_nearly_all_resamples() -> None:
    values = np.arange(100.0)
    assert resampling.interval(values) == pytest.approx((2.475, 96.525))
    values[:11] = np.nan
    assert np.isnan(resampling.interval(values)).all()


def test_leaving_out_an_event_takes_the_days_around_it() -> None:
    weights = resampling.without_each(np.arange(100), [(20, 22), (90, 90)], reach=14)
    assert (np.flatnonzero(weights[0] == 0) == np.arange(6, 37)).all()
    assert (np.flatnonzero(weights[1] == 0) == np.arange(76, 100)).all()


def test_shifts_keep_their_distance() -> None:
    offsets = resampling.shifts(200, 500, 30, seed=2)
    assert offsets.min() >= 30 and offsets.max() <= 170
    assert not len(resampling.shifts(50, 500, 30, seed=2))


def test_holm_by_hand() -> None:
    adjusted = resampling.holm([0.01, 0.04, float("nan"), 0.03])
    assert [adjusted[0], adjusted[1], adjusted[3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(adjusted[2])
    assert resampling.holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
