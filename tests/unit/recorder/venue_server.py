"""A server on this machine that plays the venues: their websocket messages as they really look, and their books.

A script per stream says what a connection gets, in order: text and bytes are sent, a number is a pause in seconds,
`HANG_UP` ends the connection, `ASKED` waits for a message of the client's. After its script a connection stays open.
The first connection of a stream gets the first script, and so on; the last one is for all that follow.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

HANG_UP = object()
ASKED = object()

Script = Sequence[object]

ACKNOWLEDGE = {
    "binance/liquidations": (),
    "bybit/liquidations": (ASKED, '{"success":true,"ret_msg":"","conn_id":"c1","req_id":"","op":"subscribe"}'),
    "okx/liquidations": (
        ASKED,
        '{"event":"subscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},"connId":"a4d3ae55"}',
        '{"event":"subscribe","arg":{"channel":"liquidation-orders","instType":"FUTURES"},"connId":"a4d3ae55"}',
    ),
    "bitmex/liquidations": (
        '{"info":"Welcome to the BitMEX Realtime API.","version":"2.0.0","timestamp":"2024-07-10T11:00:00.000Z",'
        '"docs":"https://www.bitmex.com/app/wsAPI","limit":{"remaining":39}}',
        ASKED,
        '{"success":true,"subscribe":"liquidation","request":{"op":"subscribe","args":["liquidation"]}}',
        '{"table":"liquidation","action":"partial","keys":["orderID"],"data":[{"orderID":"00000000-0000-4000-8000-'
        '000000000009","symbol":"XBTUSD","side":"Buy","price":57999,"leavesQty":300}]}',
    ),
    "deribit/liquidations": (
        ASKED,
        '{"jsonrpc":"2.0","id":1,"result":"ok","usIn":1,"usOut":2,"usDiff":1,"testnet":false}',
        ASKED,
        '{"jsonrpc":"2.0","id":2,"result":["trades.future.any.100ms"],"usIn":1,"usOut":2,"usDiff":1,"testnet":false}',
        '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}',
        ASKED,
        '{"jsonrpc":"2.0","id":3,"result":{"version":"1.2.26"},"testnet":false,"usIn":1,"usOut":2,"usDiff":1}',
    ),
    "bitfinex/liquidations": (
        '{"event":"info","version":2,"serverId":"5c0cbe3d","platform":{"status":1}}',
        ASKED,
        '{"event":"subscribed","channel":"status","chanId":91684,"key":"liq:global"}',
        '[91684,"hb"]',
    ),
    "gate/liquidations": (
        ASKED,
        '{"time":1720609200,"time_ms":1720609200123,"channel":"futures.public_liquidates","event":"subscribe",'
        '"payload":["!all"],"result":{"status":"success"}}',
    ),
}
"""What each venue says before it sends anything."""


def _message(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def liquidations(number: int) -> Mapping[str, str]:
    """One message of every venue with liquidations; another `number` makes others of them."""
    ms = 1_720_609_200_000 + number * 1000
    return {
        "binance/liquidations": _message(
            {
                "e": "forceOrder",
                "E": ms + 5,
                "o": {
                    "s": "BTCUSDT",
                    "S": "SELL",
                    "o": "LIMIT",
                    "f": "IOC",
                    "q": "0.514",
                    "p": "56910",
                    "ap": "57010.50",
                    "X": "FILLED",
                    "l": "0.014",
                    "z": "0.514",
                    "T": ms,
                },
            }
        ),
        "bybit/liquidations": _message(
            {
                "topic": "allLiquidation.ETHUSDT",
                "type": "snapshot",
                "ts": ms + 300,
                "data": [
                    {"T": ms, "s": "ETHUSDT", "S": "Buy", "v": "2.10", "p": "3040.15"},
                    {"T": ms, "s": "ETHUSDT", "S": "Sell", "v": "0.70", "p": "3052.00"},
                ],
            }
        ),
        "okx/liquidations": _message(
            {
                "arg": {"channel": "liquidation-orders", "instType": "SWAP"},
                "data": [
                    {
                        "details": [
                            {
                                "bkLoss": "0",
                                "bkPx": "0.0781",
                                "ccy": "",
                                "posSide": "net",
                                "side": "buy",
                                "sz": "13",
                                "ts": str(ms),
                            }
                        ],
                        "instFamily": "DOGE-USDT",
                        "instId": "DOGE-USDT-SWAP",
                        "instType": "SWAP",
                        "uly": "DOGE-USDT",
                    }
                ],
            }
        ),
        "bitmex/liquidations": _message(
            {
                "table": "liquidation",
                "action": "insert",
                "data": [
                    {
                        "orderID": f"00000000-0000-4000-8000-{number:012d}",
                        "symbol": "XBTUSD",
                        "side": "Sell",
                        "price": 56999.5,
                        "leavesQty": 1700,
                    }
                ],
            }
        ),
        "deribit/liquidations": _message(
            {
                "jsonrpc": "2.0",
                "method": "subscription",
                "params": {
                    "channel": "trades.future.any.100ms",
                    "data": [
                        {
                            "trade_seq": number,
                            "trade_id": f"8811{number}",
                            "timestamp": ms,
                            "tick_direction": 2,
                            "price": 57001.5,
                            "mark_price": 57010.1,
                            "liquidation": "MT",
                            "instrument_name": "BTC-PERPETUAL",
                            "index_price": 57020.0,
                            "direction": "sell",
                            "contracts": 430.0,
                            "amount": 4300.0,
                        }
                    ],
                },
            }
        ),
        "bitfinex/liquidations": _message(
            [91684, [["pos", 142000000 + number, ms, None, "tBTCF0:USTF0", -0.62, 55000, None, 1, 1, None, 57900.0]]]
        ),
        "gate/liquidations": _message(
            {
                "channel": "futures.public_liquidates",
                "event": "update",
                "time": ms // 1000,
                "time_ms": ms,
                "result": [{"price": "57215.1", "size": "-124.5", "time": ms, "contract": "BTC_USDT"}],
            }
        ),
    }


BOOKS = {
    "fapi.binance.com": {
        "lastUpdateId": 9, "E": 1720609200000, "T": 1720609199990,
        "bids": [["57000.0", "2.5"], ["56900.0", "10"]], "asks": [["57010.0", "1.0"], ["57100.0", "8"]],
    },
    "api.bybit.com": {
        "retCode": 0, "retMsg": "OK", "result": {"s": "BTCUSDT", "b": [["57000.0", "2.5"]], "a": [["57010.0", "1.0"]],
        "ts": 1720609200000, "u": 1, "seq": 2, "cts": 1720609199990}, "retExtInfo": {}, "time": 1720609200010,
    },
    "www.okx.com": {
        "code": "0", "msg": "", "data": [
        {"asks": [["57010.0", "100", "0", "2"]], "bids": [["57000.0", "250", "0", "3"]], "ts": "1720609200000"}],
    },
    "www.deribit.com": {
        "jsonrpc": "2.0", "result": {"bids": [[57000.0, 250000.0]], "asks": [[57010.0, 100000.0]], "state": "open"},
    },
    "api-pub.bitfinex.com": [[57000, 3, 2.5], [57010, 2, -1.0]],
}  # fmt: skip
"""What the books are, by host."""


@dataclass
class Venues:
    """The server, to be scripted before and looked at afterwards.

    Args:
        scripts: what a stream's connections get; see the top of this module.
        books: answers to requests for a book by host; a number is an HTTP status.
        connections: how many connections there were, by stream.
        received: what clients sent, by stream.
        headers: of the last handshake, by stream.
        asked: how many requests for a book there were, by host.
    """

    scripts: dict[str, list[Script]] = field(default_factory=dict)
    books: dict[str, object] = field(default_factory=lambda: dict(BOOKS))
    connections: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    received: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    headers: dict[str, Headers] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    url: str = ""

    def play(self, label: str, *scripts: Script, acknowledged: bool = True) -> None:
        """Script a stream; the venue's greeting and its word on the subscription come first if wanted."""
        self.scripts[label] = [(*(ACKNOWLEDGE[label] if acknowledged else ()), *script) for script in scripts]

    def play_all(self) -> None:
        """Every venue says what it has to say, one message with liquidations, and stays."""
        for label, message in liquidations(1).items():
            self.play(label, (message,))

    def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        label = connection.request.path.strip("/")
        number = self.connections[label]
        self.connections[label] += 1
        self.headers[label] = connection.request.headers
        scripts = self.scripts.get(label) or [ACKNOWLEDGE.get(label, ())]
        try:
            for step in scripts[min(number, len(scripts) - 1)]:
                if step is HANG_UP:
                    return
                if step is ASKED:
                    self.received[label].append(str(connection.recv(timeout=10)))
                elif isinstance(step, (int, float)):
                    time.sleep(step)
                else:
                    assert isinstance(step, (str, bytes))
                    connection.send(step)
            while True:
                self.received[label].append(str(connection.recv()))
        except (ConnectionClosed, TimeoutError):
            return

    def answer_book(self, _connection: ServerConnection, request: Request) -> Response | None:
        """Answer a plain request; None goes on with the websocket."""
        if "Upgrade" in request.headers:
            return None
        host = urlsplit(request.path).path.strip("/").partition("/")[0]
        self.asked[host] += 1
        book = self.books.get(host, 404)
        status = HTTPStatus(book) if isinstance(book, int) else HTTPStatus.OK
        content = b"no" if isinstance(book, int) else book if isinstance(book, bytes) else json.dumps(book).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(content))})
        return Response(status.value, status.phrase, headers, content)


@contextmanager
def playing() -> Iterator[Venues]:
    """The venues on a free port of this machine."""
    venues = Venues()
    server: Server
    with serve(venues.handle, "127.0.0.1", 0, process_request=venues.answer_book, ping_interval=None) as server:
        venues.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield venues
        finally:
            server.shutdown()
            thread.join(timeout=5)
