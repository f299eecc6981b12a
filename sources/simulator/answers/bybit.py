"""The simulated Bybit v5: newest first, text for numbers, errors under 200, cursors that come URL-encoded.

It holds a fixed part of the open interest of the market. Rows say how much that is on one side from 2025 on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, unquote

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import HOURS, ORIGIN, Perpetual, day_at, hour_index
from sources.simulator.story import at

HOSTS = ("api.bybit.com",)
_SHARE = 0.55
"""Open interest here over that of the perpetual of the state."""
_SINGLE_SINCE = at("2025-01-01")
_LIMITS = {"funding/history": (200, 200), "open-interest": (50, 200), "account-ratio": (50, 500)}
_INTERVAL_NAME = {"open-interest": "intervalTime", "account-ratio": "period"}
_CURSOR = re.compile(r"lastid=\d+&lasttime=(\d+)")
_ORIGIN_MS = int(ORIGIN.timestamp() * 1000)
_HOUR_MS = 3_600_000
_SETTLEMENT_MS = 8 * _HOUR_MS

_Row = dict[str, object]


def answer(ask: Ask, scene: Scene) -> Answer:
    path = ask.path.removeprefix("/v5/market/")
    if path not in _LIMITS:
        return not_found(ask)
    perpetual = scene.state.perpetuals.get(ask.params.get("symbol", ""))
    if ask.params.get("category") != "linear" or perpetual is None:
        return _refusal(scene, "params error: symbol invalid")
    for name in ("startTime", "endTime", "limit"):
        if name in ask.params and not ask.params[name].isdigit():
            return _refusal(scene, f"params error: {name} invalid")
    if path == "funding/history":
        if "startTime" in ask.params and "endTime" not in ask.params:
            return _refusal(scene, "params error: endTime can not be empty while startTime is specified")
        rows, _ = _page(ask, scene, path, _SETTLEMENT_MS, partial(_settlement, perpetual))
        return _envelope(scene, {"category": "linear", "list": rows})
    if ask.params.get(_INTERVAL_NAME[path]) != "1h":
        return _refusal(scene, f"params error: {_INTERVAL_NAME[path]} invalid")
    tell = _counted if path == "open-interest" else _accounts
    rows, cursor = _page(ask, scene, path, _HOUR_MS, partial(tell, perpetual))
    named = {"symbol": perpetual.symbol, "category": "linear"} if path == "open-interest" else {}
    return _envelope(scene, {**named, "list": rows, "nextPageCursor": quote(cursor, safe="")})


def _page(
    ask: Ask, scene: Scene, path: str, step_ms: int, tell: Callable[[int, float], _Row]
) -> tuple[list[_Row], str]:
    """The newest rows of what is asked for and the cursor to older ones; empty where there are none."""
    default, most = _LIMITS[path]
    limit = min(int(ask.params.get("limit", default)), most)
    end_ms = min(int(ask.params.get("endTime", 10**15)), int(scene.now.timestamp() * 1000))
    if found := _CURSOR.fullmatch(unquote(ask.params.get("cursor", ""))):
        end_ms = min(end_ms, int(found[1]) * 1000 - 1)
    start_ms = max(int(ask.params.get("startTime", 0)), _ORIGIN_MS + step_ms)
    newest = min((end_ms - _ORIGIN_MS) // step_ms, HOURS * _HOUR_MS // step_ms)
    oldest = -(-(start_ms - _ORIGIN_MS) // step_ms)
    per_day = 24 * _HOUR_MS // step_ms
    novelty = {"new_field": "1"} if scene.has_new_column else {}
    position, is_missing, factor = -1, False, 1.0
    rows: list[_Row] = []
    for index in range(newest, oldest - 1, -1):
        if len(rows) == limit:
            last_s = (_ORIGIN_MS + (index + 1) * step_ms) // 1000
            return rows, f"lastid={index + 1}&lasttime={last_s}"
        if index // per_day != position:
            position = index // per_day
            is_missing, factor = scene.is_missing(day_at(position)), scene.factor(day_at(position))
        if not is_missing:
            rows.append(tell(index, factor) | novelty)
    return rows, ""


def _settlement(perpetual: Perpetual, index: int, factor: float) -> _Row:
    rate = perpetual.funding_rate[min(index, len(perpetual.funding_rate) - 1)] * 0.96 * factor
    moment_ms = _ORIGIN_MS + index * _SETTLEMENT_MS
    return {"symbol": perpetual.symbol, "fundingRate": f"{rate:.8f}", "fundingRateTimestamp": str(moment_ms)}


def _counted(perpetual: Perpetual, index: int, factor: float) -> _Row:
    # Hourly arrays hold the value at the end of the hour, which is where the next one begins.
    single = perpetual.open_interest_coin[index - 1] * _SHARE * factor
    row: _Row = {"openInterest": f"{2 * single:.8f}"}
    if index >= hour_index(_SINGLE_SINCE):
        row["singleOpenInterest"] = f"{single:.3f}"
    return row | {"timestamp": str(_ORIGIN_MS + index * _HOUR_MS)}


def _accounts(perpetual: Perpetual, index: int, factor: float) -> _Row:
    ratio = perpetual.account_ratio[index - 1] * 0.93 * factor
    share = round(float(ratio / (1.0 + ratio)), 4)
    moment_ms = _ORIGIN_MS + index * _HOUR_MS
    shares = {"buyRatio": f"{share:.4f}", "sellRatio": f"{1.0 - share:.4f}"}
    return {"symbol": perpetual.symbol, **shares, "timestamp": str(moment_ms)}


def _refusal(scene: Scene, message: str) -> Answer:
    return _envelope(scene, {}, code=10001, message=message)


def _envelope(scene: Scene, result: _Row, *, code: int = 0, message: str = "OK") -> Answer:
    moment_ms = int(scene.now.timestamp() * 1000)
    return as_json({"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": moment_ms})
