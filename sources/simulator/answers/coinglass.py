"""The simulated CoinGlass: daily rows oldest first, the day under way last, errors as a code under HTTP 200.

Of its coins only those of the simulated market have rows; for the others, as for any coin it does not follow, the list
is empty. Sums over exchanges are fixed multiples of the market that is told elsewhere, and liquidations a part of it,
because the feeds they come from are throttled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial

import numpy as np

from sources.simulator.answers.farside import cells, listed_at
from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.state import HOURS, ORIGIN, Floats, day_at, day_index

HOSTS = ("open-api-v4.coinglass.com",)

COINS = ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE")
_LIMIT = 1_000
_DAY_MS = 86_400_000
_FIRST_MS = int(ORIGIN.timestamp() * 1000)
_REPORTED_LIQUIDATIONS = 0.55
_OPEN_INTEREST_OF_ALL = 2.75
_BOOKS_OF_THREE = 1.9
_FUTURES_VOLUME_OF_SPOT = 6.5
_BOOKS_SINCE = date(2024, 4, 25)
_FUNDS_SINCE = date(2024, 1, 11)

_Columns = Mapping[str, Floats]


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == "/api/futures/supported-coins":
        return _envelope(list(COINS))
    if ask.path == "/api/etf/bitcoin/flow-history":
        return _envelope(_etf_flows(scene))
    if ask.path not in _ENDPOINTS:
        return _error("404", "Not Found")
    wanted, is_of_pairs, tell = _ENDPOINTS[ask.path]
    for name in (*wanted, "symbol", "interval"):
        if not ask.params.get(name):
            return _error("400", f"Required String parameter '{name}' is not present")
    if ask.params["interval"] != "1d":
        return _error("400", "the simulated provider has daily rows only")
    for name in ("limit", "start_time", "end_time"):
        if name in ask.params and not ask.params[name].isdigit():
            return _error("400", f"Failed to convert value of parameter '{name}'")
    coin = ask.params["symbol"]
    if is_of_pairs:
        if not coin.endswith("USDT") or ask.params["exchange"] != "Binance":
            return _envelope([])
        coin = coin.removesuffix("USDT")
    if f"{coin}USDT" not in scene.state.perpetuals:
        return _envelope([])
    return _envelope(_page(ask, scene, tell(scene, f"{coin}USDT")))


def _page(ask: Ask, scene: Scene, columns: _Columns) -> list[dict[str, object]]:
    """Rows of the asked span, with what is wrong with them on purpose; open interest and funding write text."""
    is_text = ask.path in _IN_TEXT
    first = max(int(ask.params.get("start_time", 0)), _FIRST_MS)
    last = min(int(ask.params.get("end_time", 10**15)), int(scene.now.timestamp() * 1000))
    limit = min(int(ask.params.get("limit", _LIMIT)), _LIMIT)
    positions = range(-((_FIRST_MS - first) // _DAY_MS), (last - _FIRST_MS) // _DAY_MS + 1)
    count = min(map(len, columns.values()))
    rows: list[dict[str, object]] = []
    for index in positions:
        day = day_at(index)
        values = {name: float(column[index]) for name, column in columns.items() if index < count}
        if not values or scene.is_missing(day) or any(np.isnan(value) for value in values.values()):
            continue
        factor = scene.factor(day)
        told = {name: round(value * factor, 8) for name, value in values.items()}
        row: dict[str, object] = {"time": _FIRST_MS + index * _DAY_MS}
        row |= {name: f"{value:.8f}" if is_text else value for name, value in told.items()}
        rows.append(row | _novelty(scene))
        if len(rows) == limit:
            break
    return rows


def _days(hourly: Floats, scene: Scene) -> tuple[Floats, Floats]:
    """Hours of the days so far: whole days as rows, and the hours of the day under way."""
    whole = scene.whole_days
    hours = min(int((scene.now - ORIGIN) / timedelta(hours=1)), HOURS)
    return hourly[: whole * 24].reshape(whole, 24), hourly[whole * 24 : hours]


def _by_day(hourly: Floats, scene: Scene, reduce: Callable[..., Floats]) -> Floats:
    """A figure per day from its hours, the day under way last if an hour of it has passed."""
    whole, rest = _days(hourly, scene)
    told = reduce(whole, axis=1)
    return np.append(told, reduce(rest, axis=0)) if len(rest) else told


def _last(values: Floats, axis: int) -> Floats:
    last: Floats = np.take(values, -1, axis=axis)
    return last


def _first(values: Floats, axis: int) -> Floats:
    first: Floats = np.take(values, 0, axis=axis)
    return first


def _candles(hourly: Floats, scene: Scene) -> _Columns:
    """The day's candle of a series of values at the end of each hour."""
    opened = np.concatenate([hourly[:1], hourly[:-1]])
    close = _by_day(hourly, scene, _last)
    opening = _by_day(opened, scene, _first)
    return {
        "open": opening,
        "high": np.maximum(_by_day(hourly, scene, np.max), opening),
        "low": np.minimum(_by_day(hourly, scene, np.min), opening),
        "close": close,
    }


def _liquidations(scene: Scene, symbol: str) -> _Columns:
    perpetual = scene.state.perpetuals[symbol]
    return {
        f"aggregated_{side}_liquidation_usd": _by_day(hourly, scene, np.sum) * _REPORTED_LIQUIDATIONS
        for side, hourly in (("long", perpetual.long_liquidations_usd), ("short", perpetual.short_liquidations_usd))
    }


def _open_interest(scene: Scene, symbol: str) -> _Columns:
    perpetual = scene.state.perpetuals[symbol]
    return _candles(perpetual.open_interest_coin * perpetual.close * _OPEN_INTEREST_OF_ALL, scene)


def _funding_rates(scene: Scene, symbol: str) -> _Columns:
    # A rate holds from its settlement until the next one, eight hours later.
    return _candles(np.repeat(scene.state.perpetuals[symbol].funding_rate, 8)[:HOURS] * 100.0, scene)


def _ratios(scene: Scene, symbol: str, *, series: str, prefix: str) -> _Columns:
    ratio = _by_day(getattr(scene.state.perpetuals[symbol], series), scene, _last)
    long_pct = 100.0 * ratio / (1.0 + ratio)
    return {
        f"{prefix}_long_percent": np.round(long_pct, 2),
        f"{prefix}_short_percent": np.round(100.0 - long_pct, 2),
        f"{prefix}_long_short_ratio": np.round(ratio, 4),
    }


def _order_book(scene: Scene, symbol: str) -> _Columns:
    perpetual = scene.state.perpetuals[symbol]
    price = _by_day(perpetual.close, scene, _last)
    columns: dict[str, Floats] = {}
    for side, hourly in (("bids", perpetual.bid_depth_usd), ("asks", perpetual.ask_depth_usd)):
        usd = _by_day(hourly[:, 0], scene, _last) * _BOOKS_OF_THREE
        usd[: day_index(_BOOKS_SINCE)] = np.nan
        columns |= {f"aggregated_{side}_usd": usd, f"aggregated_{side}_quantity": usd / price}
    return columns


def _taker_volumes(scene: Scene, symbol: str) -> _Columns:
    hourly_usd = _spot(scene, symbol, "volume_quote") * _FUTURES_VOLUME_OF_SPOT
    ratio = scene.state.perpetuals[symbol].taker_ratio
    return {
        "aggregated_buy_volume_usd": _by_day(hourly_usd * ratio / (1.0 + ratio), scene, np.sum),
        "aggregated_sell_volume_usd": _by_day(hourly_usd / (1.0 + ratio), scene, np.sum),
    }


def _spot_prices(scene: Scene, symbol: str) -> _Columns:
    return {
        "open": _by_day(_spot(scene, symbol, "open"), scene, _first),
        "high": _by_day(_spot(scene, symbol, "high"), scene, np.max),
        "low": _by_day(_spot(scene, symbol, "low"), scene, np.min),
        "close": _by_day(_spot(scene, symbol, "close"), scene, _last),
        "volume_usd": _by_day(_spot(scene, symbol, "volume_quote"), scene, np.sum),
    }


def _spot(scene: Scene, symbol: str, name: str) -> Floats:
    """An hourly series of spot candles from the origin on."""
    candles = scene.state.candles[symbol]
    series: Floats = getattr(candles, name)
    return np.concatenate([np.full(candles.first_hour, np.nan), series])[:HOURS]


def _etf_flows(scene: Scene) -> list[dict[str, object]]:
    """A row for each calendar day, zero where there is no session; a fund that has not reported lacks its flow."""
    funds = scene.state.funds["btc"]
    sessions = {session: row for row, session in enumerate(funds.sessions) if listed_at(session) <= scene.now}
    rows: list[dict[str, object]] = []
    for index, day in scene.shown(scene.whole_days):
        if day < _FUNDS_SINCE:
            continue
        flows: list[dict[str, object]] = []
        total = 0.0
        if day in sessions:
            row = sessions[day]
            for ticker, listed, amount in zip(
                funds.tickers, funds.net_flow_usd_m[row], cells(funds, row, scene), strict=True
            ):
                if np.isnan(listed):
                    continue
                flows.append({"etf_ticker": ticker} | ({} if amount is None else {"flow_usd": round(amount * 1e6)}))
                total += amount or 0.0
        rows.append({
            "timestamp": _FIRST_MS + index * _DAY_MS,
            "flow_usd": round(total * 1e6),
            "price_usd": round(float(scene.state.on_chain["btc"].price_usd[index]) * scene.factor(day), 2),
            "etf_flows": flows,
            **_novelty(scene),
        })  # fmt: skip
    return rows


def _novelty(scene: Scene) -> dict[str, object]:
    return {"new_field": 1} if scene.has_new_column else {}


def _envelope(data: object) -> Answer:
    return as_json({"code": "0", "msg": "success", "data": data})


def _error(code: str, message: str) -> Answer:
    return as_json({"code": code, "msg": message})


_Telling = Callable[[Scene, str], _Columns]

_ENDPOINTS: Mapping[str, tuple[tuple[str, ...], bool, _Telling]] = {
    "/api/futures/liquidation/aggregated-history": (("exchange_list",), False, _liquidations),
    "/api/futures/open-interest/aggregated-history": ((), False, _open_interest),
    "/api/futures/funding-rate/oi-weight-history": ((), False, _funding_rates),
    "/api/futures/global-long-short-account-ratio/history": (
        ("exchange",),
        True,
        partial(_ratios, series="account_ratio", prefix="global_account"),
    ),
    "/api/futures/top-long-short-account-ratio/history": (
        ("exchange",),
        True,
        partial(_ratios, series="top_account_ratio", prefix="top_account"),
    ),
    "/api/futures/top-long-short-position-ratio/history": (
        ("exchange",),
        True,
        partial(_ratios, series="top_position_ratio", prefix="top_position"),
    ),
    "/api/futures/orderbook/aggregated-ask-bids-history": (("exchange_list",), False, _order_book),
    "/api/futures/aggregated-taker-buy-sell-volume/history": (("exchange_list",), False, _taker_volumes),
    "/api/spot/price/history": (("exchange",), True, _spot_prices),
}
"""Parameters an endpoint insists on, whether it is asked for pairs rather than coins, and what it tells."""

_IN_TEXT = frozenset({"/api/futures/open-interest/aggregated-history", "/api/futures/funding-rate/oi-weight-history"})
"""Endpoints that write their figures as text."""
