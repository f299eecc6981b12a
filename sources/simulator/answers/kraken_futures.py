"""The simulated Kraken Futures analytics: times beside series, `more` where a span holds more than a page."""

from __future__ import annotations

import re

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.hourly import HOUR_S, ORIGIN_S, SYMBOLS, factors, hours_between, told
from sources.simulator.state import Floats, Ints, Perpetual
from sources.simulator.story import at

HOSTS = ("futures.kraken.com",)
_PATH = re.compile(r"/api/charts/v1/analytics/([A-Z0-9_]+)/([a-z-]+)")
_COINS = {"PF_XBTUSD": "BTC", "PF_ETHUSD": "ETH"}
_INTERVALS = (60, 300, 900, 1800, 3600, 14400, 43200, 86400, 604800)
_BEGINS_S = int(at("2023-03-07").timestamp())
_PAGE_SIZE = 5_000
_SHARE_OF_OPEN_INTEREST = 0.012
_SHARE_OF_LIQUIDATIONS = 0.008
_SHARE_OF_DEPTH = 0.02
_BANDS = (("005", 0.3), ("01", 0.55), ("025", 1.2), ("05", 2.0), ("10", 3.1), ("100", 6.0))
"""Bands and how much of the depth within 1 per cent rests in them."""

_SIZES = (("1k", 1e3), ("10k", 1e4), ("100k", 1e5), ("1m", 1e6))


def answer(ask: Ask, scene: Scene) -> Answer:
    found = _PATH.fullmatch(ask.path)
    if found is None:
        return not_found(ask)
    symbol, kind = found.groups()
    if symbol not in _COINS or kind not in _KINDS:
        return _refused("NotFound", "symbol" if symbol not in _COINS else "analytics_type", 404)
    if (
        ask.params.get("interval", "") not in {str(one) for one in _INTERVALS}
        or not ask.params.get("since", "").isdigit()
    ):
        return _refused("InvalidArguments", "since" if "interval" in ask.params else "interval", 400)
    step_s = int(ask.params["interval"])
    if step_s % HOUR_S:
        return _refused("InvalidArguments", "interval", 400)
    since_s = max(int(ask.params["since"]), _BEGINS_S)
    to_s = int(ask.params["to"]) if ask.params.get("to", "").isdigit() else int(scene.now.timestamp())
    hours = hours_between(scene, since_s, to_s + 1, with_open=True)
    hours = hours[(hours * HOUR_S) % step_s == 0]
    page = hours[:_PAGE_SIZE]
    data = _KINDS[kind](scene, scene.state.perpetuals[SYMBOLS[_COINS[symbol]]], page)
    result = {"timestamp": (ORIGIN_S + page * HOUR_S).tolist(), "data": data, "more": len(page) < len(hours)}
    return as_json({"result": result | ({"new_field": 1} if scene.has_new_column else {}), "errors": []})


def _open_interest(scene: Scene, perpetual: Perpetual, hours: Ints) -> object:
    coins = perpetual.open_interest_coin * _SHARE_OF_OPEN_INTEREST
    opened, closed = coins[told(scene, np.maximum(hours - 1, 0))], coins[told(scene, hours)]
    factor = factors(scene, hours)
    candles = np.stack([opened, np.maximum(opened, closed), np.minimum(opened, closed), closed], axis=1)
    return [[f"{value:.4f}" for value in candle] for candle in (candles * factor[:, None]).tolist()]


def _liquidation_volume(scene: Scene, perpetual: Perpetual, hours: Ints) -> object:
    usd = perpetual.long_liquidations_usd + perpetual.short_liquidations_usd
    where = told(scene, hours)
    return _texts(usd[where] / perpetual.close[where] * _SHARE_OF_LIQUIDATIONS * factors(scene, hours), 4)


def _liquidity(scene: Scene, perpetual: Perpetual, hours: Ints) -> object:
    sides = {}
    for side, depth_usd in (("bid", perpetual.bid_depth_usd), ("ask", perpetual.ask_depth_usd)):
        coins = _within_1_pct(scene, perpetual, depth_usd, hours)
        sides[side] = {f"liquidity_{band}": _texts(coins * share, 4) for band, share in _BANDS}
    return sides


def _spreads(scene: Scene, perpetual: Perpetual, hours: Ints) -> object:
    bid, ask = _best(scene, perpetual, hours)
    return {"bid": {"best_price": _texts(bid, 1)}, "ask": {"best_price": _texts(ask, 1)}}


def _slippage(scene: Scene, perpetual: Perpetual, hours: Ints) -> object:
    best = _best(scene, perpetual, hours)
    sides = {}
    for side, price, sign, depth_usd in (
        ("bid", best[0], -1.0, perpetual.bid_depth_usd),
        ("ask", best[1], 1.0, perpetual.ask_depth_usd),
    ):
        usd = _within_1_pct(scene, perpetual, depth_usd, hours) * price
        series = {}
        for name, size_usd in _SIZES:
            filled = price * (1.0 + sign * 0.005 * np.minimum(size_usd / usd, 6.0))
            texts = _texts(filled, 4)
            # Nothing where the book does not hold as much.
            is_enough = (size_usd <= usd * _BANDS[-1][1]).tolist()
            series[f"slippage_{name}"] = [
                text if enough else None for text, enough in zip(texts, is_enough, strict=True)
            ]
        sides[side] = series
    return sides


_KINDS = {
    "open-interest": _open_interest,
    "liquidation-volume": _liquidation_volume,
    "liquidity": _liquidity,
    "spreads": _spreads,
    "slippage": _slippage,
}


def _within_1_pct(scene: Scene, perpetual: Perpetual, depth_usd: Floats, hours: Ints) -> Floats:
    """Coins that rest within 1 per cent."""
    where = told(scene, hours)
    coins: Floats = depth_usd[where, 0] * _SHARE_OF_DEPTH / perpetual.close[where] * factors(scene, hours)
    return coins


def _best(scene: Scene, perpetual: Perpetual, hours: Ints) -> tuple[Floats, Floats]:
    """Best bid and ask: the less rests near the price, the further they are apart."""
    where = told(scene, hours)
    mid = perpetual.close[where] * factors(scene, hours)
    depth = perpetual.bid_depth_usd[where, 0] + perpetual.ask_depth_usd[where, 0]
    half = np.clip(2e-5 * np.sqrt(4e8 / depth), 1e-5, 1e-2)
    return mid * (1.0 - half), mid * (1.0 + half)


def _texts(values: Floats, decimals: int) -> list[str]:
    return [f"{value:.{decimals}f}" for value in values.tolist()]


def _refused(kind: str, field: str, status: int) -> Answer:
    error = {
        "severity": "E",
        "error_class": "General",
        "type": kind,
        "msg": "Query has invalid arguments",
        "field": field,
    }
    return as_json({"result": None, "errors": [error]}, status)
