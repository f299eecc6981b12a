"""Bybit linear perpetuals: all liquidations of the large symbols, and the order book.

Traps:
* There is no subscription to everything; each symbol is asked for by name.
* `S` is the side of the position: `Buy` is a liquidated long. In the feed before this one, `liquidation.{symbol}`, it
  was told once a second and symbol only.
* `p` is the bankruptcy price, not a fill.
* The server hangs up on whoever sends no `{"op": "ping"}` for a while; 20 s are recommended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from sources.dataset import Licence, Provider, Rate
from sources.recorder.stream import (
    ACKNOWLEDGED,
    ALIVE,
    DATA,
    DEPTH,
    LIQUIDATIONS,
    UNREADABLE,
    Coverage,
    CoverageClass,
    Frame,
    Reaction,
    Record,
    Stream,
    decoded,
    further,
    levels,
    listed,
    numbered,
    refused,
)

VENUE = Provider(
    name="bybit",
    title="Bybit",
    homepage="https://bybit-exchange.github.io/docs/v5/intro",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.bybit.com/v5/market/time",
    rates=(Rate(2, 1.0),),
)

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "DOGEUSDT")

_SIDES = {"Buy": "long", "Sell": "short"}


def react(text: str) -> Reaction:
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    if str(message.get("topic", "")).startswith("allLiquidation."):
        return DATA
    if message.get("success") is False:
        return refused(message.get("ret_msg"))
    return ACKNOWLEDGED if message.get("op") == "subscribe" else ALIVE


def read_liquidations(frame: Frame) -> Iterator[Record]:
    entries = listed(decoded(frame.text)["data"])
    yield from numbered(
        {
            "symbol": entry["s"],
            "occurred_ms": entry["T"],
            "side": _SIDES[entry["S"]],
            "venue_side": entry["S"],
            "price": entry["p"],
            "price_kind": "bankruptcy",
            "size_coin": entry["v"],
            **further(entry, "T", "s", "S", "v", "p"),
        }
        for entry in entries
    )


def read_book(frame: Frame) -> Iterator[Record]:
    answer = decoded(frame.text)
    if answer["retCode"] != "0":
        return
    book = answer["result"]
    known = ("s", "b", "a", "ts", "u", "seq", "cts")
    yield {"bids": levels(book["b"]), "asks": levels(book["a"]), "unit": "coin", **further(book, *known)}


def react_book(text: str) -> Reaction:
    answer = decoded(text)
    if not isinstance(answer, dict) or "retCode" not in answer:
        return UNREADABLE
    return DATA if answer["retCode"] == "0" else refused(f"error {answer['retCode']}: {answer.get('retMsg')}")


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://stream.bybit.com/v5/public/linear",
        docs_url="https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation",
        coverage=(
            Coverage(CoverageClass.ALL, "every liquidation of the named symbols, sent each 500 ms", date(2025, 2, 20)),
        ),
        read=read_liquidations,
        symbols=SYMBOLS,
        react=react,
        subscribe=(json.dumps({"op": "subscribe", "args": [f"allLiquidation.{symbol}" for symbol in SYMBOLS]}),),
        acknowledgements=1,
        ping='{"op":"ping"}',
        ping_seconds=20.0,
    ),
    *(
        Stream(
            venue=VENUE,
            name=f"book_{symbol.lower()}",
            kind=DEPTH,
            url="https://api.bybit.com/v5/market/orderbook",
            docs_url="https://bybit-exchange.github.io/docs/v5/market/orderbook",
            coverage=(Coverage(CoverageClass.ALL, "a snapshot of the book as deep as the venue shows it"),),
            read=read_book,
            react=react_book,
            symbols=(symbol,),
            # What is asked beyond the venue's limit comes shortened to it, and the rows say how far it reaches.
            params={"category": "linear", "symbol": symbol, "limit": "1000"},
        )
        for symbol in ("BTCUSDT", "ETHUSDT")
    ),
)
