"""The simulated DefiLlama: dates are text of unix seconds in one endpoint and numbers in the others.

The day under way is in every series, stamped with its start like a whole day; it stands where the day has got to.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import UTC
from sources.simulator.state import DAYS, ORIGIN, Floats
from sources.simulator.story import at

_STABLECOINS_HOST = "stablecoins.llama.fi"
HOSTS = (_STABLECOINS_HOST, "api.llama.fi")
_DAY_S = 86_400
_CHAIN_PATH = "/v2/historicalChainTvl/"
_CHAIN_SHARES = {
    "Ethereum": (ORIGIN, 0.55),
    "Solana": (ORIGIN, 0.07),
    "Bitcoin": (at("2021-04-01"), 0.05),
    "BSC": (ORIGIN, 0.06),
    "Tron": (ORIGIN, 0.06),
    "Base": (at("2023-08-09"), 0.03),
    "Arbitrum": (at("2021-09-01"), 0.03),
    "Avalanche": (at("2021-02-10"), 0.02),
    "Polygon": (ORIGIN, 0.02),
}
"""First day and share of all value locked."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.host == _STABLECOINS_HOST:
        if ask.path == "/stablecoincharts/all":
            return _charts(ask, scene)
        if ask.path == "/stablecoinprices":
            return _prices(scene)
        if ask.path == "/stablecoins":
            return _stablecoins(ask, scene)
    elif ask.path == "/hacks":
        return _hacks(scene)
    elif ask.path == "/v2/historicalChainTvl":
        rows = [
            {"date": stamp, "tvl": round(value), **_novelty(scene)}
            for stamp, value in _series(scene.state.tvl_usd, scene)
        ]
        return as_json(rows)
    elif ask.path.startswith(_CHAIN_PATH):
        return _chain_tvl(ask.path.removeprefix(_CHAIN_PATH), scene)
    return not_found(ask)


def _chain_tvl(chain: str, scene: Scene) -> Answer:
    if chain not in _CHAIN_SHARES:
        return Answer(400, "text/plain; charset=utf-8", b"Chain not found")
    first, share = _CHAIN_SHARES[chain]
    rows = [
        {"date": stamp, "tvl": round(value * share, 2), **_novelty(scene)}
        for stamp, value in _series(scene.state.tvl_usd, scene)
        if stamp >= first.timestamp()
    ]
    return as_json(rows)


def _stablecoins(ask: Ask, scene: Scene) -> Answer:
    has_prices = ask.params.get("includePrices") == "true"
    rows: list[dict[str, object]] = []
    for coin in scene.state.stablecoins:
        units, prices = _series(coin.units, scene), _series(coin.price_usd, scene)
        if units:
            rows.append(_listed(coin.coin_id, coin.symbol, coin.name, "peggedUSD", units[-1][1], prices[-1][1]))
    rows += [
        _listed("900", "EURX", "euro-example", "peggedEUR", 1.5e8, 1.08),
        _listed("901", "GONE", "abandoned-dollar", "peggedUSD", 0, None),
    ]
    for row in rows:
        row |= _novelty(scene)
        if not has_prices:
            del row["price"]
    return as_json({"peggedAssets": rows, "chains": [{"name": "Tron", "totalCirculatingUSD": {"peggedUSD": 1}}]})


def _listed(coin_id: str, symbol: str, name: str, peg: str, units: float, price: float | None) -> dict[str, object]:
    return {
        "id": coin_id,
        "name": name,
        "symbol": symbol,
        "gecko_id": name,
        "pegType": peg,
        "pegMechanism": "fiat-backed",
        "circulating": {peg: units},
        "circulatingPrevDay": {peg: units},
        "chainCirculating": {},
        "chains": ["Ethereum"],
        "price": price,
    }


def _series(values: Floats, scene: Scene) -> list[tuple[int, float]]:
    """(unix seconds, value) of every day with a value so far, the day under way last."""
    count = scene.whole_days
    rows = [
        (int(ORIGIN.timestamp()) + index * _DAY_S, float(values[index]) * scene.factor(day))
        for index, day in scene.shown(count)
        if not np.isnan(values[index])
    ]
    elapsed = (scene.now - ORIGIN) / timedelta(days=1) - count
    if 0 < count < DAYS and elapsed > 0 and rows and not np.isnan(values[count - 1]):
        before, after = values[count - 1], values[count]
        rows.append((int(ORIGIN.timestamp()) + count * _DAY_S, float(before + (after - before) * elapsed)))
    return rows


def _charts(ask: Ask, scene: Scene) -> Answer:
    asked = ask.params.get("stablecoin", "")
    coins = [coin for coin in scene.state.stablecoins if coin.coin_id == asked]
    if not coins:
        return Answer(400, "text/plain; charset=utf-8", b"Could not find any chart for this stablecoin")
    prices = dict(_series(coins[0].price_usd, scene))
    rows = []
    for stamp, units in _series(coins[0].units, scene):
        usd = units * prices.get(stamp, 1.0)
        rows.append({
            "date": str(stamp),
            "totalCirculating": {"peggedUSD": units},
            "totalUnreleased": {"peggedUSD": 0},
            "totalCirculatingUSD": {"peggedUSD": usd},
            "totalMintedUSD": {"peggedUSD": usd},
            "totalBridgedToUSD": {"peggedUSD": 0},
            **_novelty(scene),
        })  # fmt: skip
    return as_json(rows)


def _prices(scene: Scene) -> Answer:
    by_stamp: dict[int, dict[str, float]] = {}
    for coin in scene.state.stablecoins:
        for stamp, price in _series(coin.price_usd, scene):
            by_stamp.setdefault(stamp, {})[coin.name] = price
    # The first element carries coins without a history under date 0.
    rows: list[dict[str, object]] = [{"date": 0, "prices": {"unlaunched-dollar": 1}}]
    rows += [
        {"date": stamp, "prices": {**by_stamp[stamp], "euro-coin": 1.08}, **_novelty(scene)}
        for stamp in sorted(by_stamp)
    ]
    return as_json(rows)


def _hacks(scene: Scene) -> Answer:
    rows = []
    for hack in scene.state.hacks:
        # An entry is typed in by hand some hours after the day has ended at the latest.
        published = datetime.combine(hack.day, time(12), UTC) + timedelta(hours=12)
        if published > scene.now or scene.is_missing(hack.day):
            continue
        rows.append({
            "date": int(datetime.combine(hack.day, time(0), UTC).timestamp()),
            "name": hack.name,
            "classification": hack.classification,
            "technique": hack.technique or None,
            "amount": round(hack.loss_usd * scene.factor(hack.day)),
            "chain": list(hack.chains) or None,
            "bridgeHack": hack.is_bridge,
            "targetType": hack.target_type,
            "source": None,
            "returnedFunds": hack.returned_usd,
            "defillamaId": None,
            "parentProtocolId": None,
            "language": "Solidity" if "Ethereum" in hack.chains else None,
            **_novelty(scene),
        })  # fmt: skip
    return as_json(rows)


def _novelty(scene: Scene) -> dict[str, int]:
    return {"new_field": 1} if scene.has_new_column else {}
