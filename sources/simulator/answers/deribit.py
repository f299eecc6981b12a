"""The simulated Deribit: the volatility index, hourly funding, and the books of futures and options as of now.

Of the index the newest page comes first, with a continuation to older ones, and the last candle is open.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.hourly import HOUR_S, ORIGIN_S, SYMBOLS, ended_hours, factors, settlements_between
from sources.simulator.state import DAYS, ORIGIN, Floats, day_at, day_index

HOSTS = ("www.deribit.com",)
_PUBLIC = "/api/v2/public/"
_PATH = f"{_PUBLIC}get_volatility_index_data"
_FUNDING_PATH = f"{_PUBLIC}get_funding_rate_history"
_SUMMARY_PATH = f"{_PUBLIC}get_book_summary_by_currency"
_PAGE_SIZE = 1_000
_DAY_MS = 86_400_000
FIRST_DAY = date(2021, 3, 24)
_FUNDING_ROWS = 744
_KINDS = ("future", "option", "spot", "future_combo", "option_combo")
_FUTURES_SHARE, _OPTIONS_SHARE = 0.02, 0.35
"""Open interest as a share of the market's in perpetuals."""

_STRIKE_STEPS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 2.0)
_STRIKE_UNIT = {"BTC": 1000, "ETH": 50}


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == _FUNDING_PATH:
        return _funding(ask, scene)
    if ask.path == _SUMMARY_PATH:
        return _summary(ask, scene)
    if ask.path.startswith(_PUBLIC) and ask.path != _PATH:
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


def _funding(ask: Ask, scene: Scene) -> Answer:
    instrument = ask.params.get("instrument_name", "")
    currency = instrument.removesuffix("-PERPETUAL")
    if currency == instrument or currency not in SYMBOLS:
        return _invalid(scene, "instrument_name", "wrong format")
    for name in ("start_timestamp", "end_timestamp"):
        if not ask.params.get(name, "").isdigit():
            return _invalid(scene, name, "value must be a timestamp in milliseconds")
    start_s, end_s = -(-int(ask.params["start_timestamp"]) // 1000), int(ask.params["end_timestamp"]) // 1000
    # The hour before the first instant of the market is not known.
    hours = settlements_between(scene, max(start_s, ORIGIN_S + HOUR_S), end_s)[-_FUNDING_ROWS:]
    perpetual = scene.state.perpetuals[SYMBOLS[currency]]
    factor = factors(scene, hours)
    paid = perpetual.funding_rate[(hours - 1) // 8] * 0.7 * factor
    index, before = perpetual.close[hours - 1], perpetual.close[np.maximum(hours - 2, 0)]
    rows = []
    for hour, rate, price, old in zip(hours.tolist(), paid.tolist(), index.tolist(), before.tolist(), strict=True):
        row = {
            "timestamp": (ORIGIN_S + hour * HOUR_S) * 1000,
            "index_price": round(price, 2),
            "prev_index_price": round(old, 2),
            "interest_8h": rate,
            "interest_1h": rate / 8.0,
        }
        rows.append(row | ({"new_field": 1} if scene.has_new_column else {}))
    return _envelope(scene, {"result": rows})


def _summary(ask: Ask, scene: Scene) -> Answer:
    currency, kind = ask.params.get("currency", ""), ask.params.get("kind", "option")
    if currency not in SYMBOLS:
        return _invalid(scene, "currency", "value is not one of BTC, ETH")
    if kind not in _KINDS:
        return _invalid(scene, "kind", f"value is not one of {', '.join(_KINDS)}")
    hour = ended_hours(scene) - 1
    if hour < 0 or scene.now.date() <= FIRST_DAY:
        return _envelope(scene, {"result": []})
    tellers = {"future": _futures, "option": _options}
    rows = tellers[kind](currency, hour, scene) if kind in tellers else []
    further = {"new_field": 1} if scene.has_new_column else {}
    return _envelope(scene, {"result": [row | further for row in rows]})


def _expiries(scene: Scene) -> list[datetime]:
    """Six Fridays at 08:00 UTC ahead, ever further apart."""
    midnight = scene.now.replace(hour=8, minute=0, second=0, microsecond=0)
    friday = midnight + timedelta(days=(4 - midnight.weekday()) % 7)
    if friday <= scene.now:
        friday += timedelta(days=7)
    return [friday + timedelta(days=7 * weeks) for weeks in (0, 1, 3, 8, 16, 29)]


def _code(expiry: datetime) -> str:
    return f"{expiry.day}{expiry:%b%y}".upper()


def _forward(spot: float, expiry: datetime, scene: Scene) -> float:
    return spot * math.exp(0.06 * ((expiry - scene.now) / timedelta(days=365)))


def _futures(currency: str, hour: int, scene: Scene) -> list[dict[str, object]]:
    perpetual = scene.state.perpetuals[SYMBOLS[currency]]
    spot, rate = float(perpetual.close[hour]), float(perpetual.funding_rate[hour // 8]) * 0.7
    market_usd = float(perpetual.open_interest_coin[hour]) * spot * _FUTURES_SHARE
    rows = []
    for number, expiry in enumerate([None, *_expiries(scene)]):
        price = spot if expiry is None else _forward(spot, expiry, scene)
        share = market_usd / 2.0 ** (number + 1)
        name = f"{currency}-PERPETUAL" if expiry is None else f"{currency}-{_code(expiry)}"
        row = _book(name, currency, "USD", price, 0.5, spot, scene)
        # Inverse futures are counted in US dollars, ten to a contract.
        row |= {
            "open_interest": round(share / 10) * 10,
            "volume": round(share / spot, 4),
            "volume_usd": round(share, 2),
        }
        row["volume_notional"] = row["volume_usd"]
        if expiry is None:
            row |= {"current_funding": rate / 8.0, "funding_8h": rate}
        rows.append(row)
    return rows


def _options(currency: str, hour: int, scene: Scene) -> list[dict[str, object]]:
    perpetual = scene.state.perpetuals[SYMBOLS[currency]]
    spot = float(perpetual.close[hour])
    volatility = float(scene.state.dvol_pct[currency][scene.whole_days - 1][3]) / 100.0
    unit = _STRIKE_UNIT[currency]
    strikes = sorted({round(spot * step / unit) * unit for step in _STRIKE_STEPS})
    coins = float(perpetual.open_interest_coin[hour]) * _OPTIONS_SHARE / (len(strikes) * 6)
    rows = []
    for expiry in _expiries(scene):
        forward, years = _forward(spot, expiry, scene), (expiry - scene.now) / timedelta(days=365)
        for strike in strikes:
            away = math.log(strike / forward)
            # A smile that leans to the downside.
            implied = volatility * (1.0 + 0.35 * away * away - 0.08 * away)
            for letter in "CP":
                price = _black(forward, strike, implied, years, letter) / forward
                row = _book(
                    f"{currency}-{_code(expiry)}-{strike}-{letter}", currency, currency, price, 5e-4, spot, scene
                )
                weight = math.exp(-4.0 * away * away)
                row |= {
                    "open_interest": round(coins * weight, 1),
                    "volume": round(coins * weight * 0.03, 1),
                    "volume_usd": round(coins * weight * 0.03 * price * spot, 2),
                    "mark_iv": round(100.0 * implied, 2),
                    "underlying_price": round(forward, 4),
                    "underlying_index": f"{currency}-{_code(expiry)}",
                    "interest_rate": 0.0,
                }
                rows.append(row)
    return rows


def _black(forward: float, strike: float, volatility: float, years: float, letter: str) -> float:
    """Price of an option on a future by Black (1976), without interest."""
    spread = volatility * math.sqrt(years)
    d1 = math.log(forward / strike) / spread + spread / 2.0
    sign = 1.0 if letter == "C" else -1.0

    def normal(x: float) -> float:
        return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))

    return sign * (forward * normal(sign * d1) - strike * normal(sign * (d1 - spread)))


def _book(name: str, base: str, quote: str, price: float, tick: float, spot: float, scene: Scene) -> dict[str, object]:
    """What futures and options have in common; where nobody bids there is no middle."""
    bid = math.floor(price * 0.9995 / tick) * tick
    ask = math.ceil(price * 1.0005 / tick) * tick
    decimals = 4 if tick < 0.1 else 2
    return {
        "instrument_name": name,
        "base_currency": base,
        "quote_currency": quote,
        "mark_price": round(price, decimals),
        "bid_price": round(bid, decimals) if bid > 0 else None,
        "ask_price": round(ask, decimals),
        "mid_price": round((bid + ask) / 2, decimals + 1) if bid > 0 else None,
        "last": round(price, decimals),
        "high": round(price, decimals),
        "low": round(price, decimals),
        "price_change": 0.0,
        "estimated_delivery_price": round(spot, 2),
        "creation_timestamp": int(scene.now.timestamp() * 1000),
    }


def _invalid(scene: Scene, param: str, reason: str) -> Answer:
    data = {"reason": reason, "param": param}
    return _envelope(scene, {"error": {"code": -32602, "message": "Invalid params", "data": data}}, 400)


def _envelope(scene: Scene, content: dict[str, object], status: int = 200) -> Answer:
    micros = int(scene.now.timestamp() * 1e6)
    return as_json(
        {"jsonrpc": "2.0", **content, "usIn": micros, "usOut": micros + 1873, "usDiff": 1873, "testnet": False}, status
    )
