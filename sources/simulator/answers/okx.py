"""The simulated OKX v5: text for numbers, newest first, contracts of a hundredth bitcoin, liquidations of 24 hours.

It holds a fixed part of the open interest of the market and sees a fixed part of its liquidations, which come in
several orders an hour; of some there are two alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import HOURS, ORIGIN, Perpetual, day_at, hour_index

HOSTS = ("www.okx.com",)
_ROOT = "/api/v5/"
_SHARE = 0.32
"""Open interest here over that of the perpetual of the state."""
_LIQUIDATION_SHARE = 0.12
"""Liquidations here over those of the whole market."""
_ORDERS: Mapping[str, tuple[tuple[int, float], ...]] = {
    "long": ((7, 0.4), (19, 0.1), (19, 0.1), (38, 0.25), (54, 0.15)),
    "short": ((11, 0.5), (29, 0.3), (47, 0.2)),
}
"""Minute of the hour and part of the hour's sum, of each order; two are alike."""
_CONTRACT = {"BTCUSDT": 0.01, "ETHUSDT": 0.1}
"""Coins in a contract."""
_ORIGIN_MS = int(ORIGIN.timestamp() * 1000)
_HOUR_MS = 3_600_000
_SETTLEMENT_MS = 8 * _HOUR_MS
_FUNDING_DEPTH = timedelta(days=92)
_LIQUIDATIONS_DEPTH = timedelta(hours=24)
_RATIOS_DEPTH = timedelta(days=30)
_LIMIT, _MAX_FUNDING_LIMIT = 100, 400

_Row = dict[str, object]


def answer(ask: Ask, scene: Scene) -> Answer:
    for name in ("before", "after", "begin", "end", "limit"):
        if name in ask.params and not ask.params[name].isdigit():
            return _refusal("51000", f"Parameter {name} error", 400)
    path = ask.path.removeprefix(_ROOT)
    if path == "public/funding-rate-history":
        return _funding_rates(ask, scene)
    if path == "public/open-interest":
        return _open_interest(ask, scene)
    if path == "public/liquidation-orders":
        return _liquidations(ask, scene)
    if path == "rubik/stat/contracts/long-short-account-ratio":
        return _account_ratios(ask, scene)
    return not_found(ask)


def _perpetual(scene: Scene, swap: str) -> Perpetual | None:
    return scene.state.perpetuals.get(swap.removesuffix("-SWAP").replace("-", "")) if swap.endswith("-SWAP") else None


def _funding_rates(ask: Ask, scene: Scene) -> Answer:
    swap = ask.params.get("instId", "")
    if (perpetual := _perpetual(scene, swap)) is None:
        return _refusal("51001", "Instrument ID doesn't exist")
    limit = min(int(ask.params.get("limit", _MAX_FUNDING_LIMIT)), _MAX_FUNDING_LIMIT)
    newest_ms = min(_ms(scene.now), int(ask.params.get("after", 10**15)) - 1)
    oldest_ms = max(_ms(scene.now - _FUNDING_DEPTH), _ORIGIN_MS, int(ask.params.get("before", 0)) + 1)
    rows: list[_Row] = []
    newest = min((newest_ms - _ORIGIN_MS) // _SETTLEMENT_MS, len(perpetual.funding_rate) - 1)
    for index in range(newest, -(-(oldest_ms - _ORIGIN_MS) // _SETTLEMENT_MS) - 1, -1):
        if len(rows) == limit:
            break
        if scene.is_missing(day := day_at(index // 3)):
            continue
        paid = perpetual.funding_rate[index] * 1.04 * scene.factor(day)
        row: _Row = {
            "formulaType": "withRate",
            "fundingRate": f"{paid * 0.99:.16f}",
            "fundingTime": str(_ORIGIN_MS + index * _SETTLEMENT_MS),
            "instId": swap,
            "instType": "SWAP",
            "method": "current_period",
            "realizedRate": f"{paid:.16f}",
        }
        rows.append(row | _novelty(scene))
    return _envelope(rows)


def _open_interest(ask: Ask, scene: Scene) -> Answer:
    if ask.params.get("instType") != "SWAP":
        return _refusal("51000", "Parameter instType error", 400)
    swap = ask.params.get("instId", "")
    if (perpetual := _perpetual(scene, swap)) is None:
        return _refusal("51001", "Instrument ID doesn't exist")
    known = max(hour_index(scene.now) - 1, 0)
    coin = float(perpetual.open_interest_coin[known]) * _SHARE * scene.factor(scene.now.date())
    row: _Row = {
        "instId": swap,
        "instType": "SWAP",
        "oi": f"{coin / _CONTRACT[perpetual.symbol]:.2f}",
        "oiCcy": f"{coin:.4f}",
        "oiUsd": f"{coin * float(perpetual.close[known]):.6f}",
        "ts": str(_ms(scene.now)),
    }
    return _envelope([row | _novelty(scene)])


def _liquidations(ask: Ask, scene: Scene) -> Answer:
    family = ask.params.get("instFamily") or ask.params.get("uly")
    if not family:
        return _refusal("50015", "Either parameter uly or instFamily is required", 400)
    if (perpetual := _perpetual(scene, f"{family}-SWAP")) is None:
        return _refusal("51000", "Parameter instFamily error", 400)
    limit = min(int(ask.params.get("limit", _LIMIT)), _LIMIT)
    newest_ms = min(_ms(scene.now), int(ask.params.get("after", 10**15)) - 1)
    oldest_ms = max(_ms(scene.now - _LIQUIDATIONS_DEPTH), _ORIGIN_MS, int(ask.params.get("before", 0)) + 1)
    orders: list[tuple[int, _Row]] = []
    newest_hour = min((newest_ms - _ORIGIN_MS) // _HOUR_MS, HOURS - 1)
    for hour in range(newest_hour, (oldest_ms - _ORIGIN_MS) // _HOUR_MS - 1, -1):
        if not scene.is_missing(day := day_at(hour // 24)):
            found = _orders(perpetual, hour, scene.factor(day))
            orders += [one for one in found if oldest_ms <= one[0] <= newest_ms]
        if len(orders) >= limit:
            break
    details = [order | _novelty(scene) for _, order in orders[:limit]]
    contract: _Row = {"details": details, "instFamily": family, "instId": f"{family}-SWAP", "instType": "SWAP"}
    return _envelope([contract | {"totalLoss": "0", "uly": family}] if details else [])


def _orders(perpetual: Perpetual, hour: int, factor: float) -> list[tuple[int, _Row]]:
    """What is closed in an hour, newest first, with its time."""
    # The price before the hour, because that of its end is not known while it lasts.
    price = float(perpetual.close[max(hour - 1, 0)])
    sums = {"long": perpetual.long_liquidations_usd[hour], "short": perpetual.short_liquidations_usd[hour]}
    found: list[tuple[int, _Row]] = []
    for position, orders in _ORDERS.items():
        for minute, part in orders:
            usd = float(sums[position]) * _LIQUIDATION_SHARE * part * factor
            contracts = round(usd / (price * _CONTRACT[perpetual.symbol]), 2)
            if contracts <= 0.0:
                continue
            moment_ms = _ORIGIN_MS + hour * _HOUR_MS + minute * 60_000 + 417
            row: _Row = {
                "bkLoss": "0",
                "bkPx": f"{price * (0.995 if position == 'long' else 1.005):.1f}",
                "ccy": "",
                "posSide": position,
                "side": "sell" if position == "long" else "buy",
                "sz": f"{contracts:g}",
                "ts": str(moment_ms),
            }
            found.append((moment_ms, row))
    return sorted(found, key=lambda one: -one[0])


def _account_ratios(ask: Ask, scene: Scene) -> Answer:
    perpetual = scene.state.perpetuals.get(f"{ask.params.get('ccy', '')}USDT")
    if perpetual is None or ask.params.get("period") != "1H":
        return _refusal("51000", f"Parameter {'ccy' if perpetual is None else 'period'} error", 400)
    oldest_ms = max(_ms(scene.now - _RATIOS_DEPTH), _ORIGIN_MS, int(ask.params.get("begin", 0)))
    newest_ms = min(_ms(scene.now), int(ask.params.get("end", 10**15)))
    first, last = -(-(oldest_ms - _ORIGIN_MS) // _HOUR_MS), min((newest_ms - _ORIGIN_MS) // _HOUR_MS, HOURS - 1)
    rows: list[list[str]] = []
    for hour in range(last, first - 1, -1):
        day = day_at(hour // 24)
        if scene.is_missing(day):
            continue
        # The hour under way stands where the one before has ended.
        known = hour if _ORIGIN_MS + (hour + 1) * _HOUR_MS <= _ms(scene.now) else max(hour - 1, 0)
        ratio = float(perpetual.account_ratio[known]) * 1.06 * scene.factor(day)
        row = [str(_ORIGIN_MS + hour * _HOUR_MS), f"{ratio:.4f}"]
        rows.append([*row, "1"] if scene.has_new_column else row)
    return _envelope(rows)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _novelty(scene: Scene) -> _Row:
    return {"new_field": "1"} if scene.has_new_column else {}


def _envelope(data: object) -> Answer:
    return as_json({"code": "0", "data": data, "msg": ""})


def _refusal(code: str, message: str, status: int = 200) -> Answer:
    return as_json({"code": code, "data": [], "msg": message}, status)
