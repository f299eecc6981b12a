"""The event study on made-up markets whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from undertow_statistics import study as module
from undertow_statistics.study import TASKS, Era, LabelSet, Study

_NOWCAST, _EARLY = TASKS
_DAYS = np.arange(10_000, 11_500)
_EVENTS = [(int(onset), int(onset)) for onset in range(10_100, 11_450, 90)]


def _study(replicates: int = 200, **predictors: np.ndarray) -> Study:
    roles = {"cmsi": "subject"} | {name: "baseline" for name in predictors if name != "cmsi"}
    label_set = LabelSet("price", np.ones(len(_DAYS), dtype=bool), _EVENTS)
    eras = [Era("first", 10_000, 10_799), Era("second", 10_800, 11_499)]
    return Study(_DAYS, predictors, roles | {"climatology": "baseline"}, [label_set], eras, replicates)


def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(_DAYS))


def _seeing(task: module.Task, strength: float, seed: int) -> np.ndarray:
    scores = _noise(seed)
    for onset, _ in _EVENTS:
        inside = (onset + task.window[0] <= _DAYS) & (onset + task.window[1] >= _DAYS)
        scores[inside] += strength
    return scores


def test_labels_by_hand() -> None:
    is_measured = np.ones(100, dtype=bool)
    is_measured[30] = False
    label_set = LabelSet("any", is_measured, [(40, 46)])
    study = Study(np.arange(100), {}, {}, [label_set], [])
    now = module.sample(study, _NOWCAST, label_set, Era("all", 0, 99))
    assert list(np.flatnonzero(now.is_positive)) == [40, 41, 42, 43]
    # Still inside the event, but no longer its beginning: neither stress nor calm. Day 30 was not measured.
    assert list(np.flatnonzero(~now.counts)) == [30, 44, 45, 46]
    early = module.sample(study, _EARLY, label_set, Era("all", 0, 99))
    assert list(np.flatnonzero(early.is_positive)) == [26, 27, 28, 29, *range(31, 40)]
    # The fortnight after an onset says nothing about a warning, and of the last fortnight nobody knows yet.
    assert list(np.flatnonzero(~early.counts)) == [30, *range(40, 55), *range(86, 100)]


def test_what_sees_events_is_better_and_what_does_not_is_not() -> None:
    metrics, comparisons = module.evaluate(_study(cmsi=_seeing(_NOWCAST, 4, 1), blind=_noise(2)))
    now = {row["predictor"]: row for row in metrics if row["task"] == "nowcast" and row["era"] == "second"}
    assert now["cmsi"]["auroc"] > 0.95 and now["cmsi"]["auroc_low"] > 0.9
    assert now["blind"]["auroc_low"] < 0.5 < now["blind"]["auroc_high"]
    assert now["cmsi"]["event_count"] == 7
    assert now["cmsi"]["threshold_origin"] == "earlier days" and now["cmsi"]["brier_skill"] > 0.3
    assert now["cmsi"]["detection_ratio"] > now["blind"]["detection_ratio"]
    verdicts = {
        (row["task"], row["compared_with"]): row["verdict"]
        for row in comparisons
        if row["era"] == "second" and row["metric"] == "auroc"
    }
    assert verdicts["nowcast", "blind"] == "better"
    assert verdicts["early_warning", "blind"] == "not distinguished"


def test_a_baseline_that_is_better_is_said_to_be() -> None:
    _, comparisons = module.evaluate(_study(cmsi=_noise(3), sharp=_seeing(_EARLY, 4, 4)))
    row = next(row for row in comparisons if row["task"] == "early_warning" and row["compared_with"] == "sharp")
    assert row["verdict"] == "worse" and row["difference_high"] < 0


def test_comparisons_are_on_the_days_both_have() -> None:
    late = _noise(6)
    late[:1000] = np.nan
    _, comparisons = module.evaluate(_study(cmsi=_seeing(_NOWCAST, 2, 5), late=late))
    row = next(row for row in comparisons if row["compared_with"] == "late" and row["task"] == "nowcast")
    assert row["era"] == "second" and row["day_count"] == 500 and row["event_count"] == 5


def test_few_events_allow_no_verdict() -> None:
    assert module.verdict(4, 0.1, 0.2, 0.1, 0.2) == "too few events"
    assert module.verdict(5, 0.1, 0.2, 0.1, 0.2) == "better"
    assert module.verdict(5, 0.1, 0.2, -0.1, 0.2) == "not distinguished", "one event carries it"
    assert module.verdict(5, -0.2, -0.1, -0.2, -0.1) == "worse"
    assert module.verdict(9, float("nan"), float("nan"), 0.1, 0.2) == "not distinguished"


def test_it_is_the_same_again() -> None:
    study = _study(cmsi=_seeing(_NOWCAST, 1, 7), other=_noise(8))
    assert module.evaluate(study) == module.evaluate(study)
    assert module.placebo(study) == module.placebo(study)


def test_placebo_tells_a_finding_from_chance() -> None:
    seeing = [row for row in module.placebo(_study(cmsi=_seeing(_NOWCAST, 3, 9))) if row["task"] == "nowcast"]
    assert len(seeing) == 2 and all(row["p_value"] < 0.05 for row in seeing)
    blind = [row for row in module.placebo(_study(cmsi=_noise(10))) if row["task"] == "nowcast"]
    assert all(row["p_value"] > 0.05 for row in blind)
    assert all(abs(row["placebo_auroc_mean"] - 0.5) < 0.1 for row in [*seeing, *blind])


def test_every_miss_and_every_false_alarm_is_named() -> None:
    quiet = np.zeros(len(_DAYS))
    quiet[[onset - 10_000 for onset, _ in _EVENTS[:-1]]] = 5
    quiet[1045] = 5
    rows = [row for row in module.misses(_study(cmsi=quiet)) if row["task"] == "nowcast"]
    told = {(row["kind"], module.number_of(row["date"])) for row in rows}
    assert ("false alarm", 11_045) in told
    assert ("missed event", _EVENTS[-1][0]) in told
    assert not {("missed event", onset) for onset, _ in _EVENTS[:-1]} & told


def test_controls_are_held_against_earlier_days() -> None:
    scores = np.zeros(len(_DAYS))
    scores[[100, 200]] = 5
    scores[[900, 901]] = [9, 9]
    rows = module.controls(_study(cmsi=scores), [("loud", 10_900, 10_901), ("still", 11_000, 11_002)])
    assert [(row["control"], row["is_quiet"], row["threshold_origin"]) for row in rows] == [
        ("loud", False, "earlier days"),
        ("still", True, "earlier days"),
    ]


def test_climatology_knows_no_event_of_the_last_month() -> None:
    study = _study(cmsi=_noise(11))
    one = module.sample(study, _NOWCAST, study.label_sets[0], study.eras[1])
    before = module.with_fitted(study, one).predictors["climatology"]
    later = replace(study.label_sets[0], events=[*_EVENTS[:-3], (11_300, 11_300)])
    after = module.with_fitted(replace(study, label_sets=[later]), replace(one, label_set=later)).predictors[
        "climatology"
    ]
    first_new = _EVENTS[-3][0] - 10_000
    assert np.array_equal(before[: first_new + 30], after[: first_new + 30], equal_nan=True)
    assert before[:30] == pytest.approx(np.full(30, np.nan), nan_ok=True)
