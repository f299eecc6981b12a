"""Bitfinex: the global liquidation feed, and the order book rounded to four figures.

Traps:
* Messages are arrays, `[channel, [["pos", id, ms, null, symbol, amount, base price, null, is_match, is_market_sold,
  null, price], ...]]`, and so are heartbeats, `[channel, "hb"]`.
* A position comes as its trigger (`is_match` 0) and again for what was executed (1): counting both counts twice.
* `amount` is the position: positive is a long. The price at which it was acquired may be missing.
* An `info` message with a code says that the server is about to restart or is in maintenance.
* Precision `P1` rounds prices to four figures, so that 250 levels reach per cents where `P0` reaches a fraction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
    numbered,
    refused,
)

VENUE = Provider(
    name="bitfinex",
    title="Bitfinex",
    homepage="https://docs.bitfinex.com/docs",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api-pub.bitfinex.com/v2/platform/status",
    rates=(Rate(1, 2.0),),
)

_FIELD_COUNT = 12
_EXECUTED = "1"
_RESTARTING = ("20051", "20060")


def react(text: str) -> Reaction:
    message = decoded(text)
    if isinstance(message, list):
        return DATA if len(message) > 1 and isinstance(message[1], list) else ALIVE
    if not isinstance(message, dict):
        return UNREADABLE
    event = message.get("event")
    if event == "error":
        return refused(f"error {message.get('code')}: {message.get('msg')}")
    if event == "info" and message.get("code") in _RESTARTING:
        return refused(f"{message['code']}: {message.get('msg')}")
    return ACKNOWLEDGED if event == "subscribed" else ALIVE


def read_liquidations(frame: Frame) -> Iterator[Record]:
    yield from numbered(_executed(decoded(frame.text)[1]))


def _executed(entries: Any) -> Iterator[dict[str, Any]]:
    # A message holds a list of positions, or a single one.
    for entry in entries if entries and isinstance(entries[0], list) else [entries] if entries else []:
        if entry[0] != "pos" or entry[8] != _EXECUTED:
            continue
        amount = entry[5]
        yield {
            "symbol": entry[4],
            "occurred_ms": entry[2],
            "side": "short" if amount.startswith("-") else "long",
            "venue_side": f"{amount[:1] if amount.startswith('-') else '+'} position {entry[1]}",
            "price": entry[11],
            "price_kind": "acquisition",
            "size_coin": amount.removeprefix("-"),
            **{f"column_{place}": entry[place] for place in range(_FIELD_COUNT, len(entry))},
        }


def read_book(frame: Frame) -> Iterator[Record]:
    entries = decoded(frame.text)
    sides: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for price, _count, amount in entries:
        sides[not amount.startswith("-")].append((price, amount.removeprefix("-")))
    yield {"bids": sides[True], "asks": sides[False], "unit": "coin"}


def react_book(text: str) -> Reaction:
    answer = decoded(text)
    if not isinstance(answer, list):
        return UNREADABLE
    return refused(answer) if answer[:1] == ["error"] else DATA


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://api-pub.bitfinex.com/ws/2",
        docs_url="https://docs.bitfinex.com/reference/ws-public-status",
        coverage=(Coverage(CoverageClass.UNKNOWN, "the documents do not say whether every liquidation is sent"),),
        read=read_liquidations,
        react=react,
        subscribe=('{"event":"subscribe","channel":"status","key":"liq:global"}',),
        acknowledgements=1,
    ),
    *(
        Stream(
            venue=VENUE,
            name=f"book_{symbol.lower()}",
            kind=DEPTH,
            url=f"https://api-pub.bitfinex.com/v2/book/{symbol}/P1",
            docs_url="https://docs.bitfinex.com/reference/rest-public-book",
            coverage=(Coverage(CoverageClass.ALL, "a snapshot of the book, prices rounded to four figures"),),
            read=read_book,
            react=react_book,
            symbols=(symbol,),
            params={"len": "250"},
        )
        for symbol in ("tBTCUSD", "tETHUSD")
    ),
)
