"""BitMEX: liquidation orders of all contracts as they enter the book.

Traps:
* A row has no time of its own: it happened when it was received, and the rows say so.
* The feed is a table: `insert` is a new order, `update` and `delete` are the same order being worked off, `partial` on
  connecting lists orders that were entered at some earlier instant. Only inserts are liquidations with a time.
* `side` is that of the order: `Sell` is a liquidated long.
* `leavesQty` counts contracts, whose size depends on the symbol.
* Connections are limited to 20 an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from sources.dataset import Licence, Provider, Rate
from sources.recorder.stream import (
    ACKNOWLEDGED,
    ALIVE,
    DATA,
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
    listed,
    refused,
)

VENUE = Provider(
    name="bitmex",
    title="BitMEX",
    homepage="https://www.bitmex.com/app/apiOverview",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.bitmex.com/api/v1",
    rates=(Rate(1, 2.0),),
)

_SIDES = {"Sell": "long", "Buy": "short"}


def react(text: str) -> Reaction:
    if text == "pong":
        return ALIVE
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    if "error" in message:
        return refused(message["error"])
    if message.get("table") == "liquidation":
        return DATA
    return ACKNOWLEDGED if message.get("success") is True and "subscribe" in message else ALIVE


def read_liquidations(frame: Frame) -> Iterator[Record]:
    message = decoded(frame.text)
    if message["action"] != "insert":
        return
    for order in listed(message["data"]):
        yield {
            "symbol": order["symbol"],
            "occurred_ms": str(int(frame.received_at.timestamp() * 1000)),
            "is_time_of_receipt": True,
            "side": _SIDES[order["side"]],
            "venue_side": order["side"],
            "price": order["price"],
            "price_kind": "order",
            "size_contracts": order["leavesQty"],
            "event_id": order["orderID"],
            **further(order, "orderID", "symbol", "side", "price", "leavesQty"),
        }


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://ws.bitmex.com/realtime",
        docs_url="https://www.bitmex.com/app/wsAPI",
        coverage=(Coverage(CoverageClass.ALL, "liquidation orders as they are entered into the book"),),
        read=read_liquidations,
        react=react,
        subscribe=('{"op":"subscribe","args":["liquidation"]}',),
        acknowledgements=1,
        ping="ping",
        connects=Rate(15, 3600.0),
    ),
)
