"""The simulated Coinbase Exchange: candles newest first, low before high before open; spans too long are refused."""

from __future__ import annotations

import re
from datetime import datetime

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.calendars import UTC
from sources.simulator.spot import Venue

HOSTS = ("api.exchange.coinbase.com",)
VENUE = Venue("coinbase", 0.35, has_premium=True)
_PATH = re.compile(r"/products/(?P<base>[A-Z]+)-USD/candles")
_BASES = {"BTC": "btc", "ETH": "eth", "USDT": "usdt"}
_MAX_CANDLES = 300


def answer(ask: Ask, scene: Scene) -> Answer:
    product = _PATH.fullmatch(ask.path)
    if product is None or product["base"] not in _BASES:
        return as_json({"message": "NotFound"}, 404)
    if ask.params.get("granularity") != "3600":
        return as_json({"message": "Unsupported granularity"}, 400)
    try:
        end = _seconds(ask.params["end"]) if "start" in ask.params else int(scene.now.timestamp())
        start = _seconds(ask.params["start"]) if "end" in ask.params else end - (_MAX_CANDLES - 1) * 3600
    except (KeyError, ValueError):
        return as_json({"message": "Invalid start or end"}, 400)
    if end // 3600 - start // 3600 + 1 > _MAX_CANDLES:
        count = end // 3600 - start // 3600 + 1
        message = (
            f"granularity too small for the requested time range. Count of aggregations requested exceeds 300: {count}"
        )
        return as_json({"message": message}, 400)
    novelty = [1] if scene.has_new_column else []
    candles = VENUE.candles(_BASES[product["base"]], start, end, scene)
    rows = [[one.opened_s, one.low, one.high, one.open, one.close, one.volume, *novelty] for one in candles]
    return as_json(rows[::-1])


def _seconds(text: str) -> int:
    if text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
