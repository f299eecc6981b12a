"""The composite on arrays against the method's golden vectors, and its first component."""

from __future__ import annotations

import numpy as np
import pytest

from undertow_statistics.composite import composite, first_component

_SCORES = np.array([[0.9, 0.8, 0.7, 0.95, 0.6, 0.5]])
_WEIGHTS = np.full(6, 1 / 6)


def _one_day(is_usable: np.ndarray, prior: float = 0.5) -> float:
    # Without valid pillars the moments keep the prior, so that the correlations are the vector's.
    nothing = np.zeros((1, 6), dtype=bool)
    return float(composite(_SCORES, _SCORES, nothing, is_usable, _WEIGHTS, 0.97, prior)[0])


def test_golden_vectors() -> None:
    everything = np.ones((1, 6), dtype=bool)
    assert _one_day(everything) == pytest.approx(56.831867, abs=1e-6)
    assert _one_day(everything, prior=0.8) == pytest.approx(67.766962, abs=1e-6)
    without_fourth = everything.copy()
    without_fourth[0, 3] = False
    assert _one_day(without_fourth) == pytest.approx(54.405882, abs=1e-6)


def test_too_little_coverage_has_no_value() -> None:
    assert np.isnan(_one_day(np.array([[True, True, True, False, False, False]])))


def test_versions_side_by_side_are_those_one_by_one() -> None:
    random = np.random.default_rng(4)
    scores = random.random((3, 60, 6))
    is_valid = random.random((60, 6)) > 0.1
    together = composite(scores, scores, is_valid, is_valid, _WEIGHTS, 0.94)
    for version in range(3):
        alone = composite(scores[version], scores[version], is_valid, is_valid, _WEIGHTS, 0.94)
        assert np.allclose(together[version], alone, atol=1e-12, equal_nan=True)


def test_first_component_looks_back_only() -> None:
    random = np.random.default_rng(5)
    common = random.normal(size=500)
    scores = common[:, None] + 0.3 * random.normal(size=(500, 4))
    months = np.arange(500) // 30
    values = first_component(scores, months)
    assert np.isnan(values[:180]).all() and np.isfinite(values[210:]).all()
    assert np.corrcoef(values[210:], common[210:])[0, 1] > 0.95
    changed = scores.copy()
    changed[400:] *= -3
    # A month's loadings rest on the days before it: what comes later cannot change what was said.
    assert np.array_equal(first_component(changed, months)[:400], values[:400], equal_nan=True)
