"""The simulated recorder: what would have been heard of the simulated market, in the venues' wire formats.

One segment a day and stream, of the last sixty days: a recorder has no history before it was started. Binance tells
less of the heavy hours, as the throttled feed it is, and shows its book to a little over one per cent. OKX counts
contracts, Deribit US dollars.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from sources.dataset import at_midnight
from sources.recorder.segments import VERSION, line, stamp
from sources.recorder.spool import CONTENT_TYPE, SPOOL_HOST, listing
from sources.recorder.stream import DEPTH, LIQUIDATIONS
from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.state import BANDS_PCT, DAYS, SNAPSHOTS_PER_DAY, day_at, day_index

HOSTS = (SPOOL_HOST,)

_DAYS_KEPT = 60
_SYMBOLS = ("BTCUSDT", "ETHUSDT")
_SHARES = {"binance": 0.40, "bybit": 0.25, "okx": 0.20, "deribit": 0.02}
_THROTTLED_USD = 2e7
_SMALLEST_USD = 1_000.0
_OKX = {"BTCUSDT": ("BTC-USDT-SWAP", 0.01), "ETHUSDT": ("ETH-USDT-SWAP", 0.1)}
_MESSAGES_PER_DAY = 17_280
_BOOKS_PER_DAY = 24

_Happening = tuple[datetime, str, str, float, float]
"""When, symbol, side of the position, price, size in coins."""


def answer(ask: Ask, scene: Scene) -> Answer:
    parts = ask.path.strip("/").split("/")
    if parts == ["status"]:
        return as_json({"has_spool": True})
    if parts == ["segments"]:
        return Answer(200, "application/json", listing(_listed(ask, scene)))
    label = "/".join(parts[:2])
    day = next((day for day in _days(scene) if stamp(at_midnight(day)) == parts[-1]), None)
    if len(parts) != 3 or label not in _STREAMS or day is None:
        return not_found(ask)
    is_about_events = ask.params.get("part") == "events"
    return Answer(200, CONTENT_TYPE, _segment(label, day, scene, has_frames=not is_about_events))


def _days(scene: Scene) -> Iterator[date]:
    last = min(scene.whole_days, DAYS)
    for index in range(max(0, last - _DAYS_KEPT), last):
        if not scene.is_missing(day := day_at(index)):
            yield day


def _listed(ask: Ask, scene: Scene) -> Iterator[tuple[str, str, str]]:
    until = datetime.fromisoformat(ask.params["until"]) if "until" in ask.params else scene.now
    for label, (kind, _) in _STREAMS.items():
        venue, stream = label.split("/")
        for day in _days(scene):
            if at_midnight(day) < until and ask.params.get("kind", kind) == kind:
                yield venue, stream, stamp(at_midnight(day))


def _segment(label: str, day: date, scene: Scene, *, has_frames: bool) -> bytes:
    venue, stream = label.split("/")
    start, end = at_midnight(day), at_midnight(day + timedelta(days=1))
    messages = round(_MESSAGES_PER_DAY * scene.factor(day))
    # A venue ends every connection after a day; whoever listens is back some seconds later.
    lost, back = start + timedelta(hours=4, minutes=10), start + timedelta(hours=4, minutes=10, seconds=12)
    kind, messages_of = _STREAMS[label]
    frames: list[tuple[datetime, str]] = []
    if has_frames:
        frames = [(at, json.dumps(one, separators=(",", ":"))) for at, one in messages_of(label, day, scene)]
    count = _BOOKS_PER_DAY if kind == DEPTH else sum(1 for _ in _happenings(venue, day, scene))
    content = [
        line(
            start,
            event="opened",
            version=VERSION,
            venue=venue,
            stream=stream,
            state="connected",
            since=start.isoformat(),
        )
    ]
    content += [line(at, frame=text) for at, text in frames if at < lost]
    content.append(
        line(
            lost, event="lost", since=lost.isoformat(), reason="the venue ended the connection", messages=messages // 6
        )
    )
    content.append(line(back, event="subscribed"))
    content += [line(at, frame=text) for at, text in frames if at > back]
    counts = {"messages": messages - messages // 6, "frames": count}
    content.append(line(end, event="closed", until=end.isoformat(), reason="time", **counts))
    return b"".join(content)


def _happenings(venue: str, day: date, scene: Scene) -> Iterator[_Happening]:
    """What a venue tells of a day: the sum of every hour and side as one liquidation, oldest first."""
    first = day_index(day) * 24
    for hour in range(24):
        for place, symbol in enumerate(_SYMBOLS):
            perpetual = scene.state.perpetuals[symbol]
            for side, usd in (
                ("long", float(perpetual.long_liquidations_usd[first + hour])),
                ("short", float(perpetual.short_liquidations_usd[first + hour])),
            ):
                told = usd * _SHARES[venue] * scene.factor(day)
                if venue == "binance":
                    told /= 1.0 + usd / _THROTTLED_USD
                if told < _SMALLEST_USD:
                    continue
                at = at_midnight(day) + timedelta(hours=hour, minutes=30 + 2 * place + (side == "short"), seconds=7)
                price = float(perpetual.close[first + hour])
                yield at, symbol, side, price, told / price


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _new(scene: Scene) -> dict[str, str]:
    return {"new_field": "1"} if scene.has_new_column else {}


def _binance(_label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    for at, symbol, side, price, coins in _happenings("binance", day, scene):
        size, average = f"{coins:.3f}", f"{price:.2f}"
        order = {
            "s": symbol,
            "S": "SELL" if side == "long" else "BUY",
            "o": "LIMIT",
            "f": "IOC",
            "q": size,
            "p": average,
        }
        filled = {"ap": average, "X": "FILLED", "l": size, "z": size, "T": _ms(at)}
        yield at, {"e": "forceOrder", "E": _ms(at) + 4, "o": {**order, **filled, **_new(scene)}}


def _bybit(_label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    for at, symbol, side, price, coins in _happenings("bybit", day, scene):
        entry = {
            "T": _ms(at),
            "s": symbol,
            "S": "Buy" if side == "long" else "Sell",
            "v": f"{coins:.3f}",
            "p": f"{price:.2f}",
        }
        topic = f"allLiquidation.{symbol}"
        yield at, {"topic": topic, "type": "snapshot", "ts": _ms(at) + 210, "data": [{**entry, **_new(scene)}]}


def _okx(_label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    for at, symbol, side, price, coins in _happenings("okx", day, scene):
        instrument, contract_size = _OKX[symbol]
        detail = {"bkLoss": "0", "bkPx": f"{price:.2f}", "ccy": "", "posSide": side}
        detail |= {
            "side": "sell" if side == "long" else "buy",
            "sz": f"{coins / contract_size:.2f}",
            "ts": str(_ms(at)),
        }
        family = instrument.removesuffix("-SWAP")
        names = {"instFamily": family, "instId": instrument, "instType": "SWAP", "uly": family}
        arg = {"channel": "liquidation-orders", "instType": "SWAP"}
        yield at, {"arg": arg, "data": [{"details": [{**detail, **_new(scene)}], **names}]}


def _deribit(_label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    for at, symbol, side, price, coins in _happenings("deribit", day, scene):
        name, usd = f"{symbol[:3]}-PERPETUAL", float(round(coins * price, -1))
        trade = {"trade_seq": _ms(at) // 1000, "trade_id": f"{symbol[:3]}-{_ms(at)}", "timestamp": _ms(at)}
        trade |= {"tick_direction": 2, "price": round(price, 2), "mark_price": round(price, 2), "liquidation": "T"}
        trade |= {"instrument_name": name, "index_price": round(price, 2)}
        trade |= {
            "direction": "sell" if side == "long" else "buy",
            "contracts": usd / 10.0,
            "amount": usd,
            **_new(scene),
        }
        params = {"channel": "trades.future.any.100ms", "data": [trade]}
        yield at, {"jsonrpc": "2.0", "method": "subscription", "params": params}


def _books(
    symbol: str, day: date, scene: Scene
) -> Iterator[tuple[datetime, list[tuple[float, float]], list[tuple[float, float]]]]:
    """Books from which the depth of the state comes out again: its increments, each in the middle of its band."""
    coins, _, averages = scene.state.depth(symbol, day)
    step = SNAPSHOTS_PER_DAY // _BOOKS_PER_DAY
    bands = np.array(BANDS_PCT, dtype=np.float64)
    half = len(bands) // 2
    for number in range(_BOOKS_PER_DAY):
        position = number * step
        mid = float(averages[position][half] / (1.0 + 0.55 * bands[half] / 100.0))
        at = at_midnight(day) + timedelta(hours=number, seconds=30)
        sides = []
        for sign, cumulative in ((-1.0, coins[position][:half][::-1]), (1.0, coins[position][half:])):
            steps = np.diff(cumulative, prepend=0.0) * scene.factor(day)
            places = [(0.002, steps[0] * 0.04), (0.1, steps[0] * 0.16), (0.6, steps[0] * 0.8)]
            places += [(band + 0.5, size) for band, size in enumerate(steps[1:], start=1)]
            places.append((5.4, steps[-1] * 0.5))
            sides.append([(mid * (1.0 + sign * distance / 100.0), float(size)) for distance, size in places])
        yield at, sides[0], sides[1]


_BINANCE_LEVELS = 4


def _binance_book(label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    for at, bids, asks in _books(label.rpartition("_")[2].upper(), day, scene):
        sides = {
            name: [[f"{price:.2f}", f"{size:.3f}"] for price, size in levels[:_BINANCE_LEVELS]]
            for name, levels in (("bids", bids), ("asks", asks))
        }
        yield at, {"lastUpdateId": _ms(at), "E": _ms(at), "T": _ms(at) - 3, **sides, **_new(scene)}


def _okx_book(label: str, day: date, scene: Scene) -> Iterator[tuple[datetime, Any]]:
    symbol = next(one for one, (name, _) in _OKX.items() if label.endswith(name.lower().replace("-", "_")))
    contract_size = _OKX[symbol][1]
    for at, bids, asks in _books(symbol, day, scene):
        sides = {
            name: [[f"{price:.2f}", f"{size / contract_size:.2f}", "0", "3"] for price, size in levels]
            for name, levels in (("asks", asks), ("bids", bids))
        }
        yield at, {"code": "0", "msg": "", "data": [{**sides, "ts": str(_ms(at)), **_new(scene)}]}


_Messages = Callable[[str, date, Scene], Iterator[tuple[datetime, Any]]]

_STREAMS: dict[str, tuple[str, _Messages]] = {
    "binance/liquidations": (LIQUIDATIONS, _binance),
    "bybit/liquidations": (LIQUIDATIONS, _bybit),
    "okx/liquidations": (LIQUIDATIONS, _okx),
    "deribit/liquidations": (LIQUIDATIONS, _deribit),
    "binance/book_btcusdt": (DEPTH, _binance_book),
    "binance/book_ethusdt": (DEPTH, _binance_book),
    "okx/book_btc_usdt_swap": (DEPTH, _okx_book),
    "okx/book_eth_usdt_swap": (DEPTH, _okx_book),
}
