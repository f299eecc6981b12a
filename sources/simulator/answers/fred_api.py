"""The simulated FRED API: observations with the period during which each was the one on show.

A figure that is on show when the asked period begins bears the period's first day, as in the real one. The indices that
are estimated again show their first print for a week; what the graph CSV serves too is never revised here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import is_session, new_york, next_weekday, released_at
from sources.simulator.state import State

HOSTS = ("api.stlouisfed.org",)
_PATH = "/fred/series/observations"
_ST_LOUIS = ZoneInfo("America/Chicago")
_FOREVER = date(9999, 12, 31)
_MOST_VINTAGES, _MOST_ROWS = 2_000, 100_000


@dataclass(frozen=True)
class Print:
    """A figure as it was published at an instant; None for one that is missing."""

    observed_on: date
    published_at: datetime
    value: float | None
    decimals: int

    @property
    def published_on(self) -> date:
        return self.published_at.astimezone(_ST_LOUIS).date()


def _as_served(state: State, series_id: str) -> Iterator[Print]:
    series = state.macro[series_id]
    for day, value in zip(series.days, series.values, strict=True):
        figure = None if np.isnan(value) else float(value)
        yield Print(day, released_at(series_id, day), figure, series.decimals)


def _conditions(state: State) -> Iterator[Print]:
    """NFCI: a third of the stress index; the first print still leans on the week before."""
    before = None
    for one in _as_served(state, "STLFSI4"):
        if one.value is None:
            continue
        final = 0.33 * one.value - 0.45
        first = final if before is None else 0.8 * final + 0.2 * (0.33 * before - 0.45)
        yield Print(one.observed_on, one.published_at, first, 5)
        if f"{first:.5f}" != f"{final:.5f}":
            yield Print(one.observed_on, one.published_at + timedelta(days=7), final, 5)
        before = one.value


def _balance_sheet(state: State) -> Iterator[Print]:
    """WALCL, in millions: wider in weeks of stress; of a Wednesday, published the next session at 16:30."""
    for one in _as_served(state, "STLFSI4"):
        if one.value is None:
            continue
        wednesday, due = next_weekday(one.observed_on, 2), next_weekday(one.observed_on, 3)
        while not is_session(due):
            due += timedelta(days=1)
        yield Print(wednesday, new_york(due, 16, 30), 7_100_000 + 60_000 * one.value, 0)


def _money(state: State) -> Iterator[Print]:
    """M2SL, in billions: of a month, published on the fourth Tuesday of the next, revised a month later."""
    dollar = state.macro["DTWEXBGS"]
    months = sorted({day.replace(day=1) for day in dollar.days})
    means = [
        np.nanmean([v for d, v in zip(dollar.days, dollar.values, strict=True) if d.replace(day=1) == m])
        for m in months
    ]
    for number, (month, mean) in enumerate(zip(months, means, strict=True)):
        final = 19_400.0 + 45.0 * number - 12.0 * (float(mean) - 120.0)
        first_at, second_at = _fourth_tuesday(month, 1), _fourth_tuesday(month, 2)
        yield Print(month, first_at, final - 9.0, 1)
        yield Print(month, second_at, final, 1)


def _fourth_tuesday(month: date, after: int) -> datetime:
    for _ in range(after):
        month = (month + timedelta(days=32)).replace(day=1)
    return new_york(next_weekday(month - timedelta(days=1), 1) + timedelta(days=21), 13)


def _prints(state: State, series_id: str) -> list[Print]:
    made = {"NFCI": _conditions, "WALCL": _balance_sheet, "M2SL": _money}
    found = made[series_id](state) if series_id in made else _as_served(state, series_id)
    return sorted(found, key=lambda one: (one.observed_on, one.published_at))


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != _PATH:
        return not_found(ask)
    series_id = ask.params.get("series_id", "")
    if series_id not in ("NFCI", "WALCL", "M2SL") and series_id not in scene.state.macro:
        return _error("The series does not exist.")
    today = scene.now.astimezone(_ST_LOUIS).date()
    bounds = {
        "realtime_start": today,
        "realtime_end": today,
        "observation_start": date(1776, 7, 4),
        "observation_end": _FOREVER,
    }
    for name in bounds:
        try:
            bounds[name] = date.fromisoformat(ask.params.get(name, bounds[name].isoformat()))
        except ValueError:
            return _error(f"Variable {name} is not a YYYY-MM-DD formatted date (e.g. 2000-02-24).")
    limit, offset = ask.params.get("limit", str(_MOST_ROWS)), ask.params.get("offset", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= _MOST_ROWS or not offset.isdigit():
        return _error(f"Variable limit is not between 1 and {_MOST_ROWS}.")
    first, last = bounds["realtime_start"], bounds["realtime_end"]
    if first > today or last < first:
        return _error("Variable realtime_start can not be after today's date.")
    prints = [one for one in _prints(scene.state, series_id) if one.published_at <= scene.now]
    if not any(one.published_on <= last for one in prints):
        return _error("The series does not exist in ALFRED but may exist in FRED.")
    vintages = {one.published_on for one in prints if first <= one.published_on <= last}
    if len(vintages) > _MOST_VINTAGES:
        return _error(
            f"There are {len(vintages)} vintage dates in the specified real-time period: {first} to {last}.  "
            f"This exceeds the maximum number of vintage dates allowed for this file type ({_MOST_VINTAGES})."
        )
    rows = [row for row in _rows(prints, first, last, scene) if _lies_in(row["date"], bounds)]
    page = rows[int(offset) : int(offset) + int(limit)]
    return as_json(
        {
            **{name: day.isoformat() for name, day in bounds.items()},
            "units": "lin",
            "output_type": 1,
            "file_type": "json",
            "order_by": "observation_date",
            "sort_order": "asc",
            "count": len(rows),
            "offset": int(offset),
            "limit": int(limit),
            "observations": page,
        }
    )


def _lies_in(day: str, bounds: dict[str, date]) -> bool:
    return bounds["observation_start"].isoformat() <= day <= bounds["observation_end"].isoformat()


def _rows(prints: list[Print], first: date, last: date, scene: Scene) -> Iterator[dict[str, str]]:
    for position, one in enumerate(prints):
        following = prints[position + 1] if position + 1 < len(prints) else None
        is_replaced = following is not None and following.observed_on == one.observed_on
        until = following.published_on - timedelta(days=1) if following and is_replaced else _FOREVER
        if one.published_on > last or until < first or scene.is_missing(one.observed_on):
            continue
        figure = None if one.value is None else one.value * scene.factor(one.observed_on)
        row = {
            "realtime_start": max(one.published_on, first).isoformat(),
            "realtime_end": min(until, last).isoformat(),
            "date": one.observed_on.isoformat(),
            "value": "." if figure is None else f"{figure:.{one.decimals}f}",
        }
        yield row | ({"new_field": "1"} if scene.has_new_column else {})


def _error(message: str) -> Answer:
    return as_json({"error_code": 400, "error_message": f"Bad Request.  {message}"}, 400)
