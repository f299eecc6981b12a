"""The event study: predictors held against events, per task, label set and era."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from undertow_statistics import measures, resampling

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Row = dict[str, object]

BLOCK_DAYS = 25
EPISODES_A_YEAR = 4.0
PREFERENCES = (0.5, 0.7, 0.8, 0.9)
LEAST_EVENTS = 5
"""With fewer events nothing is said about which predictor is better."""

_EPOCH = date(1970, 1, 1)
_LEAST_BASIS_DAYS, _LEAST_BASIS_EVENTS = 365, 3


def number_of(day: date) -> int:
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    return _EPOCH + timedelta(days=int(number))


@dataclass(frozen=True)
class Task:
    """What is asked of a predictor.

    Args:
        name: `nowcast` or `early_warning`.
        window: first and last day from the onset that count as positive.
        dropped_until: last day from the onset that counts as neither, at least up to the last day of the event.
    """

    name: str
    window: tuple[int, int]
    dropped_until: int


TASKS = (Task("nowcast", (0, 3), 3), Task("early_warning", (-14, -1), 14))


@dataclass(frozen=True)
class LabelSet:
    """Events by one rule.

    Args:
        name: of the rule.
        is_measured: one flag per day of the study: whether the rule could be applied.
        events: onset and last day of each event, as day numbers, in order.
    """

    name: str
    is_measured: Flags
    events: list[tuple[int, int]]


@dataclass(frozen=True)
class Era:
    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Study:
    """All that is evaluated.

    Args:
        days: consecutive day numbers.
        predictors: name -> one score per day, NaN where it says nothing; larger is more stress.
        roles: name -> subject, baseline, ablation or pillar.
        label_sets, eras: by which results are told apart.
        replicates: number of resamples.
        seed: of all randomness.
    """

    days: NDArray[np.int64]
    predictors: Mapping[str, Floats]
    roles: Mapping[str, str]
    label_sets: Sequence[LabelSet]
    eras: Sequence[Era]
    replicates: int = 1000
    seed: int = 20251205

    def subjects(self) -> list[str]:
        return [name for name, role in self.roles.items() if role == "subject"]


@dataclass(frozen=True)
class Sample:
    """The labelled days of one task, label set and era, on the study's days.

    Args:
        counts: whether a day counts at all.
        is_positive: whether it is one the predictor should point at.
        events: those whose positive days lie in the era.
    """

    task: Task
    label_set: LabelSet
    era: Era
    counts: Flags
    is_positive: Flags
    events: list[tuple[int, int]]


def sample(study: Study, task: Task, label_set: LabelSet, era: Era) -> Sample:
    """Which days of an era count for a task, and which of them are positive."""
    days = study.days
    is_positive = np.zeros(len(days), dtype=bool)
    is_dropped = np.zeros(len(days), dtype=bool)
    for onset, last in label_set.events:
        is_positive |= (days >= onset + task.window[0]) & (days <= onset + task.window[1])
        after = max(onset + task.dropped_until, last)
        is_dropped |= (days >= onset) & (days <= after)
    if task.window[0] >= 0:
        is_dropped &= ~is_positive
    measured = days[label_set.is_measured]
    # Before the end of what can be seen a warning may still come true.
    known_until = (measured[-1] if len(measured) else days[0] - 1) - max(0, -task.window[0])
    in_era = (days >= era.first) & (days <= era.last)
    counts = in_era & label_set.is_measured & ~is_dropped & (days <= known_until)
    events = [event for event in label_set.events if era.first <= event[0] <= era.last]
    return Sample(task, label_set, era, counts, is_positive & counts, events)


def samples(study: Study) -> Iterator[Sample]:
    """Every task, label set and era in which at least one event and one day without lie."""
    for label_set in study.label_sets:
        for era in study.eras:
            for task in TASKS:
                one = sample(study, task, label_set, era)
                if one.is_positive.any() and (one.counts & ~one.is_positive).any():
                    yield one


def _basis(study: Study, one: Sample, scores: Floats) -> Flags | None:
    """The labelled days before the era on which a predictor can be fitted; None if they are too few."""
    before = sample(study, one.task, one.label_set, Era("before", int(study.days[0]), one.era.first - 1))
    counts = before.counts & np.isfinite(scores)
    event_count = sum(
        bool((before.is_positive & counts & _around(study.days, event, one.task.window)).any())
        for event in before.events
    )
    if counts.sum() < _LEAST_BASIS_DAYS or event_count < _LEAST_BASIS_EVENTS:
        return None
    return counts


def _around(days: NDArray[np.int64], event: tuple[int, int], window: tuple[int, int]) -> Flags:
    within: Flags = (days >= event[0] + window[0]) & (days <= event[0] + window[1])
    return within


def with_fitted(study: Study, one: Sample) -> Study:
    """The study with the two predictors that only a label set defines: climatology and the best single pillar."""
    predictors = dict(study.predictors)
    predictors["climatology"] = _climatology(study, one)
    best, best_auroc = None, -np.inf
    for name, role in study.roles.items():
        if role != "pillar" or name not in predictors:
            continue
        scores = predictors[name]
        counts = _basis(study, one, scores)
        if counts is None:
            counts, positive = one.counts & np.isfinite(scores), one.is_positive
        else:
            whole = Era("all", int(study.days[0]), one.era.first - 1)
            positive = sample(study, one.task, one.label_set, whole).is_positive
        value = _plain_auroc(scores[counts], positive[counts])
        if value > best_auroc:
            best, best_auroc = name, value
    if best is not None:
        predictors["best_single_pillar"] = predictors[best]
    return replace(study, predictors=predictors)


def _climatology(study: Study, one: Sample, lag: int = 30) -> Floats:
    whole = sample(study, one.task, one.label_set, Era("all", int(study.days[0]), int(study.days[-1])))
    counted, positive = np.cumsum(whole.counts), np.cumsum(whole.is_positive)
    rate = np.full(len(study.days), np.nan)
    rate[lag:] = np.where(counted[:-lag] > 0, positive[:-lag] / np.maximum(counted[:-lag], 1), np.nan)
    return rate


def _plain_auroc(scores: Floats, labels: Flags) -> float:
    if labels.all() or not labels.any():
        return -np.inf
    weights = labels.astype(float)[None, :]
    return float(measures.auroc(scores, weights, 1 - weights)[0])


def _weights(study: Study, one: Sample) -> Floats:
    """Resampled weights of the era's days, the same for every predictor, so that comparisons are paired."""
    inside = np.flatnonzero((study.days >= one.era.first) & (study.days <= one.era.last))
    counted = np.flatnonzero(one.counts)
    inside = inside[(inside >= counted[0]) & (inside <= counted[-1])]
    rows = resampling.block_weights(len(inside), BLOCK_DAYS, study.replicates, study.seed)
    weights = np.zeros((study.replicates, len(study.days)))
    weights[:, inside] = rows
    return weights


_MEASURES = {"auroc": measures.auroc, "auprc": measures.average_precision}


class _Resampled:
    """Point, resampled and leave-one-event-out values of both measures for a predictor on given days, remembered."""

    def __init__(self, study: Study, one: Sample) -> None:
        self._study, self._one = study, one
        self._resamples = _weights(study, one)
        self._without = resampling.without_each(study.days, one.events)
        self._kept: dict[tuple[str, bytes], dict[str, tuple[float, Floats, Floats]]] = {}

    def values(self, predictor: str, counts: Flags) -> dict[str, tuple[float, Floats, Floats]]:
        key = (predictor, counts.tobytes())
        if key not in self._kept:
            scores = self._study.predictors[predictor][counts]
            positive = self._one.is_positive[counts].astype(float)
            weights = np.concatenate([np.ones((1, counts.sum())), self._without[:, counts], self._resamples[:, counts]])
            left_out = 1 + len(self._without)
            self._kept[key] = {}
            for name, measure in _MEASURES.items():
                result = measure(scores, weights * positive, weights * (1 - positive))
                self._kept[key][name] = (float(result[0]), result[1:left_out], result[left_out:])
        return self._kept[key]


def evaluate(study: Study) -> tuple[list[Row], list[Row]]:
    """Every predictor by itself, and every subject against every baseline and ablation on the days both have."""
    metrics: list[Row] = []
    comparisons: list[Row] = []
    for one in samples(study):
        fitted = with_fitted(study, one)
        resampled = _Resampled(fitted, one)
        for name, scores in fitted.predictors.items():
            metrics += _metrics(fitted, one, resampled, name, scores)
        for subject in study.subjects():
            for other, role in study.roles.items():
                is_compared = role == "baseline" or (role == "ablation" and subject == "cmsi")
                if subject in fitted.predictors and other in fitted.predictors and is_compared:
                    comparisons += _comparisons(fitted, one, resampled, subject, other)
    return metrics, comparisons


def _place(one: Sample) -> Row:
    return {"task": one.task.name, "label_set": one.label_set.name, "era": one.era.name}


def _event_count(study: Study, one: Sample, counts: Flags) -> int:
    return sum(
        bool((one.is_positive & counts & _around(study.days, event, one.task.window)).any()) for event in one.events
    )


def _metrics(study: Study, one: Sample, resampled: _Resampled, name: str, scores: Floats) -> list[Row]:
    counts = one.counts & np.isfinite(scores)
    labels = one.is_positive[counts]
    if not labels.any() or labels.all():
        return []
    row: Row = {
        **_place(one),
        "predictor": name,
        "role": study.roles[name],
        "first_date": day_of(study.days[counts][0]),
        "last_date": day_of(study.days[counts][-1]),
        "day_count": int(counts.sum()),
        "positive_day_count": int(labels.sum()),
        "event_count": _event_count(study, one, counts),
    }
    for measure, (value, without, resamples) in resampled.values(name, counts).items():
        low, high = resampling.interval(resamples)
        held = without[np.isfinite(without)]
        row |= {
            measure: value,
            f"{measure}_low": low,
            f"{measure}_high": high,
            f"{measure}_without_one_low": float(held.min()) if len(held) else None,
            f"{measure}_without_one_high": float(held.max()) if len(held) else None,
        }
    basis = _basis(study, one, scores)
    row |= _probabilities(study, one, scores, counts, basis)
    row |= _alarms(study, one, scores, counts, basis)
    return [row]


def _probabilities(study: Study, one: Sample, scores: Floats, counts: Flags, basis: Flags | None) -> Row:
    if basis is None:
        return {"brier": None, "brier_skill": None}
    whole = sample(study, one.task, one.label_set, Era("all", int(study.days[0]), one.era.first - 1))
    train = whole.is_positive[basis]
    labels = one.is_positive[counts]
    error = measures.brier(measures.calibrated(scores[basis], train, scores[counts]), labels)
    constant = measures.brier(np.full(len(labels), train.mean()), labels)
    return {"brier": error, "brier_skill": 1 - error / constant}


def alarm_threshold(study: Study, one: Sample, scores: Floats) -> tuple[float, str]:
    """The threshold of the alarm budget, and whether it comes from earlier days or from the same era."""
    basis = _basis(study, one, scores)
    if basis is None:
        inside = (study.days >= one.era.first) & (study.days <= one.era.last)
        chosen, origin = inside & np.isfinite(scores), "same era"
    else:
        chosen, origin = (study.days < one.era.first) & np.isfinite(scores), "earlier days"
    return measures.budget_threshold(scores[chosen], study.days[chosen], EPISODES_A_YEAR), origin


def _alarms(study: Study, one: Sample, scores: Floats, counts: Flags, basis: Flags | None) -> Row:
    threshold, origin = alarm_threshold(study, one, scores)
    speaks = (study.days >= one.era.first) & (study.days <= one.era.last) & np.isfinite(scores)
    speaks &= one.label_set.is_measured
    record = measures.alarm_record(
        study.days[speaks & (scores >= threshold)], _heard(study, one, speaks), one.task.window
    )
    years = speaks.sum() / 365.25
    leads = [onset - first for onset, first in record.detected.items()]
    found = len(record.detected) + len(record.missed)
    row: Row = {
        "threshold_origin": origin,
        "alarm_threshold": threshold if np.isfinite(threshold) else None,
        "alarm_episodes_per_year": len(record.episodes) / years,
        "detected_event_count": len(record.detected),
        "detection_ratio": len(record.detected) / found if found else None,
        "false_alarms_per_year": len(record.false) / years,
        "median_lead_days": float(np.median(leads)) if leads else None,
    }
    labels = one.is_positive[counts]
    for preference in PREFERENCES:
        if basis is None:
            best = measures.best_threshold(scores[counts], labels, preference)
        else:
            whole = sample(study, one.task, one.label_set, Era("all", int(study.days[0]), one.era.first - 1))
            best = measures.best_threshold(scores[basis], whole.is_positive[basis], preference)
        row[f"usefulness_{round(preference * 100)}"] = measures.usefulness(scores[counts] >= best, labels, preference)
    return row


def _heard(study: Study, one: Sample, speaks: Flags) -> list[tuple[int, int]]:
    """The events within whose window the predictor says anything."""
    return [event for event in one.events if (speaks & _around(study.days, event, one.task.window)).any()]


def _comparisons(study: Study, one: Sample, resampled: _Resampled, subject: str, other: str) -> list[Row]:
    counts = one.counts & np.isfinite(study.predictors[subject]) & np.isfinite(study.predictors[other])
    labels = one.is_positive[counts]
    if not labels.any() or labels.all():
        return []
    event_count = _event_count(study, one, counts)
    rows: list[Row] = []
    ours, theirs = resampled.values(subject, counts), resampled.values(other, counts)
    for measure in _MEASURES:
        value, without, resamples = ours[measure]
        other_value, other_without, other_resamples = theirs[measure]
        low, high = resampling.interval(resamples - other_resamples)
        left_out = (without - other_without)[np.isfinite(without - other_without)]
        least, most = (float(left_out.min()), float(left_out.max())) if len(left_out) else (np.nan, np.nan)
        rows.append(
            {
                **_place(one),
                "subject": subject,
                "compared_with": other,
                "role": study.roles[other],
                "metric": measure,
                "day_count": int(counts.sum()),
                "event_count": event_count,
                "subject_value": value,
                "other_value": other_value,
                "difference": value - other_value,
                "difference_low": low,
                "difference_high": high,
                "without_one_low": least,
                "without_one_high": most,
                "verdict": verdict(event_count, low, high, least, most),
            }
        )
    return rows


def verdict(event_count: int, low: float, high: float, least: float, most: float) -> str:
    """What the numbers allow to say: a difference counts if neither resampling nor any single event takes it away."""
    if event_count < LEAST_EVENTS:
        return "too few events"
    if low > 0 and least > 0:
        return "better"
    if high < 0 and most < 0:
        return "worse"
    return "not distinguished"


def misses(study: Study) -> list[Row]:
    """Every event a subject missed and every false alarm it gave, at the alarm budget."""
    rows: list[Row] = []
    for one in samples(study):
        for subject in study.subjects():
            if subject not in study.predictors:
                continue
            scores = study.predictors[subject]
            threshold, _ = alarm_threshold(study, one, scores)
            speaks = (study.days >= one.era.first) & (study.days <= one.era.last) & np.isfinite(scores)
            speaks &= one.label_set.is_measured
            if not speaks.any():
                continue
            alarms = study.days[speaks & (scores >= threshold)]
            record = measures.alarm_record(alarms, _heard(study, one, speaks), one.task.window)
            spans = [
                ("missed event", onset + one.task.window[0], onset + one.task.window[1], onset)
                for onset in record.missed
            ]
            spans += [("false alarm", first, last, first) for first, last in record.false]
            for kind, first, last, day in spans:
                within = speaks & (study.days >= first) & (study.days <= last)
                at = int(np.argmax(np.where(within, scores, -np.inf)))
                rows.append(
                    {
                        **_place(one),
                        "subject": subject,
                        "kind": kind,
                        "date": day_of(day),
                        "first_date": day_of(first),
                        "last_date": day_of(last),
                        "highest_value": float(scores[at]),
                        "alarm_threshold": threshold if np.isfinite(threshold) else None,
                        "highest_pillar": _highest_pillar(study, at),
                    }
                )
    return rows


def _highest_pillar(study: Study, at: int) -> str | None:
    values = {
        name.removeprefix("pillar_"): study.predictors[name][at]
        for name, role in study.roles.items()
        if role == "pillar" and name in study.predictors and np.isfinite(study.predictors[name][at])
    }
    return max(values, key=lambda name: values[name]) if values else None


def placebo(study: Study, shuffled: Mapping[str, Floats] | None = None) -> list[Row]:
    """The subjects against labels moved to random other days, and shuffled composites against the true labels.

    Args:
        study: what is evaluated.
        shuffled: subject -> composites of pillars that were moved against each other, one row each.
    """
    rows: list[Row] = []
    for one in samples(study):
        for subject in study.subjects():
            if subject not in study.predictors:
                continue
            scores = study.predictors[subject]
            counts = one.counts & np.isfinite(scores)
            labels = one.is_positive[counts]
            if not labels.any() or labels.all():
                continue
            actual = _plain_auroc(scores[counts], labels)
            offsets = resampling.shifts(int(counts.sum()), study.replicates, 30, study.seed)
            if len(offsets):
                moved = np.stack([np.roll(labels, offset) for offset in offsets]).astype(float)
                values = measures.auroc(scores[counts], moved, 1 - moved)
                rows.append(_placebo_row(one, subject, "labels shifted", actual, values))
            weights = labels.astype(float)[None, :]
            null = [
                float(measures.auroc(line[counts], weights, 1 - weights)[0])
                for line in (shuffled or {}).get(subject, np.empty((0, len(study.days))))
                if np.isfinite(line[counts]).all()
            ]
            if null:
                rows.append(_placebo_row(one, subject, "pillars shuffled", actual, np.array(null)))
    return rows


def _placebo_row(one: Sample, subject: str, kind: str, actual: float, values: Floats) -> Row:
    held = values[np.isfinite(values)]
    low, high = resampling.interval(held)
    return {
        **_place(one),
        "subject": subject,
        "placebo": kind,
        "replicate_count": len(held),
        "auroc": actual,
        "placebo_auroc_mean": float(held.mean()),
        "placebo_auroc_low": low,
        "placebo_auroc_high": high,
        "p_value": float((1 + (held >= actual).sum()) / (1 + len(held))),
    }


def controls(study: Study, occasions: Sequence[tuple[str, int, int]]) -> list[Row]:
    """Whether the subjects kept quiet on occasions that were no stress: below the threshold of their alarm budget.

    The threshold is that of all days before the occasion's era, or of the era itself for the first.
    """
    rows: list[Row] = []
    for name, first, last in occasions:
        era = next((era for era in study.eras if era.first <= first <= era.last), None)
        for subject in study.subjects():
            if era is None or subject not in study.predictors:
                continue
            scores = study.predictors[subject]
            speaks = np.isfinite(scores)
            within = speaks & (study.days >= first) & (study.days <= last)
            earlier = speaks & (study.days < era.first)
            is_earlier = earlier.sum() >= _LEAST_BASIS_DAYS
            basis = earlier if is_earlier else speaks & (study.days >= era.first) & (study.days <= era.last)
            if not within.any():
                continue
            threshold = measures.budget_threshold(scores[basis], study.days[basis], EPISODES_A_YEAR)
            highest = float(scores[within].max())
            rows.append(
                {
                    "control": name,
                    "first_date": day_of(first),
                    "last_date": day_of(last),
                    "subject": subject,
                    "era": era.name,
                    "highest_value": highest,
                    "alarm_threshold": threshold if np.isfinite(threshold) else None,
                    "threshold_origin": "earlier days" if is_earlier else "same era",
                    "is_quiet": highest < threshold,
                }
            )
    return rows
