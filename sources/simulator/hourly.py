"""Reading the hourly arrays of the state as of an instant, for providers that tell hours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sources.simulator.state import HOURS, ORIGIN, Floats, Ints, day_at

if TYPE_CHECKING:
    from sources.simulator.answers.scene import Scene

ORIGIN_S = int(ORIGIN.timestamp())
HOUR_S = 3_600

SYMBOLS = {"BTC": "BTCUSDT", "ETH": "ETHUSDT"}
"""The perpetual that tells of a coin."""


def ended_hours(scene: Scene) -> int:
    """How many whole hours of the state have passed."""
    return min(max((scene.now - ORIGIN) // timedelta(hours=1), 0), HOURS)


def hours_between(scene: Scene, start_s: int, end_s: int, *, with_open: bool = False) -> Ints:
    """Positions of the hours that begin at `start_s` or later and before `end_s` and have ended, no missing day's.

    Args:
        scene: the market at an instant.
        start_s: unix seconds.
        end_s: unix seconds.
        with_open: whether the hour under way is one of them; its figures are those of `told`.
    """
    last = ended_hours(scene)
    if with_open and last < HOURS and ORIGIN_S + last * HOUR_S <= scene.now.timestamp():
        last += 1
    first = max(-((ORIGIN_S - start_s) // HOUR_S), 0)
    hours = np.arange(first, max(min(-((ORIGIN_S - end_s) // HOUR_S), last), first))
    return hours[~_missing(scene, hours)] if scene.faults.active else hours


def told(scene: Scene, hours: Ints) -> Ints:
    """Where the figures of hours stand: the hour under way has got no further than the end of the one before."""
    return np.clip(hours, 0, max(ended_hours(scene) - 1, 0))


def factors(scene: Scene, hours: Ints) -> Floats:
    """What the figures of hours are multiplied by: 1 unless their day is restated."""
    if not scene.faults.active:
        return np.ones(len(hours))
    days = hours // 24
    by_day = {day: scene.factor(day_at(day)) for day in np.unique(days).tolist()}
    return np.array([by_day[day] for day in days.tolist()])


def settlements_between(scene: Scene, start_s: int, end_s: int) -> Ints:
    """Positions of the full hours from `start_s` to `end_s`, both included, that have come, no missing day's."""
    first = max(-((ORIGIN_S - start_s) // HOUR_S), 0)
    last = min((end_s - ORIGIN_S) // HOUR_S, ended_hours(scene), HOURS - 1)
    hours = np.arange(first, max(last + 1, first))
    return hours[~_missing(scene, hours)] if scene.faults.active else hours


def _missing(scene: Scene, hours: Ints) -> npt.NDArray[np.bool_]:
    days = hours // 24
    by_day = {day: scene.is_missing(day_at(day)) for day in np.unique(days).tolist()}
    return np.array([by_day[day] for day in days.tolist()], dtype=bool)
