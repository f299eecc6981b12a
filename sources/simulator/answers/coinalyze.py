"""The simulated Coinalyze: daily bars of several markets in one answer, the last of them open, seconds everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import DAYS, ORIGIN, Floats, Perpetual, hour_index

HOSTS = ("api.coinalyze.net",)
_PREFIX = "/v1/"
_MOST_SYMBOLS = 20
_DAY_S = 86_400


@dataclass(frozen=True)
class Venue:
    """A venue's part: open interest as a multiple of Binance's, liquidations as a share of the whole market's."""

    name: str
    open_interest: float
    liquidations: float
    funding: float


MARKETS: Mapping[str, Venue] = {
    "{asset}USDT_PERP.A": Venue("Binance", 1.0, 0.45, 1.0),
    "{asset}USD_PERP.A": Venue("Binance", 0.15, 0.05, 0.9),
    "{asset}USDT.6": Venue("Bybit", 0.7, 0.3, 1.05),
    "{asset}USDT_PERP.3": Venue("OKX", 0.4, 0.2, 0.95),
}
"""Venues by the way they write the market of an asset."""

_BY_SYMBOL = {
    pattern.format(asset=asset): (f"{asset}USDT", venue)
    for asset in ("BTC", "ETH")
    for pattern, venue in MARKETS.items()
}


def answer(ask: Ask, scene: Scene) -> Answer:
    path = ask.path.removeprefix(_PREFIX)
    if path == "exchanges":
        return as_json([{"name": "Binance", "code": "A"}, {"name": "Bybit", "code": "6"}, {"name": "OKX", "code": "3"}])
    if path not in ("open-interest-history", "funding-rate-history", "liquidation-history"):
        return not_found(ask)
    symbols = ask.params.get("symbols", "").split(",")
    if len(symbols) > _MOST_SYMBOLS or not symbols[0]:
        return as_json({"message": f"Parameter symbols: 1 to {_MOST_SYMBOLS} symbols"}, 400)
    if ask.params.get("interval") != "daily":
        return as_json({"message": "Parameter interval: the simulated vendor has days only"}, 400)
    if not all(ask.params.get(name, "").isdigit() for name in ("from", "to")):
        return as_json({"message": "Parameters from and to are whole seconds"}, 400)
    first, last = int(ask.params["from"]), int(ask.params["to"])
    in_usd = ask.params.get("convert_to_usd") == "true"
    found = []
    for symbol in symbols:
        if symbol in _BY_SYMBOL:
            bars = [bar for bar in _bars(symbol, path, in_usd, scene) if first <= bar["t"] <= last]
            # A market without bars in the span is left out, as is one that does not exist.
            found += [{"symbol": symbol, "history": bars}] if bars else []
    return as_json(found)


def _bars(symbol: str, path: str, in_usd: bool, scene: Scene) -> list[dict[str, float]]:
    name, venue = _BY_SYMBOL[symbol]
    columns = _columns(scene.state.perpetuals[name], venue, path, in_usd, scene)
    origin_s = int(ORIGIN.timestamp())
    rows: list[dict[str, float]] = []
    days = len(next(iter(columns.values())))
    for index, day in scene.shown(days):
        factor = scene.factor(day)
        row: dict[str, float] = {"t": origin_s + index * _DAY_S}
        row |= {letter: float(round(values[index] * factor, 6)) for letter, values in columns.items()}
        rows.append(row | ({"new_field": 1} if scene.has_new_column else {}))
    return rows


def _columns(perpetual: Perpetual, venue: Venue, path: str, in_usd: bool, scene: Scene) -> dict[str, Floats]:
    """Bars by letter, those of whole days and of the day under way as far as it has come."""
    hours = min(max(hour_index(scene.now), 0), DAYS * 24)
    days = -(-hours // 24)
    if path == "funding-rate-history":
        settled = perpetual.funding_rate[: -(-hours // 8)] * 100 * venue.funding
        return _as_bars(_by_day(settled, days, 3))
    price = perpetual.close[:hours] if in_usd else np.ones(hours)
    if path == "open-interest-history":
        coins = perpetual.open_interest_coin[:hours] * venue.open_interest
        bars = _as_bars(_by_day(coins * price, days, 24))
        # A bar opens where the one before closed.
        opening = np.concatenate([bars["o"][:1], bars["c"][:-1]])
        return {"o": opening, "h": np.maximum(bars["h"], opening), "l": np.minimum(bars["l"], opening), "c": bars["c"]}
    sides = {"l": perpetual.long_liquidations_usd, "s": perpetual.short_liquidations_usd}
    scale = venue.liquidations if in_usd else venue.liquidations / perpetual.close[:hours]
    return {side: np.nansum(_by_day(usd[:hours] * scale, days, 24), axis=1) for side, usd in sides.items()}


def _by_day(values: Floats, days: int, per_day: int) -> Floats:
    """A row per day, NaN where the day under way has not come yet."""
    padded = np.full(days * per_day, np.nan)
    padded[: len(values)] = values[: days * per_day]
    return padded.reshape(days, per_day)


def _as_bars(table: Floats) -> dict[str, Floats]:
    last = np.maximum(np.sum(~np.isnan(table), axis=1) - 1, 0)
    closing = np.take_along_axis(table, last[:, None], axis=1)[:, 0]
    return {"o": table[:, 0], "h": np.nanmax(table, axis=1), "l": np.nanmin(table, axis=1), "c": closing}
