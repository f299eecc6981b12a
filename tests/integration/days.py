"""The days on which the tests of the simulated market take place."""

from __future__ import annotations

from datetime import date, datetime, timezone

SINCE = date(2025, 9, 20)
NOW = "2025-11-05T01:00:00+00:00"
NEXT = "2025-11-06T01:00:00+00:00"


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
