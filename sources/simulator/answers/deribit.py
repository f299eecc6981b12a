"""The simulated Deribit volatility index: newest page first, a continuation to older ones, an open last candle."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS, ORIGIN, Floats, day_at, day_index

HOSTS = ("www.deribit.com",)
_PATH = "/api/v2/public/get_volatility_index_data"
_PAGE_SIZE = 1_000
_DAY_MS = 86_400_000
FIRST_DAY = date(2021, 3, 24)


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path.startswith("/api/v2/public/") and ask.path != _PATH:
        return _envelope(scene, {"error": {"code": -32601, "message": "Method not found"}}, 400)
    if ask.path != _PATH:
        return not_found(ask)
    currency = ask.params.get("currency", "")
    if currency not in scene.state.dvol_pct:
        return _invalid(scene, "currency", "value is not one of BTC, ETH")
    if ask.params.get("resolution") != "1D":
        return _invalid(scene, "resolution", "the simulated index has daily candles only")
    bounds = []
    for name in ("start_timestamp", "end_timestamp"):
        if not ask.params.get(name, "").isdigit():
            return _invalid(scene, name, "value must be a timestamp in milliseconds")
        bounds.append(int(ask.params[name]))
    candles = [row for row in _candles(scene.state.dvol_pct[currency], scene) if bounds[0] <= row[0] <= bounds[1]]
    page = candles[-_PAGE_SIZE:]
    continuation = int(page[0][0]) - _DAY_MS if len(page) < len(candles) else None
    return _envelope(scene, {"result": {"data": page, "continuation": continuation}})


def _candles(values: Floats, scene: Scene) -> list[list[float]]:
    rows: list[list[float]] = []
    for index, day in scene.shown(scene.whole_days):
        if day >= FIRST_DAY:
            rows.append(_candle(index, values[index] * scene.factor(day), scene))
    today = scene.whole_days
    elapsed = (scene.now - ORIGIN) / timedelta(days=1) - today
    if day_index(FIRST_DAY) <= today < DAYS and elapsed > 0 and not scene.is_missing(day_at(today)):
        # The candle under way has come part of its way from open to close.
        opening, _, _, close = values[today]
        price = opening + (close - opening) * elapsed
        rows.append(_candle(today, np.array([opening, max(opening, price), min(opening, price), price]), scene))
    return rows


def _candle(index: int, values: Floats, scene: Scene) -> list[float]:
    row = [int(ORIGIN.timestamp() * 1000) + index * _DAY_MS, *(round(float(value), 2) for value in values)]
    return [*row, 1] if scene.has_new_column else row


def _invalid(scene: Scene, param: str, reason: str) -> Answer:
    data = {"reason": reason, "param": param}
    return _envelope(scene, {"error": {"code": -32602, "message": "Invalid params", "data": data}}, 400)


def _envelope(scene: Scene, content: dict[str, object], status: int = 200) -> Answer:
    micros = int(scene.now.timestamp() * 1e6)
    return as_json(
        {"jsonrpc": "2.0", **content, "usIn": micros, "usOut": micros + 1873, "usDiff": 1873, "testnet": False}, status
    )
