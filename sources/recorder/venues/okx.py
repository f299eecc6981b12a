"""OKX: liquidation orders of swaps and futures, and the order book of the swaps.

Traps:
* `posSide` is `net` for accounts in net mode; then the order's side tells: a `buy` closes a short.
* Sizes are contracts, in the book too; `bkPx` is the price at which the liquidation account took over.
* The venue says of its own channel that it is not the total of its liquidations, and not in order of time.
* Without a word for 30 s the server hangs up: the text `ping` is answered with the text `pong`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

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
    name="okx",
    title="OKX",
    homepage="https://www.okx.com/docs-v5/en/",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.okx.com/api/v5/public/time",
    rates=(Rate(2, 1.0),),
)

_TYPES = ("SWAP", "FUTURES")
_SIDES = {"sell": "long", "buy": "short"}


def react(text: str) -> Reaction:
    if text == "pong":
        return ALIVE
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    event = message.get("event")
    if event == "error":
        return refused(f"error {message.get('code')}: {message.get('msg')}")
    if event == "notice":
        # The connection is about to be closed for maintenance; a new one is not.
        return refused(message.get("msg"))
    if event == "subscribe":
        return ACKNOWLEDGED
    return DATA if "data" in message else ALIVE


def read_liquidations(frame: Frame) -> Iterator[Record]:
    for instrument in listed(decoded(frame.text)["data"]):
        new = further(instrument, "details", "instFamily", "instId", "instType", "uly")
        yield from numbered(
            {
                "symbol": instrument["instId"],
                "occurred_ms": detail["ts"],
                "side": detail["posSide"] if detail["posSide"] in ("long", "short") else _SIDES[detail["side"]],
                "venue_side": f"{detail['posSide']} {detail['side']}",
                "price": detail["bkPx"],
                "price_kind": "bankruptcy",
                "size_contracts": detail["sz"],
                **new,
                **further(detail, "bkLoss", "bkPx", "ccy", "posSide", "side", "sz", "ts"),
            }
            for detail in listed(instrument["details"])
        )


def read_book(frame: Frame) -> Iterator[Record]:
    for book in listed(decoded(frame.text)["data"]):
        new = further(book, "asks", "bids", "ts", "seqId")
        yield {"bids": levels(book["bids"]), "asks": levels(book["asks"]), "unit": "contracts", **new}


def react_book(text: str) -> Reaction:
    answer = decoded(text)
    if not isinstance(answer, dict) or "code" not in answer:
        return UNREADABLE
    return DATA if answer["code"] == "0" else refused(f"error {answer['code']}: {answer.get('msg')}")


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://ws.okx.com:8443/ws/v5/public",
        docs_url="https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel",
        coverage=(
            Coverage(
                CoverageClass.THROTTLED,
                "does not represent the total number of liquidations; at most one order per contract and second when "
                "the channel was described in full",
            ),
        ),
        read=read_liquidations,
        react=react,
        subscribe=(
            json.dumps(
                {"op": "subscribe", "args": [{"channel": "liquidation-orders", "instType": kind} for kind in _TYPES]}
            ),
        ),
        acknowledgements=len(_TYPES),
        ping="ping",
        ping_seconds=20.0,
    ),
    *(
        Stream(
            venue=VENUE,
            name=f"book_{symbol.lower().replace('-', '_')}",
            kind=DEPTH,
            url="https://www.okx.com/api/v5/market/books-full",
            docs_url="https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-full-order-book",
            coverage=(Coverage(CoverageClass.ALL, "a snapshot of the book as deep as the venue shows it"),),
            read=read_book,
            react=react_book,
            symbols=(symbol,),
            params={"instId": symbol, "sz": "5000"},
        )
        for symbol in ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
    ),
)
