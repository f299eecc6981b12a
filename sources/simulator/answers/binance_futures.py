"""The simulated Binance USD-M REST API: numbers as text, times of settlements that jitter, statistics of 30 days.

Open interest and ratios at an hour are those that the archive's metrics have at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import HOURS, ORIGIN, Perpetual, day_at, hour_index
from sources.simulator.story import at

HOSTS = ("fapi.binance.com",)
_LIMIT, _MAX_LIMIT = 100, 1_000
_INTERVAL_MS = 8 * 3_600_000
_MARK_PRICE_SINCE = at("2023-11-01")

_STATISTICS = "/futures/data/"
_STATISTICS_LIMIT, _STATISTICS_MAX_LIMIT = 30, 500
_STATISTICS_DEPTH = timedelta(days=30)
_HOUR = timedelta(hours=1)
_HOUR_MS = 3_600_000
_FUTURES_VOLUME = 6.0
"""Volume of the perpetual over that of spot."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == "/fapi/v1/ping":
        return as_json({})
    if ask.path == "/fapi/v1/time":
        return as_json({"serverTime": int(scene.now.timestamp() * 1000)})
    if ask.path == "/fapi/v1/fundingInfo":
        return _funding_info(scene)
    tell = _TOLD.get(ask.path)
    if tell is None:
        return not_found(ask)
    perpetual = scene.state.perpetuals.get(ask.params.get("symbol", ""))
    if perpetual is None:
        return as_json({"code": -1121, "msg": "Invalid symbol."}, 400)
    for name in ("startTime", "endTime", "limit"):
        if name in ask.params and not ask.params[name].isdigit():
            message = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            return as_json({"code": -1100, "msg": message}, 400)
    return tell(ask, scene, perpetual)


def _funding_rates(ask: Ask, scene: Scene, perpetual: Perpetual) -> Answer:
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
        rows.append(row | _novelty(scene))
    return as_json(rows)


def _premium_index(ask: Ask, scene: Scene, perpetual: Perpetual) -> Answer:
    now_ms = int(scene.now.timestamp() * 1000)
    known = max(hour_index(scene.now) - 1, 0)
    coming = now_ms // _INTERVAL_MS + 1
    # The rate of the last settlement: the one under way is not known yet.
    last = min(coming - 1 - int(ORIGIN.timestamp() * 1000) // _INTERVAL_MS, len(perpetual.funding_rate) - 1)
    day = scene.now.date()
    candles = scene.state.candles[perpetual.symbol]
    row: dict[str, object] = {
        "symbol": perpetual.symbol,
        "markPrice": f"{perpetual.close[known] * scene.factor(day):.8f}",
        "indexPrice": f"{candles.close[known - candles.first_hour]:.8f}",
        "estimatedSettlePrice": f"{candles.close[known - candles.first_hour]:.8f}",
        "lastFundingRate": f"{perpetual.funding_rate[last]:.8f}",
        "interestRate": "0.00010000",
        "nextFundingTime": coming * _INTERVAL_MS,
        "time": now_ms,
    }
    return as_json(row | _novelty(scene))


def _funding_info(scene: Scene) -> Answer:
    rows: list[dict[str, object]] = []
    for symbol, hours, cap in (("BTCUSDT", 8, 0.003), ("ETHUSDT", 8, 0.003), ("BLZUSDT", 4, 0.025)):
        row: dict[str, object] = {
            "symbol": symbol,
            "adjustedFundingRateCap": f"{cap:.8f}",
            "adjustedFundingRateFloor": f"{-cap:.8f}",
            "fundingIntervalHours": hours,
            "disclaimer": False,
            "updateTime": int(ORIGIN.timestamp() * 1000),
        }
        rows.append(row | _novelty(scene))
    return as_json(rows)


def _statistics(metric: str) -> Callable[[Ask, Scene, Perpetual], Answer]:
    """What answers for one of the archive's metrics, at whole hours."""

    def tell(ask: Ask, scene: Scene, perpetual: Perpetual) -> Answer:
        if (refusal := _refused(ask, scene)) is not None:
            return refusal
        stamps = _stamps(ask, scene, until=scene.now)
        by_day: dict[object, dict[str, list[float]]] = {}
        rows: list[dict[str, object]] = []
        for moment in stamps:
            # Metrics of a day are stamped 00:05 .. 24:00, so midnight is the last of the day before.
            day = (moment - timedelta(minutes=5)).date()
            if day not in by_day:
                metrics = scene.state.metrics(perpetual.symbol, day)
                by_day[day] = {name: values[11::12].tolist() for name, values in metrics.items()}
            position = (moment.hour - 1) % 24
            factor = scene.factor(moment.date())
            row: dict[str, object] = {"symbol": perpetual.symbol, "timestamp": int(moment.timestamp() * 1000)}
            if metric == "open_interest_coin":
                coin, usd = (by_day[day][name][position] * factor for name in (metric, "open_interest_usd"))
                supply = scene.state.on_chain[_asset(perpetual)].supply
                row["sumOpenInterest"], row["sumOpenInterestValue"] = f"{coin:.8f}", f"{usd:.8f}"
                row["CMCCirculatingSupply"] = f"{supply[max(hour_index(moment) // 24 - 1, 0)]:.8f}"
            else:
                ratio = by_day[day][metric][position] * factor
                share = ratio / (1.0 + ratio)
                row["longShortRatio"], row["longAccount"] = f"{ratio:.4f}", f"{share:.4f}"
                row["shortAccount"] = f"{1.0 - share:.4f}"
            rows.append(row | _novelty(scene))
        return as_json(rows)

    return tell


def _taker_volume(ask: Ask, scene: Scene, perpetual: Perpetual) -> Answer:
    if (refusal := _refused(ask, scene)) is not None:
        return refusal
    candles = scene.state.candles[perpetual.symbol]
    rows: list[dict[str, object]] = []
    for moment in _stamps(ask, scene, until=scene.now - timedelta(milliseconds=1)):
        # The hour under way has the volume so far, at the ratio of the hour before.
        elapsed = min((scene.now - moment) / _HOUR, 1.0)
        hour = hour_index(moment)
        volume = float(candles.volume_base[hour - candles.first_hour]) * _FUTURES_VOLUME * scene.factor(moment.date())
        before = max(hour - 1, 0)
        ratio = float(perpetual.taker_ratio[hour if elapsed >= 1.0 else before])
        if elapsed < 1.0:
            volume = float(candles.volume_base[before - candles.first_hour]) * _FUTURES_VOLUME * elapsed
        row: dict[str, object] = {
            "buySellRatio": f"{ratio:.4f}",
            "buyVol": f"{volume * ratio / (1.0 + ratio):.4f}",
            "sellVol": f"{volume / (1.0 + ratio):.4f}",
            "timestamp": int(moment.timestamp() * 1000),
        }
        rows.append(row | _novelty(scene))
    return as_json(rows)


def _refused(ask: Ask, scene: Scene) -> Answer | None:
    if ask.params.get("period") != "1h":
        return as_json({"code": -1130, "msg": "parameter 'period' is invalid."}, 400)
    oldest_ms = int((scene.now - _STATISTICS_DEPTH).timestamp() * 1000)
    if int(ask.params.get("startTime", oldest_ms)) < oldest_ms:
        return as_json({"code": -1130, "msg": "parameter 'startTime' is invalid."}, 400)
    return None


def _stamps(ask: Ask, scene: Scene, *, until: datetime) -> list[datetime]:
    """Whole hours that are asked for, up to an instant."""
    oldest = max(scene.now - _STATISTICS_DEPTH, ORIGIN + _HOUR)
    limit = min(int(ask.params.get("limit", _STATISTICS_LIMIT)), _STATISTICS_MAX_LIMIT)
    start_ms = int(ask.params.get("startTime", int(oldest.timestamp() * 1000)))
    end_ms = min(int(ask.params.get("endTime", 10**15)), int(until.timestamp() * 1000))
    first = max(-(-start_ms // _HOUR_MS), -(-int(oldest.timestamp() * 1000) // _HOUR_MS))
    origin = int(ORIGIN.timestamp() * 1000) // _HOUR_MS
    hours = range(first, min(end_ms // _HOUR_MS, origin + HOURS) + 1)
    moments = [ORIGIN + (hour - origin) * _HOUR for hour in hours]
    shown = [moment for moment in moments if not scene.is_missing(moment.date())]
    if not limit:
        return []
    return shown[:limit] if "startTime" in ask.params else shown[-limit:]


def _asset(perpetual: Perpetual) -> str:
    return perpetual.symbol.removesuffix("USDT").lower()


def _novelty(scene: Scene) -> dict[str, object]:
    return {"new_field": "1"} if scene.has_new_column else {}


_TOLD: dict[str, Callable[[Ask, Scene, Perpetual], Answer]] = {
    "/fapi/v1/fundingRate": _funding_rates,
    "/fapi/v1/premiumIndex": _premium_index,
    f"{_STATISTICS}openInterestHist": _statistics("open_interest_coin"),
    f"{_STATISTICS}globalLongShortAccountRatio": _statistics("account_ratio"),
    f"{_STATISTICS}topLongShortAccountRatio": _statistics("top_account_ratio"),
    f"{_STATISTICS}topLongShortPositionRatio": _statistics("top_position_ratio"),
    f"{_STATISTICS}takerlongshortRatio": _taker_volume,
}
