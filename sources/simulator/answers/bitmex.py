"""The simulated BitMEX: funding settlements, ISO times, lengths written as instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import ORIGIN, day_at

HOSTS = ("www.bitmex.com",)
_SYMBOLS = {"XBTUSD": "BTCUSDT", "ETHUSD": "ETHUSDT"}
_COUNT, _MAX_COUNT = 100, 500
_OFFSET = timedelta(hours=4)
"""Settlements are at 04:00, 12:00 and 20:00 UTC."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/api/v1/funding":
        return not_found(ask)
    try:
        count = int(ask.params.get("count", _COUNT))
        start = _moment(ask.params.get("startTime", "2021-01-01"))
        end = _moment(ask.params.get("endTime", "2100-01-01"))
    except ValueError:
        return _refused("startTime, endTime or count is invalid.")
    if not 0 < count <= _MAX_COUNT:
        return _refused("Maximum result count is 500, please use the start & count params for pagination.")
    symbol = ask.params.get("symbol", "")
    if symbol not in _SYMBOLS:
        # What it does not list has no rows, which is not an error there.
        return as_json([])
    rates = scene.state.perpetuals[_SYMBOLS[symbol]].funding_rate
    rows = []
    for index, rate in enumerate(rates.tolist()):
        settled_at = ORIGIN + index * timedelta(hours=8) + _OFFSET
        if settled_at > min(end, scene.now):
            break
        day = day_at(index // 3)
        if settled_at < start or scene.is_missing(day):
            continue
        paid = round(rate * 0.95 * scene.factor(day), 6)
        row: dict[str, object] = {
            "timestamp": f"{settled_at:%Y-%m-%dT%H:%M:%S}.000Z",
            "symbol": symbol,
            "fundingInterval": "2000-01-01T08:00:00.000Z",
            "fundingRate": paid,
            "fundingRateDaily": round(3 * paid, 6),
        }
        rows.append(row | ({"new_field": 1} if scene.has_new_column else {}))
    if ask.params.get("reverse") == "true":
        rows.reverse()
    return as_json(rows[:count])


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _refused(message: str) -> Answer:
    return as_json({"error": {"message": message, "name": "HTTPError"}}, 400)
