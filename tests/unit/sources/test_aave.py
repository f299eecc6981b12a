"""Aave: the search for blocks, ranges that are too wide, errors under any status, events as the chain has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import httpx
import pytest

from sources.dataset import UTC, Body, Request, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError
from sources.http import Transport
from sources.providers.aave import LIQUIDATION_CALL, LIQUIDATION_CALLS, MAX_BLOCKS, NODE, POOL, TOKENS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = LIQUIDATION_CALLS.table
FIRST_BLOCK, FIRST_TIME = 19_000_000, at("2024-01-14 00:00")
WETH, USDC = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"

Refusal = Callable[[int, int], httpx.Response | None]


def word(value: int | str) -> str:
    return f"{value:064x}" if isinstance(value, int) else value.removeprefix("0x").rjust(64, "0")


def log(block: int, seconds: int, index: int = 0, **changes: object) -> dict[str, Any]:
    return {
        "address": POOL,
        "topics": [LIQUIDATION_CALL, f"0x{word(WETH)}", f"0x{word(USDC)}", f"0x{word('0x' + 'ab' * 20)}"],
        "data": "0x" + word(3_000_500_000) + word(10**18) + word("0x" + "cd" * 20) + word(0),
        "blockNumber": hex(block),
        "blockTimestamp": hex(seconds),
        "transactionHash": "0x" + "12" * 32,
        "logIndex": hex(index),
        "removed": False,
        **changes,
    }


def error(code: int, message: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}})


class Chain:
    """Plays a node: a block every 12 seconds, but every 90th or so was missed; a liquidation in every 700th block."""

    def __init__(
        self, finalized_at: datetime, refuse: Refusal = lambda first, last: None, has_times: bool = True
    ) -> None:
        self.finalized = self.last_block_by(finalized_at)
        self.refuse = refuse
        self.has_times = has_times
        self.blocks_asked: list[int | str] = []
        self.ranges_asked: list[tuple[int, int]] = []
        self._lock = Lock()

    @staticmethod
    def seconds(block: int) -> int:
        passed = block - FIRST_BLOCK
        return int(FIRST_TIME.timestamp()) + 12 * (passed + passed // 90 + passed // 4001)

    def last_block_by(self, moment: datetime) -> int:
        low, high = FIRST_BLOCK, FIRST_BLOCK + 10**7
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.seconds(middle) <= moment.timestamp() else (low, middle)
        return low

    def answer(self, document: dict[str, Any]) -> httpx.Response:
        method, params = document["method"], document["params"]
        if method == "eth_getBlockByNumber":
            with self._lock:
                self.blocks_asked.append(params[0])
            number = self.finalized if params[0] == "finalized" else int(params[0], 16)
            block = {"number": hex(number), "timestamp": hex(self.seconds(number)), "transactions": []}
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": block})
        assert method == "eth_getLogs"
        (query,) = params
        assert query["address"] == POOL
        assert query["topics"] == [LIQUIDATION_CALL]
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        with self._lock:
            self.ranges_asked.append((first, last))
        if refusal := self.refuse(first, last):
            return refusal
        blocks = [block for block in range(first, last + 1) if block % 700 == 0]
        logs = [log(block, self.seconds(block), 3) for block in blocks]
        if not self.has_times:
            logs = [{name: value for name, value in one.items() if name != "blockTimestamp"} for one in logs]
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": logs})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url).rstrip("/") == "https://eth.drpc.org"
        return self.answer(json.loads(request.content))

    def expected(self, window: Window) -> list[datetime]:
        end = min(window.end.timestamp(), self.seconds(self.finalized) + 1)
        blocks = range(FIRST_BLOCK - FIRST_BLOCK % 700 + 700, self.finalized + 1, 700)
        times = map(self.seconds, blocks)
        return [datetime.fromtimestamp(time, UTC) for time in times if window.start.timestamp() <= time < end]


def times(bodies: list[Body], window: Window) -> list[datetime]:
    moments = [moment for body in bodies for moment in LIQUIDATION_CALLS.parse(body)["liquidated_at"]]
    return [moment for moment in moments if window.start <= moment < window.end]


WINDOW = Window(at("2024-03-01"), at("2024-03-11"))
NOW = at("2024-07-10 12:00")


def test_a_window_in_the_past_is_covered_without_gap_and_without_overlap() -> None:
    chain = Chain(NOW - timedelta(minutes=15))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=WINDOW, now=NOW)
    assert failure is None
    ranges = sorted(chain.ranges_asked)
    assert all(last - first < MAX_BLOCKS for first, last in ranges)
    assert [first for first, _ in ranges[1:]] == [last + 1 for _, last in ranges[:-1]]
    assert times(bodies, WINDOW) == chain.expected(WINDOW)
    assert len(chain.expected(WINDOW)) > 50


def test_the_blocks_at_both_ends_are_found_with_few_requests() -> None:
    chain = Chain(NOW)
    fetched(LIQUIDATION_CALLS, chain, window=WINDOW, now=NOW)
    assert len(chain.blocks_asked) <= 9
    ranges = sorted(chain.ranges_asked)
    begin, end = chain.seconds(ranges[0][0]), chain.seconds(ranges[-1][1])
    # It reaches over the edges, and not by much: the same blocks would be asked for twice.
    assert timedelta(0) <= WINDOW.start - datetime.fromtimestamp(begin, UTC) <= timedelta(minutes=10)
    assert timedelta(0) <= datetime.fromtimestamp(end, UTC) - WINDOW.end <= timedelta(minutes=10)


def test_nothing_beyond_the_finalized_block_is_asked_for() -> None:
    finalized_at = at("2024-03-10 23:45")
    chain, window = Chain(finalized_at), Window(at("2024-03-10"), at("2024-03-11"))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=window, now=window.end)
    assert failure is None
    assert max(last for _, last in chain.ranges_asked) == chain.finalized
    assert times(bodies, window) == chain.expected(window)


def test_a_window_that_is_not_finalized_at_all_asks_for_no_logs() -> None:
    chain = Chain(at("2024-03-10"))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=Window(at("2024-03-10 00:05"), at("2024-03-10 00:15")))
    assert (bodies, failure) == ([], None)
    assert chain.blocks_asked == ["finalized"]
    assert LIQUIDATION_CALLS.can_be_empty


TOO_WIDE = [
    (200, -32005, "query returned more than 10000 results"),
    (200, -32602, "range 9500 exceeds limit of 2000"),
    (200, -32600, "Query exceeds max block range of 2000"),
    (200, -32701, "exceed maximum block range: 2000"),
    (400, 35, "ranges over 2000 blocks are not supported on free plan"),
    (413, -32614, "eth_getLogs is limited to a 2,000 range"),
    (200, -32000, "query timeout exceeded"),
    (200, -32602, "query exceeds max results 20000, retry with the range 19000000-19000100"),
]


@pytest.mark.parametrize(("status", "code", "message"), TOO_WIDE)
def test_a_range_that_is_too_wide_is_halved_until_it_is_not(status: int, code: int, message: str) -> None:
    def refuse(first: int, last: int) -> httpx.Response | None:
        return error(code, message, status) if last - first >= 2000 else None

    chain = Chain(NOW, refuse)
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=WINDOW, now=NOW)
    assert failure is None
    assert times(bodies, WINDOW) == chain.expected(WINDOW), "nothing twice, nothing lost"
    refused = [one for one in chain.ranges_asked if one[1] - one[0] >= 2000]
    # Each of those under way learns it for itself, those after them know.
    assert len(refused) <= 4 * 3


def test_a_refusal_that_was_got_round_is_archived_and_is_no_rows() -> None:
    def refuse(first: int, last: int) -> httpx.Response | None:
        return error(-32005, "query returned more than 10000 results") if last - first >= 5000 else None

    bodies, failure = fetched(LIQUIDATION_CALLS, Chain(NOW, refuse), window=WINDOW, now=NOW)
    assert failure is None
    refusals = [body for body in bodies if b"more than 10000" in body.content]
    assert refusals
    assert all(LIQUIDATION_CALLS.conform(LIQUIDATION_CALLS.parse(body)).is_empty() for body in refusals)


def test_a_node_that_refuses_a_single_block_is_not_asked_for_ever() -> None:
    chain = Chain(NOW, lambda first, last: error(-32602, "block range too large"))
    window = Window(at("2024-03-01"), at("2024-03-01 06:00"))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=window, now=NOW)
    assert bodies == []
    assert isinstance(failure, Rejected)
    assert "refuses a single block" in str(failure)
    assert len(chain.ranges_asked) <= 15


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32005, "daily request count exceeded, request rate limited", RateLimited),
        (-32005, "Too Many Requests", RateLimited),
        (429, "slow down", RateLimited),
        (-32602, "Archive requests require a personal token. Get one at: https://node.example", Blocked),
        (-32000, "history has been pruned for this block", Blocked),
        (35, "chain is not available on free plan, please upgrade to paid plan", Blocked),
        (-32601, "the method eth_getLogs does not exist", Rejected),
        (-32603, "Internal error", Rejected),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_errors_of_the_node_are_told_apart_by_their_words(
    status: int, code: int, message: str, kind: type[SourceError]
) -> None:
    chain = Chain(NOW, lambda first, last: error(code, message, status))
    window = Window(at("2024-03-01"), at("2024-03-01 06:00"))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=window, now=NOW)
    assert bodies == []
    assert type(failure) is kind
    assert message in str(failure)
    assert failure.body is not None
    assert len(chain.ranges_asked) == 1, "no use in asking for less"
    with pytest.raises(kind):
        LIQUIDATION_CALLS.parse(failure.body)


def test_a_node_that_does_not_know_finalized_blocks_is_refused() -> None:
    unknown = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": None})
    _, failure = fetched(LIQUIDATION_CALLS, lambda _: unknown, window=WINDOW, now=NOW)
    assert isinstance(failure, Malformed)


def test_a_node_without_times_is_asked_for_the_blocks() -> None:
    chain, window = Chain(NOW, has_times=False), Window(at("2024-03-01"), at("2024-03-02"))
    bodies, failure = fetched(LIQUIDATION_CALLS, chain, window=window, now=NOW)
    assert failure is None
    assert times(bodies, window) == chain.expected(window)
    companions = [companion for body in bodies for companion in body.companions]
    assert len(companions) == sum(LIQUIDATION_CALLS.parse(body).height for body in bodies), "one for each block"
    assert all("eth_getBlockByNumber" in companion.request.content for companion in companions)


def parse(*logs: dict[str, Any]) -> Any:
    content = json.dumps({"jsonrpc": "2.0", "id": 1, "result": list(logs)})
    return LIQUIDATION_CALLS.parse(wire.body(TABLE, content=content))


@pytest.mark.parametrize("stamp", [None, "0x0"])
def test_a_log_whose_time_nothing_tells_is_malformed(stamp: str | None) -> None:
    with pytest.raises(Malformed, match="when block 20000000 was"):
        parse(log(20_000_000, 0, blockTimestamp=stamp))


def test_amounts_are_kept_exactly_and_in_tokens_where_decimals_are_known() -> None:
    rows = LIQUIDATION_CALLS.conform(LIQUIDATION_CALLS.parse(wire.body(TABLE)))
    known, unknown = rows.rows(named=True)
    assert (known["collateral_symbol"], known["collateral_decimals"], known["collateral_native"]) == ("WETH", 18, 1.0)
    assert (known["debt_symbol"], known["debt_native"]) == ("USDC", 3000.5)
    assert known["liquidated_at"] == at("2024-07-08 00:00") + timedelta(seconds=11)
    assert unknown["collateral_base_units"] == str(2**200 + 1), "no double holds this"
    assert unknown["collateral_symbol"] is unknown["collateral_decimals"] is unknown["collateral_native"] is None
    assert (known["is_paid_in_atokens"], unknown["is_paid_in_atokens"]) == (False, True)
    assert known["borrower_address"] == "0x" + "ab" * 20
    assert known["liquidator_address"] == "0x" + "cd" * 20


def test_a_log_that_was_taken_back_is_none() -> None:
    assert wire.stored(TABLE).count(b'"removed":true') == 1
    assert parse(log(20_000_000, 1_720_000_000, removed=True)).is_empty()


def test_an_answer_without_logs_is_no_rows() -> None:
    assert LIQUIDATION_CALLS.conform(parse()).is_empty()


VERSION_2 = "0x7d2768de32b0b80b7a3454c06bdac94a69ddc7a9"


@pytest.mark.parametrize(
    "changes",
    [
        {"address": VERSION_2},
        {"topics": ["0x" + "00" * 32] * 4},
        {"topics": [LIQUIDATION_CALL]},
        {"data": "0x" + word(1) * 3},
        {"data": "0x" + word(1) * 3 + "0" * 63 + "2"},
        {"data": "0x" + word(1) * 4 + "abc"},
        {"data": None},
        {"blockNumber": "twelve"},
        {"topics": [LIQUIDATION_CALL, "0x" + "f" * 64, f"0x{word(USDC)}", f"0x{word(USDC)}"]},
    ],
)
def test_a_log_that_is_not_the_event_is_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        parse(log(20_000_000, 1_720_000_000, **changes))


def test_tokens_are_addresses_in_small_letters_with_decimals() -> None:
    for address, (symbol, decimals) in TOKENS.items():
        assert address == address.lower()
        assert len(address) == 42
        assert int(address, 16) > 0
        assert symbol
        assert 0 < decimals <= 18
    assert len({symbol for symbol, _ in TOKENS.values()}) == len(TOKENS)


def test_a_node_of_ones_own_is_asked_and_its_key_is_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE, "https://user:word@node.example/v3/s3cr3t?key=s3cr3t")
    chain, asked = Chain(NOW), []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, request.url.path, request.url.query))
        return chain.answer(json.loads(request.content))

    window = Window(at("2024-03-01"), at("2024-03-02"))
    with Transport(now=lambda: NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
        client = transport.client(LIQUIDATION_CALLS, window)
        bodies = list(LIQUIDATION_CALLS.fetch(window, client))
    assert set(asked) == {("node.example", "/v3/s3cr3t", b"key=s3cr3t")}
    assert bodies
    assert {body.request.url for body in bodies} == {"https://node.example"}
    assert not any("s3cr3t" in repr(body) or "word" in body.request.url for body in bodies)


@pytest.mark.parametrize("address", ["node.example/key", "ftp://node.example", "https:///key", "https://[key"])
def test_an_address_that_is_none_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(NODE, address)
    node = httpx.MockTransport(Chain(NOW))
    with (
        Transport(now=lambda: NOW, transport=node, paced=False) as transport,
        pytest.raises(Rejected, match="UNDERTOW_ETHEREUM_RPC_URL") as caught,
    ):
        list(LIQUIDATION_CALLS.fetch(WINDOW, transport.client(LIQUIDATION_CALLS, WINDOW)))
    assert address not in str(caught.value)


def test_what_was_asked_is_archived_with_the_answer() -> None:
    bodies, _ = fetched(LIQUIDATION_CALLS, Chain(NOW), window=Window(at("2024-03-01"), at("2024-03-02")), now=NOW)
    request: Request = bodies[0].request
    assert (request.method, request.url) == ("POST", "https://eth.drpc.org")
    assert json.loads(request.content)["method"] == "eth_getLogs"
