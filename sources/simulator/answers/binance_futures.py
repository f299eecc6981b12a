"""The simulated Binance USD-M REST API: funding history, oldest first, numbers as text, times that jitter."""

from __future__ import annotations

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import ORIGIN, day_at, hour_index
from sources.simulator.story import at

HOSTS = ("fapi.binance.com",)
_LIMIT, _MAX_LIMIT = 100, 1_000
_INTERVAL_MS = 8 * 3_600_000
_MARK_PRICE_SINCE = at("2023-11-01")


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == "/fapi/v1/ping":
        return as_json({})
    if ask.path == "/fapi/v1/time":
        return as_json({"serverTime": int(scene.now.timestamp() * 1000)})
    if ask.path != "/fapi/v1/fundingRate":
        return not_found(ask)
    perpetual = scene.state.perpetuals.get(ask.params.get("symbol", ""))
    if perpetual is None:
        return as_json({"code": -1121, "msg": "Invalid symbol."}, 400)
    for name in ("startTime", "endTime", "limit"):
        if name in ask.params and not ask.params[name].isdigit():
            message = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            return as_json({"code": -1100, "msg": message}, 400)
    limit = min(int(ask.params.get("limit", _LIMIT)), _MAX_LIMIT)
    origin_ms = int(ORIGIN.timestamp() * 1000)
    times = origin_ms + np.arange(len(perpetual.funding_rate)) * _INTERVAL_MS + perpetual.funding_jitter_ms
    shown = times <= int(scene.now.timestamp() * 1000)
    if "startTime" in ask.params:
        shown &= times >= int(ask.params["startTime"])
    if "endTime" in ask.params:
        shown &= times <= int(ask.params["endTime"])
    found: list[int] = [index for index in np.flatnonzero(shown).tolist() if not scene.is_missing(day_at(index // 3))]
    # Without a start the answer is the newest part, with one it begins there.
    found = found[:limit] if "startTime" in ask.params else found[-limit:] if limit else []
    rows = []
    for index in found:
        mark = perpetual.close[max(index * 8 - 1, 0)]
        has_mark = index * 8 >= hour_index(_MARK_PRICE_SINCE)
        row: dict[str, object] = {
            "symbol": perpetual.symbol,
            "fundingTime": int(times[index]),
            "fundingRate": f"{perpetual.funding_rate[index] * scene.factor(day_at(index // 3)):.8f}",
            "markPrice": f"{mark:.8f}" if has_mark else "",
        }
        rows.append(row | ({"new_field": "1"} if scene.has_new_column else {}))
    return as_json(rows)
