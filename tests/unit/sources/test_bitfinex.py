"""Bitfinex: lists by position, liquidations told twice, minutes kept by the hour, errors with HTTP 500."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from sources.dataset import Body, Dataset, Window
from sources.errors import Malformed, RateLimited, Rejected, Unreachable
from sources.http import ATTEMPTS
from sources.providers.bitfinex import LIQUIDATIONS, POSITION_SIZES
from tests.unit.sources import wire
from tests.unit.sources.wire import NOW, at, fetched

MINUTE_MS = 60_000
BOTH = pytest.mark.parametrize("dataset", [LIQUIDATIONS, POSITION_SIZES], ids=lambda dataset: dataset.name)


def event(position: int, moment_ms: int, amount: float = 1.0, is_match: int = 1) -> list[list[object]]:
    return [["pos", position, moment_ms, None, "tBTCUSD", amount, 60000, None, is_match, 1, None, 59000]]


def keys_of(bodies: list[Body]) -> list[tuple[object, ...]]:
    return [row for body in bodies for row in LIQUIDATIONS.parse(body).select(LIQUIDATIONS.key).rows()]


def test_pages_go_forward_and_lose_nothing_where_a_page_ends_in_the_middle_of_an_instant() -> None:
    start_ms = int(at("2024-07-01").timestamp() * 1000)
    # Three liquidations at every instant, so that a page of 500 ends between them.
    history = [event(n, start_ms + n // 3 * 1000) for n in range(1300)]
    asked: list[int] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        assert query["sort"] == "1" and query["limit"] == "500"
        asked.append(int(query["start"]))
        due = [one for one in history if int(query["start"]) <= int(str(one[0][2])) <= int(query["end"])]
        return httpx.Response(200, json=due[:500])

    bodies, error = fetched(LIQUIDATIONS, provider)
    assert error is None
    assert len(asked) == 3 and asked == sorted(set(asked))
    keys = keys_of(bodies)
    assert len(set(keys)) == 1300, "none lost between the pages"
    assert len(keys) - 1300 <= 4, "only the last instant of a page is given again"


def test_an_instant_that_fills_a_page_does_not_stop_the_paging() -> None:
    start_ms = int(at("2024-07-01").timestamp() * 1000)
    history = [event(n, start_ms) for n in range(500)] + [event(900, start_ms + 5)]

    def provider(request: httpx.Request) -> httpx.Response:
        due = [one for one in history if int(request.url.params["start"]) <= int(str(one[0][2]))]
        return httpx.Response(200, json=due[:500])

    bodies, error = fetched(LIQUIDATIONS, provider)
    assert error is None
    assert [LIQUIDATIONS.parse(body).height for body in bodies] == [500, 1]


def test_a_provider_that_repeats_its_page_ends_in_an_error() -> None:
    start_ms = int(at("2024-07-01").timestamp() * 1000)
    rows = [event(n, start_ms + n) for n in range(500)]
    bodies, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, json=rows))
    assert isinstance(error, Malformed)
    assert "does not reach beyond" in str(error)
    assert len(bodies) == 2


def test_longs_and_shorts_trigger_and_execution() -> None:
    rows = LIQUIDATIONS.conform(LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table))).rows(named=True)
    assert [(row["position_id"], row["is_executed"], row["is_market_sold"]) for row in rows] == [
        (171000001, False, False),
        (171000001, True, True),
        (171000002, True, False),
    ]
    assert [row["amount_coin"] for row in rows] == [0.5, 0.5, -12.25]
    assert [row["liquidation_price"] for row in rows] == [None, 57100.5, 3120.0]
    assert rows[0]["liquidated_at"] == at("2024-07-10 00:06:40") + timedelta(milliseconds=123)


def test_rows_without_the_further_list_are_read_as_well() -> None:
    flat = [row[0] for row in json.loads(wire.stored(LIQUIDATIONS.table))]
    same = LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, json.dumps(flat)))
    assert same.equals(LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table)))


@pytest.mark.parametrize(
    "row",
    [
        [["pos", 1, 1720570000123, None, "tBTCUSD", 0.5, 60000, None, 2, 0, None, None]],
        [["fcr", 1, 1720570000123, None, "tBTCUSD", 0.5, 60000, None, 1, 0, None, None]],
        [["pos", 1, 1720570000123, None, "tBTCUSD", 0.5]],
        ["pos", 1, 1720570000123],
        [None],
    ],
)
def test_another_row_is_malformed(row: object) -> None:
    with pytest.raises(Malformed):
        LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, json.dumps([row])))


def test_a_further_place_is_told() -> None:
    rows = json.loads(wire.stored(LIQUIDATIONS.table))
    rows[0][0].append(7)
    assert LIQUIDATIONS.novelties(LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, json.dumps(rows)))) == ("column_13",)


def test_the_last_minute_of_an_hour_is_kept_and_the_hour_under_way_is_not() -> None:
    rows = POSITION_SIZES.parse(wire.body(POSITION_SIZES.table)).rows()
    assert rows == [
        ("tBTCUSD", "long", at("2024-07-10 09:00"), 50123.25),
        ("tBTCUSD", "long", at("2024-07-10 10:00"), 50300.75),
    ]


def test_sizes_have_no_sign() -> None:
    content = f"[[{int(at('2024-07-10 09:59').timestamp())}000,-812.5]]"
    assert POSITION_SIZES.parse(wire.body(POSITION_SIZES.table, content))["position_size_coin"].to_list() == [812.5]


def test_spans_are_whole_hours_that_fit_into_one_answer() -> None:
    asked: dict[str, list[tuple[int, int]]] = {}

    def provider(request: httpx.Request) -> httpx.Response:
        start, end = int(request.url.params["start"]), int(request.url.params["end"])
        asked.setdefault(request.url.path.split(":", 2)[2], []).append((start, end))
        due = range(start, end + 1, MINUTE_MS)
        assert len(due) < int(request.url.params["limit"])
        return httpx.Response(200, json=[[moment, 5.5] for moment in due])

    window = Window(at("2024-06-20 00:30"), at("2024-07-05 12:10"))
    bodies, error = fetched(POSITION_SIZES, provider, window=window)
    assert error is None
    assert list(asked) == ["tBTCUSD:long/hist", "tBTCUSD:short/hist", "tETHUSD:long/hist", "tETHUSD:short/hist"]
    for spans in asked.values():
        assert spans[0][0] == int(at("2024-06-20").timestamp()) * 1000
        assert spans[-1][1] == int(at("2024-07-05 13:00").timestamp()) * 1000 - 1
        assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))
        assert all(start % 3_600_000 == 0 for start, _ in spans)
    keys = [row for body in bodies for row in POSITION_SIZES.parse(body).select(POSITION_SIZES.key).rows()]
    assert len(keys) == len(set(keys)) == 4 * (15 * 24 + 13), "no hour is told by two answers"


def test_a_full_answer_is_not_trusted() -> None:
    rows = [[1719792000000 + n * 50_000, 1.5] for n in range(10_000)]
    bodies, error = fetched(POSITION_SIZES, lambda _: httpx.Response(200, json=rows))
    assert isinstance(error, Malformed)
    assert bodies


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (500, ["error", 10020, "limit: invalid"], Rejected),
        (200, ["error", 10020, "limit: invalid"], Rejected),
        (500, ["error", 11010, "ratelimit: error"], RateLimited),
        (200, {"error": "ERR_RATE_LIMIT"}, RateLimited),
        (429, {"error": "ERR_RATE_LIMIT"}, RateLimited),
        (500, ["error"], Rejected),
        (500, {"message": "Internal"}, Unreachable),
        (503, ["error", 20060, "maintenance"], Rejected),
    ],
)
@BOTH
def test_errors(dataset: Dataset, status: int, told: object, kind: type[Exception]) -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=told)

    bodies, error = fetched(dataset, provider)
    assert type(error) is kind
    if status == 200:
        assert bodies, "the answer is kept"
        with pytest.raises(kind):
            dataset.parse(wire.body(dataset.table, json.dumps(told)))
    else:
        assert error.body is not None
        assert error.where.startswith(dataset.table.replace("__", "."))
        assert len(asked) % ATTEMPTS == 0, "it may have been a passing trouble"


@BOTH
def test_an_empty_answer_has_no_rows(dataset: Dataset) -> None:
    bodies, error = fetched(dataset, lambda _: httpx.Response(200, json=[]), window=Window(at("2024-07-09"), NOW))
    assert error is None
    assert bodies and all(dataset.parse(body).is_empty() for body in bodies)


@BOTH
def test_an_object_or_a_list_of_figures_is_malformed(dataset: Dataset) -> None:
    for content in ("{}", "[1, 2]"):
        with pytest.raises(Malformed):
            dataset.parse(wire.body(dataset.table, content))
