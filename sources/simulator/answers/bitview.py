"""The simulated Bitview: series by name, values without days, counted from 2009-01-01.

The value of the day that goes on is what the day before ended with. A day that is missing is null.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS, ORIGIN, Floats, State, day_at

HOSTS = ("bitview.space",)
_PREFIX = "/api/series/"
_ORIGIN = date(2009, 1, 1)
_INDEX_NAMES = ("1d", "d", "day", "date", "daily", "day1", "dateindex")


class _BadRequest(ValueError):
    """The request cannot be answered; the text is what the vendor's error says."""


def _sth_realized_price(state: State) -> Floats:
    """What recent buyers paid: the price of the last months, newer days counting more."""
    price = pl.Series(state.on_chain["btc"].price_usd)
    return np.asarray(price.ewm_mean(half_life=35.0, adjust=True).to_numpy())


_SERIES: dict[str, tuple[str, Callable[[State], Floats]]] = {
    "lth_supply": ("Bitcoin", lambda state: state.lth_supply_btc),
    "sth_supply": ("Bitcoin", lambda state: state.on_chain["btc"].supply - state.lth_supply_btc),
    "sopr_24h": ("StoredF32", lambda state: state.sopr_ratio),
    "sth_sopr_24h": ("StoredF32", lambda state: state.sth_sopr_ratio),
    "realized_cap": (
        "Dollars",
        lambda state: state.on_chain["btc"].realized_price_usd * state.on_chain["btc"].supply,
    ),
    "realized_price": ("Dollars", lambda state: state.on_chain["btc"].realized_price_usd),
    "sth_realized_price": ("Dollars", _sth_realized_price),
}


def answer(ask: Ask, scene: Scene) -> Answer:
    if not ask.path.startswith(_PREFIX):
        return not_found(ask)
    name, _, index = ask.path.removeprefix(_PREFIX).partition("/")
    try:
        if name == "search":
            words = ask.params.get("q", "").split("_")
            found = [series for series in _SERIES if any(word and word in series for word in words)]
            limit = ask.params.get("limit", "100")
            if not limit.isdigit():
                raise _BadRequest(f"limit '{limit}' is not a number")
            return as_json(found[: int(limit)])
        if name == "bulk":
            asked = ask.params.get("series", "").split(",")
            return as_json([_data(series, ask.params.get("index", ""), ask, scene) for series in asked])
        if name not in _SERIES:
            raise KeyError(name)
        if not index:
            return as_json({"description": None, "indexes": ["day1", "height"], "type": _SERIES[name][0]})
        return as_json(_data(name, index, ask, scene))
    except KeyError as unknown:
        message = f"'{unknown.args[0]}' not found, did you mean 'lth_supply'?"
        return _error("not_found", "series_not_found", message, 404)
    except _BadRequest as problem:
        return _error("invalid_request", "invalid_range", str(problem), 400)


def _data(series: str, index: str, ask: Ask, scene: Scene) -> dict[str, object]:
    kind, values_of = _SERIES[series]
    if index not in _INDEX_NAMES:
        raise _BadRequest(f"'{series}' is not indexed by '{index}'")
    before = (ORIGIN.date() - _ORIGIN).days
    known = values_of(scene.state)[: scene.whole_days]
    # The day under way is there with what is known of it.
    told = np.append(known, known[-1:]) if scene.whole_days < DAYS else known
    length = before + len(told)
    start = min(_position(ask, "start", 0, length), length)
    end = max(min(_position(ask, "end", length, length), length), start)
    data: list[float | None] = []
    for position in range(start, end):
        day = day_at(position - before)
        is_told = position >= before and not scene.is_missing(day)
        data.append(float(told[position - before]) * scene.factor(day) if is_told else None)
    stamp = scene.now - timedelta(minutes=scene.now.minute % 10, seconds=scene.now.second)
    return {
        "version": 163,
        "index": "day1",
        "type": kind,
        "start": start,
        "end": end,
        "stamp": stamp.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data,
        **({"new_field": 1} if scene.has_new_column else {}),
    }


def _position(ask: Ask, name: str, otherwise: int, length: int) -> int:
    text = ask.params.get(name)
    if text is None:
        return otherwise
    if text.lstrip("-").isdigit():
        return int(text) + (length if text.startswith("-") else 0)
    try:
        return max((date.fromisoformat(text) - _ORIGIN).days, 0)
    except ValueError:
        raise _BadRequest(f"'{text}' is neither a position nor a date") from None


def _error(kind: str, code: str, message: str, status: int) -> Answer:
    return as_json({"error": {"type": kind, "code": code, "message": message, "doc_url": "/api"}}, status)
