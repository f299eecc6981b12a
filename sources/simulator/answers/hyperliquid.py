"""The simulated Hyperliquid: one address for all, hourly funding, names and figures in two halves."""

from __future__ import annotations

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.hourly import HOUR_S, ORIGIN_S, SYMBOLS, factors, settlements_between, told
from sources.simulator.story import at

HOSTS = ("api.hyperliquid.xyz",)
_BEGINS_S = int(at("2023-05-12").timestamp())
_PAGE_SIZE = 500
_SHARE_OF_OPEN_INTEREST = 0.09
_UNIVERSE = (("BTC", 5, 40), ("ETH", 4, 25), ("ATOM", 2, 5))
"""Coins, decimals of a size, highest leverage; only the first two are traded."""

_NOT_UNDERSTOOD = b"Failed to deserialize the JSON body into the target type"


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path != "/info":
        return not_found(ask)
    document = ask.document()
    match document.get("type"):
        case "meta":
            return as_json(_meta())
        case "metaAndAssetCtxs":
            return as_json([_meta(), [_context(coin, scene) for coin, _, _ in _UNIVERSE]])
        case "fundingHistory":
            start_ms, end_ms = document.get("startTime"), document.get("endTime", int(scene.now.timestamp() * 1000))
            if not isinstance(start_ms, int) or not isinstance(end_ms, int):
                return _not_understood()
            return _funding(str(document.get("coin")), start_ms, end_ms, scene)
    return _not_understood()


def _not_understood() -> Answer:
    return Answer(422, "text/plain; charset=utf-8", _NOT_UNDERSTOOD)


def _funding(coin: str, start_ms: int, end_ms: int, scene: Scene) -> Answer:
    if coin not in SYMBOLS:
        return Answer(500, "application/json", b"null")
    perpetual = scene.state.perpetuals[SYMBOLS[coin]]
    # One hour more on either side, because times jitter by milliseconds.
    hours = settlements_between(scene, max(start_ms // 1000 - HOUR_S, _BEGINS_S), end_ms // 1000)
    times = (ORIGIN_S + hours * HOUR_S) * 1000 + hours * 7 % 90
    shown = (times >= start_ms) & (times <= min(end_ms, int(scene.now.timestamp() * 1000)))
    hours, times = hours[shown][:_PAGE_SIZE], times[shown][:_PAGE_SIZE]
    rates = perpetual.funding_rate[hours // 8] / 8.0 * factors(scene, hours)
    rows = []
    for position, (moment, rate) in enumerate(zip(times.tolist(), rates.tolist(), strict=True)):
        row: dict[str, object] = {"coin": coin, "fundingRate": f"{rate:.10f}", "premium": f"{8 * rate - 1e-4:.10f}"}
        # Some rows lack their premium.
        if int(hours[position]) % 997 == 0:
            del row["premium"]
        row["time"] = moment
        rows.append(row | ({"new_field": "1"} if scene.has_new_column else {}))
    return as_json(rows)


def _meta() -> dict[str, object]:
    universe = [
        {"szDecimals": decimals, "name": coin, "maxLeverage": leverage, "marginTableId": leverage}
        for coin, decimals, leverage in _UNIVERSE
    ]
    return {"universe": universe, "marginTables": [], "collateralToken": 0}


def _context(coin: str, scene: Scene) -> dict[str, object]:
    row: dict[str, object]
    if coin not in SYMBOLS:
        row = {"funding": "0.0", "openInterest": "0.0", "prevDayPx": "5.0", "dayNtlVlm": "0.0", "premium": None}
        row |= {"oraclePx": "5.0", "markPx": "5.0", "midPx": None, "impactPxs": None, "dayBaseVlm": "0.0"}
    else:
        perpetual = scene.state.perpetuals[SYMBOLS[coin]]
        hour = int(told(scene, np.array([2**31]))[0])
        price, rate = perpetual.close[hour], perpetual.funding_rate[hour // 8] / 8.0
        coins = perpetual.open_interest_coin[hour] * _SHARE_OF_OPEN_INTEREST
        row = {
            "funding": f"{rate:.10f}",
            "openInterest": f"{coins:.5f}",
            "prevDayPx": f"{perpetual.close[max(hour - 24, 0)]:.1f}",
            "dayNtlVlm": f"{coins * price * 1.4:.4f}",
            "premium": f"{8 * rate - 1e-4:.10f}",
            "oraclePx": f"{price / 1.0002:.1f}",
            "markPx": f"{price:.1f}",
            "midPx": f"{price:.2f}",
            "impactPxs": [f"{price * 0.9999:.1f}", f"{price * 1.0001:.1f}"],
            "dayBaseVlm": f"{coins * 1.4:.5f}",
        }
    return row | ({"new_field": "1"} if scene.has_new_column else {})
