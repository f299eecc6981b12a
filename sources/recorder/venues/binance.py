"""Binance USD-M futures: liquidation orders of all symbols, and the order book.

Traps:
* Liquidations belong to the `/market` endpoint. The unrouted `/ws` still connects and stays silent for them since
  2026-04-23, which looks like a calm market.
* `S` is the side of the order, so `SELL` is a liquidated long.
* `ap` and `z` are what was filled, `p` is the limit of the order (the bankruptcy price).
* The book's 1,000 levels reach a fraction of one per cent on the large symbols.
"""

from __future__ import annotations

from collections.abc import Iterator

from sources.dataset import Licence, Provider, Rate
from sources.recorder.stream import (
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
    numbered,
    refused,
)

VENUE = Provider(
    name="binance",
    title="Binance USD-M futures",
    homepage="https://developers.binance.com/docs/derivatives/usds-margined-futures",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://fapi.binance.com/fapi/v1/ping",
    rates=(Rate(2, 1.0),),
)

_SIDES = {"SELL": "long", "BUY": "short"}
_KNOWN = ("s", "S", "o", "f", "q", "p", "ap", "X", "l", "z", "T")


def react(text: str) -> Reaction:
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    if message.get("e") == "forceOrder":
        return DATA
    if error := message.get("error"):
        return refused(error)
    return ALIVE


def read_liquidation(frame: Frame) -> Iterator[Record]:
    order = decoded(frame.text)["o"]
    yield from numbered(
        [
            {
                "symbol": order["s"],
                "occurred_ms": order["T"],
                "side": _SIDES[order["S"]],
                "venue_side": order["S"],
                "price": order["ap"],
                "price_kind": "fill",
                "size_coin": order["z"],
                **further(order, *_KNOWN),
            }
        ]
    )


def read_book(frame: Frame) -> Iterator[Record]:
    book = decoded(frame.text)
    known = ("lastUpdateId", "E", "T", "bids", "asks")
    yield {"bids": levels(book["bids"]), "asks": levels(book["asks"]), "unit": "coin", **further(book, *known)}


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://fstream.binance.com/market/ws/!forceOrder@arr",
        docs_url="https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/All-Market-Liquidation-Order-Streams",
        coverage=(Coverage(CoverageClass.THROTTLED, "only the latest liquidation per symbol and 1000 ms is sent"),),
        read=read_liquidation,
        react=react,
    ),
    *(
        Stream(
            venue=VENUE,
            name=f"book_{symbol.lower()}",
            kind=DEPTH,
            url="https://fapi.binance.com/fapi/v1/depth",
            docs_url="https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book",
            coverage=(Coverage(CoverageClass.ALL, "a snapshot of the book as deep as the venue shows it"),),
            read=read_book,
            symbols=(symbol,),
            params={"symbol": symbol, "limit": "1000"},
        )
        for symbol in ("BTCUSDT", "ETHUSDT")
    ),
)
