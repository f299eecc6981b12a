"""The simulated Gate: hourly contract statistics, oldest first from a start, a row more than asked for.

It keeps four hundred days.
"""

from __future__ import annotations

import re

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.hourly import HOUR_S, ORIGIN_S, factors, hours_between, told
from sources.simulator.state import Floats, Ints

HOSTS = ("api.gateio.ws",)
_STATS = "/api/v4/futures/usdt/contract_stats"
_CONTRACT = re.compile(r"/api/v4/futures/usdt/contracts/(\w+)")
_CONTRACT_SIZES = {"BTC_USDT": 0.0001, "ETH_USDT": 0.01}
_LIMIT, _MAX_LIMIT = 30, 2_000
_KEPT_S = 400 * 86_400
_SHARE_OF_OPEN_INTEREST = 0.11
_SHARE_OF_LIQUIDATIONS = 0.07


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == _STATS:
        return _stats(ask, scene)
    if found := _CONTRACT.fullmatch(ask.path):
        return _contract(found[1], scene)
    return not_found(ask)


def _stats(ask: Ask, scene: Scene) -> Answer:
    contract = ask.params.get("contract", "")
    if contract not in _CONTRACT_SIZES:
        return _refused("CONTRACT_NOT_FOUND", f"contract {contract} not found")
    if ask.params.get("interval") != "1h":
        return _refused("INVALID_PARAM_VALUE", "the simulated statistics are hourly only")
    for name in ("from", "limit"):
        if name in ask.params and not ask.params[name].isdigit():
            return _refused("INVALID_PARAM_VALUE", f"Invalid parameter: {name}")
    limit = int(ask.params.get("limit", _LIMIT))
    if not 1 <= limit <= _MAX_LIMIT:
        return _refused("INVALID_PARAM_VALUE", "Invalid parameter: limit")
    now_s = int(scene.now.timestamp())
    # With a start the answer runs from there for as many hours, both ends included; without one it is the newest part.
    end_s = min(int(ask.params["from"]) + limit * HOUR_S + 1, now_s) if "from" in ask.params else now_s
    start_s = max(int(ask.params.get("from", now_s - limit * HOUR_S)), now_s - _KEPT_S)
    hours = hours_between(scene, start_s, end_s, with_open=True)
    perpetual = scene.state.perpetuals[contract.replace("_", "")]
    where, factor, size = told(scene, hours), factors(scene, hours), _CONTRACT_SIZES[contract]
    price = np.round(perpetual.close[where], 2)
    coins = perpetual.open_interest_coin[where] * _SHARE_OF_OPEN_INTEREST * factor
    sides = {}
    for side, usd in (("long", perpetual.long_liquidations_usd), ("short", perpetual.short_liquidations_usd)):
        sides[side] = np.round(usd[where] * _SHARE_OF_LIQUIDATIONS * factor / price / size)
    taker, account = perpetual.taker_ratio[where], perpetual.account_ratio[where]
    columns: dict[str, Floats | Ints] = {
        "time": ORIGIN_S + hours * HOUR_S,
        "lsr_taker": taker,
        "lsr_account": account,
        "long_liq_size": sides["long"].astype(int),
        "short_liq_size": sides["short"].astype(int),
        "open_interest": np.round(coins / size).astype(int),
        "short_liq_usd": np.round(sides["short"] * size * price, 4),
        "mark_price": price,
        "top_lsr_size": perpetual.top_position_ratio[where],
        "top_long_size": np.round(coins * 0.05 / size * perpetual.top_position_ratio[where]).astype(int),
        "top_short_size": np.round(coins * 0.05 / size).astype(int),
        "short_liq_amount": np.round(sides["short"] * size, 6),
        "long_liq_amount": np.round(sides["long"] * size, 6),
        "short_liq_usd_new": np.round(sides["short"] * size * price, 4),
        "long_liq_usd_new": np.round(sides["long"] * size * price, 4),
        "open_interest_usd": np.round(coins * price, 4),
        "top_lsr_account": perpetual.top_account_ratio[where],
        "top_long_account": np.round(76 * perpetual.top_account_ratio[where]).astype(int),
        "top_short_account": np.full(len(hours), 76),
        "long_liq_usd": np.round(sides["long"] * size * price, 4),
        "long_taker_size": np.round(coins * 0.02 / size * taker).astype(int),
        "short_taker_size": np.round(coins * 0.02 / size).astype(int),
        "long_users": np.round(14_500 * account).astype(int),
        "short_users": np.full(len(hours), 14_500),
    }
    if scene.has_new_column:
        columns["new_field"] = np.ones(len(hours), dtype=int)
    rates = [f"{rate:.6f}" for rate in perpetual.funding_rate[where // 8].tolist()]
    rows = zip(*(values.tolist() for values in columns.values()), rates, strict=True)
    return as_json([dict(zip((*columns, "last_funding_rate"), row, strict=True)) for row in rows])


def _contract(name: str, scene: Scene) -> Answer:
    if name not in _CONTRACT_SIZES:
        return _refused("CONTRACT_NOT_FOUND", f"contract {name} not found")
    perpetual = scene.state.perpetuals[name.replace("_", "")]
    hour = int(told(scene, np.array([2**31]))[0])
    price, rate = perpetual.close[hour], perpetual.funding_rate[hour // 8]
    row: dict[str, object] = {
        "name": name,
        "type": "direct",
        "quanto_multiplier": str(_CONTRACT_SIZES[name]),
        "leverage_min": "1",
        "leverage_max": "125",
        "maintenance_rate": "0.004",
        "mark_type": "index",
        "mark_price": f"{price:.2f}",
        "index_price": f"{price / 1.0002:.2f}",
        "last_price": f"{price:.1f}",
        "maker_fee_rate": "-0.0001",
        "taker_fee_rate": "0.00075",
        "funding_rate": f"{rate:.6f}",
        "funding_interval": 28_800,
        "funding_next_apply": (int(scene.now.timestamp()) // 28_800 + 1) * 28_800,
        "in_delisting": False,
        "order_size_min": 1,
        "order_size_max": 1_000_000,
    }
    return as_json(row | ({"new_field": 1} if scene.has_new_column else {}))


def _refused(label: str, message: str) -> Answer:
    return as_json({"label": label, "message": message}, 400)
