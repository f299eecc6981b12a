"""How well a score tells some days from others.

Every measure takes weights instead of a sample, one row of weights per resample, so that a thousand resamples cost one
sort. With weights of one they are the textbook figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LONGEST_EPISODE_DAYS = 14


def auroc(scores: Floats, positive_weights: Floats, negative_weights: Floats) -> Floats:
    """Area under the ROC curve per row of weights: the chance that a positive day scores above a negative one.

    Ties count half. Rows without a positive or without a negative day have no value (NaN).

    Args:
        scores: one per day.
        positive_weights, negative_weights: rows of weights, one column per day; a day of weight 0 in both is left out.
    """
    order, last = _order(scores)
    positives = np.cumsum(positive_weights[:, order], axis=1)[:, last]
    negatives = np.cumsum(negative_weights[:, order], axis=1)[:, last]
    below = np.concatenate([np.zeros((len(negatives), 1)), negatives[:, :-1]], axis=1)
    gained = np.diff(positives, axis=1, prepend=0.0)
    wins = (gained * (below + negatives) / 2).sum(axis=1)
    return _ratio(wins, positives[:, -1] * negatives[:, -1])


def average_precision(scores: Floats, positive_weights: Floats, negative_weights: Floats) -> Floats:
    """Area under the precision-recall curve per row of weights, as a step function; arguments as for `auroc`."""
    order, last = _order(-scores)
    positives = np.cumsum(positive_weights[:, order], axis=1)[:, last]
    negatives = np.cumsum(negative_weights[:, order], axis=1)[:, last]
    gained = np.diff(positives, axis=1, prepend=0.0)
    precision = _ratio(positives, positives + negatives)
    total = positives[:, -1]
    summed = np.nansum(gained * precision, axis=1)
    return np.where(negatives[:, -1] > 0, _ratio(summed, total), np.nan)


def _order(scores: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How to sort the days, and where each group of equal scores ends."""
    order = np.argsort(scores, kind="stable")
    arranged = scores[order]
    return order, np.flatnonzero(np.append(arranged[1:] != arranged[:-1], True))


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def usefulness(alarms: Flags, labels: Flags, preference: float) -> float:
    """Sarlin's relative usefulness of alarms: 1 is perfect, 0 is as good as ignoring them, negative is worse.

    Args:
        alarms, labels: one per day.
        preference: mu, the weight on missed days; 1 - mu weighs false alarms.
    """
    positive_count, count = int(labels.sum()), len(labels)
    if positive_count in (0, count):
        return float("nan")
    share = positive_count / count
    missed = float((~alarms & labels).sum()) / positive_count
    false = float((alarms & ~labels).sum()) / (count - positive_count)
    loss = preference * share * missed + (1 - preference) * (1 - share) * false
    without = min(preference * share, (1 - preference) * (1 - share))
    return (without - loss) / without


def best_threshold(scores: Floats, labels: Flags, preference: float) -> float:
    """The threshold with the highest usefulness; infinite (never an alarm) if none is better than that."""
    order = np.argsort(-scores, kind="stable")
    arranged, is_positive = scores[order], labels[order]
    last = np.flatnonzero(np.append(arranged[1:] != arranged[:-1], True))
    positive_count, count = int(labels.sum()), len(labels)
    hit = np.cumsum(is_positive)[last]
    false = (last + 1) - hit
    loss = preference * (positive_count - hit) / count + (1 - preference) * false / count
    at = int(np.argmin(loss))
    never = preference * positive_count / count
    return float(arranged[last[at]]) if loss[at] < never else float("inf")


def episodes(days: NDArray[np.int64], longest: int = _LONGEST_EPISODE_DAYS) -> list[tuple[int, int]]:
    """First and last day of each alarm episode: an alarm stands for `longest` days, then it has to be given again.

    An alarm that never ends so costs a new episode every `longest` days, and cannot hide in a budget of episodes.
    """
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(days):
        beyond = int(np.searchsorted(days, days[at] + longest))
        found.append((int(days[at]), int(days[beyond - 1])))
        at = beyond
    return found


def budget_threshold(scores: Floats, days: NDArray[np.int64], episodes_a_year: float) -> float:
    """The lowest threshold down to which no higher one gives more alarm episodes a year than allowed."""
    allowed = episodes_a_year * len(days) / 365.25
    chosen = float("inf")
    for threshold in np.unique(scores)[::-1]:
        if len(episodes(days[scores >= threshold])) > allowed:
            break
        chosen = float(threshold)
    return chosen


@dataclass(frozen=True)
class AlarmRecord:
    """What alarms at a threshold were worth.

    Args:
        episodes: first and last day of each alarm episode.
        detected: onset -> first day of an alarm within its window.
        missed: onsets without one.
        false: the episodes that lie near no event.
    """

    episodes: list[tuple[int, int]]
    detected: dict[int, int]
    missed: list[int]
    false: list[tuple[int, int]]


def alarm_record(
    alarm_days: NDArray[np.int64],
    events: list[tuple[int, int]],
    window: tuple[int, int],
    near: tuple[int, int] = (-14, 14),
) -> AlarmRecord:
    """Hold alarms against events.

    Args:
        alarm_days: days with an alarm, in order.
        events: onset and last day of each.
        window: first and last day, from the onset, on which an alarm counts as detection.
        near: days before the onset and after the last day within which an alarm is not false.
    """
    found = episodes(alarm_days)
    detected: dict[int, int] = {}
    missed: list[int] = []
    for onset, _ in events:
        within = alarm_days[(alarm_days >= onset + window[0]) & (alarm_days <= onset + window[1])]
        if len(within):
            detected[onset] = int(within[0])
        else:
            missed.append(onset)
    false = [
        (first, last)
        for first, last in found
        if not any(first <= end + near[1] and last >= onset + near[0] for onset, end in events)
    ]
    return AlarmRecord(found, detected, missed, false)


def brier(probabilities: Floats, labels: Flags) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((probabilities - labels) ** 2))


def calibrated(train_scores: Floats, train_labels: Flags, scores: Floats) -> Floats:
    """Probabilities by isotonic regression on earlier days."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
        train_scores, train_labels.astype(float)
    )
    predicted: Floats = fitted.predict(scores)
    return predicted
