"""The simulated Bitfinex: liquidations told twice, position sizes of each side; rows are lists.

Both are told once an hour, where the real venue tells the second every minute and the first as it happens.
"""

from __future__ import annotations

import re

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.hourly import HOUR_S, ORIGIN_S, factors, hours_between
from sources.simulator.state import Floats, Ints, Perpetual

HOSTS = ("api-pub.bitfinex.com",)
_STATS = re.compile(r"/v2/stats1/pos\.size:1m:(\w+):(long|short)/hist")
_SYMBOLS = {"tBTCUSD": "BTCUSDT", "tETHUSD": "ETHUSDT"}
_LIQUIDATED = ("tBTCF0:USTF0", "tETHF0:USTF0")
_SHARE_OF_LIQUIDATIONS = 0.004
_SMALLEST_USD = 20_000.0
"""Hours in which less than this falls to the venue have none."""

_STEPS_S = (HOUR_S // 2, HOUR_S - 60)
"""When in its hour a liquidation is triggered, and when a size is told."""


def answer(ask: Ask, scene: Scene) -> Answer:
    found = _STATS.fullmatch(ask.path)
    if found is None and ask.path != "/v2/liquidations/hist":
        return not_found(ask)
    bounds = []
    for name, usual in (("start", "0"), ("end", str(int(scene.now.timestamp() * 1000))), ("limit", "100")):
        if not ask.params.get(name, usual).isdigit():
            return _refused(f"{name}: invalid")
        bounds.append(int(ask.params.get(name, usual)))
    start_ms, end_ms, limit = bounds
    if not 1 <= limit <= (10_000 if found else 500):
        return _refused("limit: invalid")
    if found and found[1] not in _SYMBOLS:
        return _refused("symbol: invalid")
    rows = _sizes(found[1], found[2], start_ms, end_ms, scene) if found else _liquidations(start_ms, end_ms, scene)
    # Newest first, unless they are asked for the other way round.
    page = rows[:limit] if ask.params.get("sort") == "1" else rows[::-1][:limit]
    return as_json(page)


def _sizes(symbol: str, side: str, start_ms: int, end_ms: int, scene: Scene) -> list[list[object]]:
    perpetual = scene.state.perpetuals[_SYMBOLS[symbol]]
    hours = hours_between(scene, start_ms // 1000 - HOUR_S, end_ms // 1000 + 1)
    times = (ORIGIN_S + hours * HOUR_S + _STEPS_S[1]) * 1000
    hours, times = hours[(times >= start_ms) & (times <= end_ms)], times[(times >= start_ms) & (times <= end_ms)]
    coins = perpetual.open_interest_coin[hours] * 0.06 * factors(scene, hours)
    # Longs of a margin venue are lent the dollars; they far outweigh the shorts.
    sizes = coins * (perpetual.top_position_ratio[hours] if side == "long" else 0.1)
    return [
        [moment, round(size, 8), *_further(scene)] for moment, size in zip(times.tolist(), sizes.tolist(), strict=True)
    ]


def _liquidations(start_ms: int, end_ms: int, scene: Scene) -> list[list[list[object]]]:
    events: list[tuple[int, list[object]]] = []
    for number, symbol in enumerate(_LIQUIDATED):
        perpetual = scene.state.perpetuals[f"{symbol[1:4]}USDT"]
        hours = hours_between(scene, start_ms // 1000 - HOUR_S, end_ms // 1000 + 1)
        for sign, usd in ((1.0, perpetual.long_liquidations_usd), (-1.0, perpetual.short_liquidations_usd)):
            events += _of_side(symbol, number, sign, perpetual, usd, hours, scene)
    events.sort(key=lambda event: event[0])
    return [[row] for moment, row in events if start_ms <= moment <= end_ms]


def _of_side(
    symbol: str,
    number: int,
    sign: float,
    perpetual: Perpetual,
    usd: Floats,
    hours: Ints,
    scene: Scene,
) -> list[tuple[int, list[object]]]:
    share = usd[hours] * _SHARE_OF_LIQUIDATIONS
    told = share >= _SMALLEST_USD
    price = perpetual.close[hours[told]]
    amounts = np.round(sign * share[told] * factors(scene, hours[told]) / price, 8)
    events: list[tuple[int, list[object]]] = []
    for hour, amount, last in zip(hours[told].tolist(), amounts.tolist(), price.tolist(), strict=True):
        position = 150_000_000 + hour * 4 + number * 2 + (sign > 0)
        triggered_ms = (ORIGIN_S + hour * HOUR_S + _STEPS_S[0]) * 1000 + number * 2 + int(sign > 0)
        entry = round(last * (1.0 + sign * 0.04), 2)
        for is_match, moment in ((0, triggered_ms), (1, triggered_ms + 1500)):
            closed = round(last, 2) if is_match else None
            row: list[object] = [
                "pos",
                position,
                moment,
                None,
                symbol,
                amount,
                entry,
                None,
                is_match,
                is_match,
                None,
                closed,
            ]
            events.append((moment, [*row, *_further(scene)]))
    return events


def _further(scene: Scene) -> list[object]:
    return [1] if scene.has_new_column else []


def _refused(message: str) -> Answer:
    return as_json(["error", 10020, message], 500)
