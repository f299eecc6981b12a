"""Deribit: trades of futures and perpetuals that were caused by a liquidation, and the order book of the perpetuals.

Traps:
* There is no feed of liquidations. A trade has the field `liquidation` if one caused it: `T` if the taker was
  liquidated, `M` if the maker was, `MT` if both were. `direction` is always the taker's.
* `amount` is US dollars for inverse contracts (BTC-PERPETUAL) and coins for linear ones (BTC_USDC-PERPETUAL).
* All trades come; the recorder keeps the messages that hold a liquidation and counts the others.
* Heartbeats are asked for, and every `test_request` wants a `public/test` in return, or the server hangs up.
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
    Kind,
    Reaction,
    Record,
    Stream,
    decoded,
    further,
    levels,
    listed,
    refused,
)

VENUE = Provider(
    name="deribit",
    title="Deribit",
    homepage="https://docs.deribit.com",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.deribit.com/api/v2/public/get_time",
    rates=(Rate(2, 1.0),),
)

_CLOSED_BY_TAKER = {"sell": "long", "buy": "short"}
_CLOSED_BY_MAKER = {"sell": "short", "buy": "long"}
_KNOWN = (
    *("trade_id", "trade_seq", "instrument_name", "timestamp", "direction", "tick_direction", "index_price", "price"),
    *("amount", "contracts", "liquidation", "mark_price", "iv", "block_trade_id", "block_trade_leg_count", "combo_id"),
    *("combo_trade_id", "block_rfq_id"),
)
_TEST = '{"jsonrpc":"2.0","id":3,"method":"public/test","params":{}}'


def react(text: str) -> Reaction:
    message = decoded(text)
    if not isinstance(message, dict):
        return UNREADABLE
    if error := message.get("error"):
        return refused(error)
    method, params = message.get("method"), message.get("params")
    if method == "heartbeat":
        is_question = isinstance(params, dict) and params.get("type") == "test_request"
        return Reaction(Kind.ALIVE, (_TEST,)) if is_question else ALIVE
    if method == "subscription":
        return DATA if '"liquidation"' in text else ALIVE
    return ACKNOWLEDGED if isinstance(message.get("result"), list) and message["result"] else ALIVE


def read_liquidations(frame: Frame) -> Iterator[Record]:
    for trade in listed(decoded(frame.text)["params"]["data"]):
        if "liquidation" not in trade:
            continue
        who, direction = trade["liquidation"], trade["direction"]
        sides = {
            "T": (_CLOSED_BY_TAKER[direction],),
            "M": (_CLOSED_BY_MAKER[direction],),
            "MT": (_CLOSED_BY_TAKER[direction], _CLOSED_BY_MAKER[direction]),
        }[who]
        is_linear = "_" in trade["instrument_name"]
        for side in sides:
            yield {
                "symbol": trade["instrument_name"],
                "occurred_ms": trade["timestamp"],
                "side": side,
                "venue_side": f"{who} {direction}",
                "price": trade["price"],
                "price_kind": "fill",
                "size_coin" if is_linear else "size_usd": trade["amount"],
                "size_contracts": trade.get("contracts"),
                "event_id": f"{trade['trade_id']} {side}",
                **further(trade, *_KNOWN),
            }


def read_book(frame: Frame) -> Iterator[Record]:
    book = decoded(frame.text)["result"]
    # What else stands beside the book is a ticker, of which other datasets know more.
    yield {"bids": levels(book["bids"]), "asks": levels(book["asks"]), "unit": "usd"}


def react_book(text: str) -> Reaction:
    answer = decoded(text)
    if not isinstance(answer, dict):
        return UNREADABLE
    return refused(answer["error"]) if answer.get("error") else DATA if "result" in answer else UNREADABLE


def _request(number: int, method: str, params: dict[str, object]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, separators=(",", ":"))


STREAMS = (
    Stream(
        venue=VENUE,
        name="liquidations",
        kind=LIQUIDATIONS,
        url="wss://www.deribit.com/ws/api/v2",
        docs_url="https://docs.deribit.com/subscriptions/trades/tradeskindcurrencyinterval",
        coverage=(Coverage(CoverageClass.ALL, "every trade is sent, and those of a liquidation are marked"),),
        read=read_liquidations,
        react=react,
        subscribe=(
            _request(1, "public/set_heartbeat", {"interval": 15}),
            _request(2, "public/subscribe", {"channels": ["trades.future.any.100ms"]}),
        ),
        acknowledgements=1,
    ),
    *(
        Stream(
            venue=VENUE,
            name=f"book_{symbol.lower().replace('-', '_')}",
            kind=DEPTH,
            url="https://www.deribit.com/api/v2/public/get_order_book",
            docs_url="https://docs.deribit.com/api-reference/market-data/public-get_order_book",
            coverage=(Coverage(CoverageClass.ALL, "a snapshot of the book as deep as the venue shows it"),),
            read=read_book,
            react=react_book,
            symbols=(symbol,),
            params={"instrument_name": symbol, "depth": "10000"},
        )
        for symbol in ("BTC-PERPETUAL", "ETH-PERPETUAL")
    ),
)
