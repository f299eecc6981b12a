"""The simulated market: one state of the world from which every simulated provider answers, and its clock.

The state is drawn once, whole, from a seed (`sources.simulator.drawing`), including a calm continuation beyond
`END_OF_MARKET`. What it says of a day therefore cannot depend on the present instant: providers only decide what of it
they have published by then.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sources.simulator.drawing import Drawing
from sources.simulator.state import LIMIT, ORIGIN, State
from sources.simulator.story import at

END_OF_MARKET = at("2025-12-06 01:00")
"""Where the simulated market's clock stands unless told otherwise; 2025-12-05 is its last whole day."""

SEED = 20251010


_SHORT_HISTORY = at("2024-10-01")
_SHORT = frozenset(
    {
        *("aave", "bitfinex", "bitmex", "bitstamp", "bybit", "coinalyze", "coinbase"),
        *("gate", "hyperliquid", "kraken_futures", "okx"),
    }
)
"""Venues and vendors that are compared and not ranked: a year of them shows everything, and a demo stays short."""


def history_of(provider: str) -> datetime:
    """The first instant that a provider of the simulated market is asked for."""
    return _SHORT_HISTORY if provider in _SHORT else ORIGIN


class OutsideMarket(ValueError):
    """The instant lies outside the simulated market."""


def check_now(now: datetime) -> datetime:
    """`now`, if the simulated market has such an instant.

    Raises:
        OutsideMarket: if it has not, or if the instant is not in UTC.
    """
    if now.tzinfo is None or now.utcoffset() != timedelta(0):
        raise OutsideMarket(f"the simulated market's clock runs in UTC, {now!r} does not")
    if not ORIGIN <= now <= LIMIT:
        raise OutsideMarket(
            f"the simulated market runs from {ORIGIN:%Y-%m-%d} to {LIMIT:%Y-%m-%d}, "
            f"its clock cannot show {now:%Y-%m-%d %H:%M}"
        )
    return now


_states: dict[int, State] = {}
_states_lock = threading.Lock()


def load(seed: int = SEED) -> State:
    """The state drawn from `seed`; drawn once per process."""
    with _states_lock:
        if seed not in _states:
            _states[seed] = Drawing(seed).state()
        return _states[seed]
