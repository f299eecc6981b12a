"""When the simulated providers publish: NYSE sessions and the release times of the macro series."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

NEW_YORK = ZoneInfo("America/New_York")
UTC = timezone.utc
_CALENDAR_YEARS = range(2020, 2028)


@lru_cache(maxsize=1)
def _nyse_holidays() -> frozenset[date]:
    return frozenset(holidays.financial_holidays("NYSE", years=_CALENDAR_YEARS))


def is_session(day: date) -> bool:
    """Whether the New York Stock Exchange trades on `day`."""
    return day.weekday() < 5 and day not in _nyse_holidays()


def sessions_after(day: date, count: int) -> date:
    """The `count`-th session after `day`."""
    while count:
        day += timedelta(days=1)
        count -= is_session(day)
    return day


def new_york(day: date, hour: int, minute: int = 0) -> datetime:
    """The instant at which clocks in New York show this time, in UTC."""
    return datetime.combine(day, time(hour, minute), NEW_YORK).astimezone(UTC)


def next_weekday(day: date, weekday: int) -> date:
    """The first day strictly after `day` that is this weekday (Monday is 0)."""
    return day + timedelta(days=(weekday - day.weekday() - 1) % 7 + 1)


@lru_cache(maxsize=20_000)
def released_at(series_id: str, day: date) -> datetime:
    """When FRED first shows the value of `series_id` for `day`."""
    if series_id in ("VIXCLS", "SP500"):
        return new_york(sessions_after(day, 1), 9)
    if series_id == "DCOILWTICO":
        return new_york(sessions_after(day, 3), 17)
    if series_id == "DTWEXBGS":
        return new_york(next_weekday(day, 0), 16, 30)
    if series_id == "STLFSI4":
        return new_york(next_weekday(day, 2), 10)
    return new_york(sessions_after(day, 1), 17)
