"""Measures against scikit-learn and against cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from undertow_statistics import measures

_CASES = st.integers(0, 10_000)


def _weights(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row = labels.astype(float)[None, :]
    return row, 1 - row


@given(_CASES)
def test_rank_measures_are_those_of_scikit_learn(case: int) -> None:
    random = np.random.default_rng(case)
    count = int(random.integers(5, 80))
    # Few distinct scores, so that ties are common.
    scores = random.integers(0, 12, count).astype(float)
    labels = random.random(count) < 0.3
    labels[:2] = [True, False]
    weights = random.integers(0, 4, (3, count)).astype(float)
    weights[:, :2] = 1
    positives, negatives = weights * labels, weights * ~labels
    area, precision = (f(scores, positives, negatives) for f in (measures.auroc, measures.average_precision))
    for row in range(3):
        assert area[row] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights[row]), abs=1e-12)
        expected = average_precision_score(labels, scores, sample_weight=weights[row])
        assert precision[row] == pytest.approx(expected, abs=1e-12)


def test_a_row_with_one_kind_of_day_has_no_value() -> None:
    scores = np.array([1.0, 2.0, 3.0])
    positives, negatives = _weights(np.array([True, True, True]))
    assert np.isnan(measures.auroc(scores, positives, negatives)).all()
    assert np.isnan(measures.average_precision(scores, positives, negatives)).all()
    assert np.isnan(measures.auroc(scores, negatives, positives)).all()


def test_usefulness_by_hand() -> None:
    labels = np.array([True] * 2 + [False] * 8)
    assert measures.usefulness(labels, labels, 0.8) == pytest.approx(1)
    assert measures.usefulness(np.zeros(10, dtype=bool), labels, 0.5) == pytest.approx(0)
    # One of two days caught, one false alarm in eight: L = 0.8*0.2*0.5 + 0.2*0.8*0.125 = 0.1, of 0.16 without.
    alarms = np.array([True, False, True] + [False] * 7)
    assert measures.usefulness(alarms, labels, 0.8) == pytest.approx((0.16 - 0.1) / 0.16)
    assert np.isnan(measures.usefulness(alarms, np.zeros(10, dtype=bool), 0.8))


@given(_CASES, st.sampled_from([0.5, 0.7, 0.8, 0.9]))
def test_best_threshold_is_best(case: int, preference: float) -> None:
    random = np.random.default_rng(case)
    scores = random.integers(0, 9, 40).astype(float)
    labels = random.random(40) < 0.25
    labels[:2] = [True, False]
    best = measures.usefulness(scores >= measures.best_threshold(scores, labels, preference), labels, preference)
    every = [measures.usefulness(scores >= threshold, labels, preference) for threshold in [*np.unique(scores), np.inf]]
    # Never to alarm is one of the choices, so the loss is least; usefulness counts from ignoring or always alarming.
    assert best == pytest.approx(max(every))


def test_an_alarm_that_goes_on_counts_again() -> None:
    assert measures.episodes(np.array([5, 6, 18, 19, 40])) == [(5, 18), (19, 19), (40, 40)]
    assert measures.episodes(np.arange(28)) == [(0, 13), (14, 27)]
    assert measures.episodes(np.empty(0, dtype=np.int64)) == []


def test_budget_threshold_keeps_the_budget() -> None:
    days = np.arange(0, 731)
    scores = np.zeros(731)
    scores[[100, 300, 500, 700]] = [4, 3, 2, 1]
    # Two years with one episode each: the two highest peaks.
    assert measures.budget_threshold(scores, days, 1.0) == 3
    # A score that is always high would need an episode every fortnight.
    assert measures.budget_threshold(np.ones(731), days, 4.0) == np.inf


def test_alarms_are_held_against_events() -> None:
    events = [(100, 103), (200, 200), (300, 300)]
    record = measures.alarm_record(np.array([98, 101, 150, 199, 214]), events, (0, 3))
    assert record.detected == {100: 101}
    assert record.missed == [200, 300]
    assert record.false == [(150, 150)]
    early = measures.alarm_record(np.array([98, 101, 150, 199, 214]), events, (-14, -1))
    assert early.detected == {100: 98, 200: 199}


def test_probabilities_come_from_the_train_days_alone() -> None:
    train_scores = np.array([0.0, 1.0, 2.0, 3.0])
    train_labels = np.array([False, True, False, True])
    predicted = measures.calibrated(train_scores, train_labels, np.array([-5.0, 1.5, 9.0]))
    assert predicted == pytest.approx([0.0, 0.5, 1.0])
    assert measures.brier(predicted, np.array([False, True, True])) == pytest.approx(0.25 / 3)
