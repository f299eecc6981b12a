"""The simulated Bitstamp: figures as text, at most 1,000 candles, the newest of what was asked for."""

from __future__ import annotations

import re

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.spot import Venue

HOSTS = ("www.bitstamp.net",)
VENUE = Venue("bitstamp", 0.05)
_PATH = re.compile(r"/api/v2/ohlc/(?P<pair>[a-z]+)/")
_PAIRS = {"btcusd": ("BTC/USD", "btc"), "usdtusd": ("USDT/USD", "usdt"), "usdcusd": ("USDC/USD", "usdc")}
_MAX_CANDLES = 1_000


def answer(ask: Ask, scene: Scene) -> Answer:
    pair = _PATH.fullmatch(ask.path)
    if pair is None or pair["pair"] not in _PAIRS:
        return as_json({"status": "error", "reason": "Not found", "code": "404.002"}, 404)
    limit, now = ask.params.get("limit", ""), int(scene.now.timestamp())
    if ask.params.get("step") != "3600" or not limit.isdigit() or not 1 <= int(limit) <= _MAX_CANDLES:
        field = "limit" if ask.params.get("step") == "3600" else "step"
        return _invalid(field, "Ensure this value is valid.")
    start, end = ask.params.get("start", str(now - (int(limit) - 1) * 3600)), ask.params.get("end", str(now))
    if not start.isdigit() or not end.isdigit():
        return _invalid("start", "Enter a whole number.")
    name, base = _PAIRS[pair["pair"]]
    novelty = {"new_field": "1"} if scene.has_new_column else {}
    rows = [
        {
            "timestamp": str(one.opened_s),
            "open": repr(one.open),
            "high": repr(one.high),
            "low": repr(one.low),
            "close": repr(one.close),
            "volume": f"{one.volume:.8f}",
            **novelty,
        }
        for one in VENUE.candles(base, int(start), int(end), scene)
    ]
    return as_json({"data": {"ohlc": rows[-int(limit) :], "pair": name}})


def _invalid(field: str, message: str) -> Answer:
    return as_json({"errors": [{"field": field, "message": message, "code": "invalid"}]}, 400)
