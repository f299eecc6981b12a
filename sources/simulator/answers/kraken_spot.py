"""The simulated Kraken: the newest 720 candles, pairs under names of its own, errors under HTTP 200."""

from __future__ import annotations

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.spot import Venue

HOSTS = ("api.kraken.com",)
VENUE = Venue("kraken_spot", 0.12)
_PATH = "/0/public/OHLC"
_PAIRS = {
    "XBTUSD": ("XXBTZUSD", "btc"),
    "ETHUSD": ("XETHZUSD", "eth"),
    "USDTUSD": ("USDTZUSD", "usdt"),
    "USDCUSD": ("USDCUSD", "usdc"),
}
_MAX_CANDLES = 720


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != _PATH:
        return as_json({"error": ["EGeneral:Unknown method"]})
    if ask.params.get("pair", "") not in _PAIRS:
        return as_json({"error": ["EQuery:Unknown asset pair"]})
    # One interval besides hours, for whoever only wants to see whether there is an answer.
    step = {"60": 1, "1440": 24}.get(ask.params.get("interval", "1"))
    since = ask.params.get("since", "0")
    if step is None or not since.isdigit():
        return as_json({"error": ["EGeneral:Invalid arguments"]})
    name, base = _PAIRS[ask.params["pair"]]
    now = int(scene.now.timestamp())
    oldest = now // 3600 * 3600 - (_MAX_CANDLES - 1) * 3600
    candles = [one for one in VENUE.candles(base, oldest, now, scene) if one.opened_s > int(since)]
    novelty = [1] if scene.has_new_column else []
    rows = [
        [
            one.opened_s,
            *(f"{price:.6f}" for price in (one.open, one.high, one.low, one.close, one.vwap)),
            f"{one.volume:.8f}",
            one.trade_count,
            *novelty,
        ]
        for one in candles
        if one.opened_s // 3600 % step == 0
    ]
    last = rows[-2][0] if len(rows) > 1 else now // 3600 * 3600
    return as_json({"error": [], "result": {name: rows, "last": last}})
