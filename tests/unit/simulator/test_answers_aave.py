"""The simulated Ethereum node answers as real ones do, and liquidates loans when the market liquidates longs."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from sources.simulator import market
from sources.simulator.answers.aave import SHARE_OF_LONGS
from sources.simulator.state import hour_index
from sources.simulator.story import at
from tests.unit.simulator.simulated import client

pytestmark = pytest.mark.unit

POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
TOPIC = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"


def ask(method: str, *params: object, now: datetime = market.END_OF_MARKET) -> Any:
    document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return client(now).post("https://eth.drpc.org", json=document).json()


def logs(first: int, last: int, now: datetime = market.END_OF_MARKET, address: str = POOL) -> Any:
    query = {"address": address, "topics": [TOPIC], "fromBlock": hex(first), "toBlock": hex(last)}
    return ask("eth_getLogs", query, now=now)


def block_at(moment: datetime) -> int:
    newest = ask("eth_getBlockByNumber", "latest", False)["result"]
    return int(newest["number"], 16) - int(int(newest["timestamp"], 16) - moment.timestamp()) // 12


def test_blocks_follow_each_other_and_the_finalized_one_is_a_quarter_of_an_hour_old() -> None:
    newest, finalized = (ask("eth_getBlockByNumber", name, False)["result"] for name in ("latest", "finalized"))
    assert newest["number"] == ask("eth_blockNumber")["result"]
    blocks = int(newest["number"], 16) - int(finalized["number"], 16)
    assert int(newest["timestamp"], 16) - int(finalized["timestamp"], 16) == 12 * blocks == 864
    assert ask("eth_getBlockByNumber", hex(int(newest["number"], 16) + 1), False)["result"] is None


def test_the_crash_liquidates_a_fixed_part_of_what_longs_lose() -> None:
    first, last = at("2025-10-10 20:00"), at("2025-10-10 23:59")
    found = logs(block_at(first), block_at(last))["result"]
    debt_usd = sum(int(log["data"][2:66], 16) for log in found) / 1e6
    hours = slice(hour_index(first), hour_index(last) + 1)
    longs = [perpetual.long_liquidations_usd[hours] for perpetual in market.load().perpetuals.values()]
    assert debt_usd == pytest.approx(SHARE_OF_LONGS * float(np.sum(longs)), rel=0.02)
    assert len(found) > 10


def test_a_calm_night_liquidates_little() -> None:
    found = logs(block_at(at("2025-09-14 01:00")), block_at(at("2025-09-14 05:00")))["result"]
    assert len(found) < 4


def test_an_hour_that_is_not_over_has_no_liquidations_yet() -> None:
    moment = at("2025-10-10 21:30")
    first, last = block_at(at("2025-10-10 21:00")), block_at(at("2025-10-10 22:00"))
    assert logs(first, last, now=moment)["result"] == []
    assert logs(first, last)["result"] != []


def test_ranges_join_without_gap_and_without_overlap() -> None:
    first, last = block_at(at("2025-10-10")), block_at(at("2025-10-11"))
    whole = logs(first, last)["result"]
    halves = logs(first, first + 5000)["result"] + logs(first + 5001, last)["result"]
    assert halves == whole


def test_another_contract_has_none_and_too_wide_a_range_is_refused() -> None:
    first = block_at(at("2025-10-10"))
    assert logs(first, first + 9000, address="0x7d2768de32b0b80b7a3454c06bdac94a69ddc7a9")["result"] == []
    assert "ranges over 10000 blocks" in logs(first, first + 10_000)["error"]["message"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [("eth_chainId", [], -32601), ("eth_getBlockByNumber", ["soon", False], -32602), ("eth_getLogs", [], -32602)],
)
def test_what_makes_no_sense_is_an_error_under_status_200(method: str, params: list[object], code: int) -> None:
    assert ask(method, *params)["error"]["code"] == code


def test_a_body_that_is_no_request_is_an_error() -> None:
    answer = client(datetime(2025, 11, 1, tzinfo=timezone.utc)).post("https://eth.drpc.org", content=b"[]")
    assert answer.json()["error"]["code"] == -32600
