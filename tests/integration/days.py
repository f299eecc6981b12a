"""The days on which the tests of the simulated market take place."""

from __future__ import annotations

from datetime import date, datetime, timezone

SINCE = date(2025, 9, 20)
CORE = (
    "alternative_me",
    "bgeometrics",
    "binance_futures.funding_rates",
    "binance_vision",
    "coinmetrics.asset_metrics",
    "defillama",
    "deribit.dvol",
    "farside",
    "fred",
)
"""What the index is made of. What holds for the way of the data holds for all; the demo's test takes everything."""

FEW = ("binance_vision.um_metrics", "coinmetrics.asset_metrics", "farside", "fred")
"""Enough to be stopped in the middle of anything."""

NOW = "2025-11-05T01:00:00+00:00"
NEXT = "2025-11-06T01:00:00+00:00"


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
