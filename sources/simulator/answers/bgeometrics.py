"""The simulated BGeometrics: one array per metric, days as text and as text of unix seconds.

The exchange reserve of a day is the balance that the day before ended with.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.calendars import UTC
from sources.simulator.state import ORIGIN, Floats, State

HOSTS = ("bitcoin-data.com",)
_PUBLISHED_AFTER = timedelta(hours=9)
_PREFIX = "/api/v1/"


def _series(state: State, metric: str) -> tuple[str, Floats] | None:
    return {
        "lth-supply": ("lthSupply", state.lth_supply_btc),
        "sth-sopr": ("sthSopr", state.sth_sopr_ratio),
        "sopr": ("sopr", state.sopr_ratio),
        "exchange-reserve-btc": ("exchangeReserveBtc", _at_the_start(state.on_chain["btc"].exchange_supply)),
        "realized-price": ("realizedPrice", state.on_chain["btc"].realized_price_usd),
    }.get(metric)


def _at_the_start(balance: Floats) -> Floats:
    opening: Floats = np.append(balance[:1], balance[:-1])
    return opening


def answer(ask: Ask, scene: Scene) -> Answer:
    series = _series(scene.state, ask.path.removeprefix(_PREFIX)) if ask.path.startswith(_PREFIX) else None
    if series is None:
        return as_json({"timestamp": scene.now.isoformat(), "status": 404, "error": "Not Found", "path": ask.path}, 404)
    key, values = series
    try:
        first = date.fromisoformat(ask.params.get("startday", "2009-01-03"))
        last = date.fromisoformat(ask.params.get("endday", "9999-12-31"))
    except ValueError:
        return as_json(
            {"timestamp": scene.now.isoformat(), "status": 400, "error": "Bad Request", "path": ask.path}, 400
        )
    published = max((scene.now - _PUBLISHED_AFTER - ORIGIN) // timedelta(days=1), 0)
    rows = [
        {
            "d": day.isoformat(),
            "unixTs": str(int(datetime.combine(day, time(0), UTC).timestamp())),
            key: float(values[index]) * scene.factor(day),
            **({"new_field": 1} if scene.has_new_column else {}),
        }
        for index, day in scene.shown(published)
        if first <= day <= last
    ]
    return as_json(rows)
