"""What indices of stress and risk are made of in the simulated market: the macro series of the state, carried on.

Everything here looks backwards only, so that no index knows what its day did not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sources.simulator.state import DAYS, Floats, MacroSeries, State, day_index


def published(state: State) -> Mapping[str, MacroSeries]:
    """Every series that FRED tells: those of the state, and the shorter break-even, which oil moves more."""
    ten, oil = state.macro["T10YIE"], state.macro["DCOILWTICO"]
    level = carried(oil.values)
    five = ten.values + 0.06 + 0.9 * (level / trailing_mean(level, 60) - 1.0)
    return {**state.macro, "T5YIE": replace(ten, series_id="T5YIE", values=np.round(five, ten.decimals))}


def carried(values: Floats) -> Floats:
    """`values` with the last one known carried over holidays; what stands before the first is the first."""
    known = ~np.isnan(values)
    at = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.asarray(values[np.where(at < 0, int(np.argmax(known)), at)], dtype=np.float64)


def trailing_mean(values: Floats, count: int) -> Floats:
    """The mean of the last `count` values; of as many as there are at the start."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - count, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts), dtype=np.float64)


def on_every_day(series: MacroSeries) -> Floats:
    """A series of weekdays as one of all days of the state: weekends have the value of the Friday before."""
    at = np.array([day_index(day) for day in series.days])
    found = np.searchsorted(at, np.arange(DAYS), side="right") - 1
    return np.asarray(carried(series.values)[np.maximum(found, 0)], dtype=np.float64)


def strain(state: State) -> Floats:
    """How strained markets are on each weekday: about zero in calm, one in a bad week, more in a crash."""
    vix, spread = carried(state.macro["VIXCLS"].values), carried(state.macro["BAA10Y"].values)
    return np.asarray((vix - 17.0) / 14.0 + 0.8 * (spread - 1.8), dtype=np.float64)
