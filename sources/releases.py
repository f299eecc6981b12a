"""When figures of US offices come out: wall-clock times in New York and days on which somebody is at work there.

A dataset whose release follows a calendar says with these when a row could be known (`Dataset.available_at`).
"""

from __future__ import annotations

import holidays
import polars as pl

_YEARS = range(2000, 2041)
_CLOSED_DAYS = sorted(
    {*holidays.country_holidays("US", years=_YEARS), *holidays.financial_holidays("NYSE", years=_YEARS)}
)
"""Days on which either the government or the exchange rests: a release is due on neither."""


def new_york(on: pl.Expr, hour: int, minute: int = 0) -> pl.Expr:
    """The instant of a wall-clock time in New York on a day, in UTC; hour 24 is the end of that day."""
    wall = on.cast(pl.Datetime("us")).dt.offset_by(f"{hour}h{minute}m")
    return wall.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")


def business_day(on: pl.Expr, after: int) -> pl.Expr:
    """The business day `after` business days later; a weekend or holiday counts as the business day before it."""
    return on.dt.add_business_days(after, holidays=_CLOSED_DAYS, roll="backward")


def in_next_week(on: pl.Expr, weekday: int) -> pl.Expr:
    """A weekday (0 is Monday) of the week after the one that holds a day, or the next business day."""
    due = on.dt.truncate("1w") + pl.duration(days=7 + weekday)
    return due.dt.add_business_days(0, holidays=_CLOSED_DAYS, roll="forward")
