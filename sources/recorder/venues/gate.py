"""Gate USDT perpetuals: public liquidation orders of all contracts.

Traps:
* Sizes are contracts with a sign, and the documents do not say of what: of the order that closes, by which negative is
  a liquidated long, or of the position, by which it is a liquidated short. Clients in use read it either way. So the
  side stays null and the sign is kept; compared with the long and short volumes of `contract_stats` over a few days it
  tells itself.
* Without the header `X-Gate-Size-Decimal` a size is cut to whole contracts.
* `time` was seconds and is milliseconds since 2026-08-20; `time_ms` comes in some messages beside it.
* Until 2026-08-20 one order per contract and second was sent and the others dropped; since then they come together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

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
    numbered,
    refused,
)

VENUE = Provider(
    name="gate",
    title="Gate",
    homepage="https://www.gate.com/docs/developers/futures/ws/en/",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://api.gateio.ws/api/v4/spot/time",
    rates=(Rate(2, 1.0),),
)

_CHANNEL = "futures.public_liquidates"
_FIRST_LENGTH_OF_MS = 12


def react(text: str) -> Reaction:
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    if error := message.get("error"):
        return refused(error)
    if message.get("channel") != _CHANNEL:
        return ALIVE
    return {"update": DATA, "subscribe": ACKNOWLEDGED}.get(str(message.get("event")), ALIVE)


def read_liquidations(frame: Frame) -> Iterator[Record]:
    result = decoded(frame.text)["result"]
    yield from numbered(
        {
            "symbol": entry["contract"],
            "occurred_ms": _in_ms(entry.get("time_ms") or entry["time"]),
            "side": None,
            "venue_side": "-" if entry["size"].startswith("-") else "+",
            "price": entry["price"],
            "price_kind": "order",
            "size_contracts": entry["size"].removeprefix("-"),
            **further(entry, "price", "size", "time", "time_ms", "contract"),
        }
        for entry in listed([result] if isinstance(result, dict) else result)
    )


def _in_ms(stamp: str) -> str:
    return stamp if len(stamp) >= _FIRST_LENGTH_OF_MS else f"{stamp}000"


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://fx-ws.gateio.ws/v4/ws/usdt",
        docs_url="https://www.gate.com/docs/developers/futures/ws/en/#public-liquidates-channel",
        coverage=(
            Coverage(CoverageClass.THROTTLED, "at most one liquidation per contract and second is sent"),
            Coverage(
                CoverageClass.ALL,
                "the liquidations of a contract come together once a second, none is dropped",
                date(2026, 8, 20),
            ),
        ),
        read=read_liquidations,
        react=react,
        subscribe=(f'{{"time":@now,"channel":"{_CHANNEL}","event":"subscribe","payload":["!all"]}}',),
        acknowledgements=1,
        ping='{"time":@now,"channel":"futures.ping"}',
        headers={"X-Gate-Size-Decimal": "1"},
    ),
)
