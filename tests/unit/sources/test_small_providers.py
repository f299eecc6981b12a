"""alternative.me, BGeometrics and Deribit."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected, Unreachable
from sources.providers.alternative_me import FEAR_GREED
from sources.providers.bgeometrics import DATASETS as BGEOMETRICS
from sources.providers.bgeometrics import LTH_SUPPLY
from sources.providers.deribit import DVOL
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched


def fear_greed(*rows: dict[str, Any], error: str | None = None) -> list[tuple[object, ...]]:
    document = {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": error}}
    body = wire.body(FEAR_GREED.table, content=json.dumps(document))
    return FEAR_GREED.conform(FEAR_GREED.parse(body)).rows()


@pytest.mark.parametrize(
    ("start", "limit"), [("2024-07-10", "2"), ("2024-07-01", "11"), ("2024-04-11", "92"), ("2024-04-10", "0")]
)
def test_fear_greed_is_asked_for_by_a_count_back_from_now(start: str, limit: str) -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, content=wire.stored(FEAR_GREED.table))

    fetched(FEAR_GREED, provider, window=Window(at(start), wire.NOW))
    assert asked == [{"limit": limit, "format": "json"}]


def test_an_old_short_window_of_fear_greed_needs_everything() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["limit"])
        return httpx.Response(200, content=wire.stored(FEAR_GREED.table))

    fetched(FEAR_GREED, provider, window=Window(at("2023-01-01"), at("2023-01-05")))
    assert asked == ["0"]


def test_fear_greed_says_its_errors_under_status_200() -> None:
    with pytest.raises(Rejected, match="no data for you"):
        fear_greed(error="no data for you")


def test_fear_greed_reads_seconds_as_text_and_as_number() -> None:
    row = {"value": "44", "value_classification": "Fear"}
    for timestamp in ("1720569600", 1720569600):
        assert fear_greed({**row, "timestamp": timestamp}) == [(date(2024, 7, 10), 44, "Fear")]


@pytest.mark.parametrize(
    "row",
    [
        {"value": "101", "value_classification": "Greed", "timestamp": "1720569600"},
        {"value": "-1", "value_classification": "Fear", "timestamp": "1720569600"},
        {"value": "44.5", "value_classification": "Fear", "timestamp": "1720569600"},
        {"value": None, "value_classification": "Fear", "timestamp": "1720569600"},
        {"value": "44", "value_classification": "Fear", "timestamp": "10-07-2024"},
    ],
)
def test_fear_greed_that_cannot_be_is_malformed(row: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        fear_greed(row)


def test_fear_greed_without_data_is_no_rows() -> None:
    assert fear_greed() == []
    with pytest.raises(Malformed):
        FEAR_GREED.parse(wire.body(FEAR_GREED.table, content='{"name":"Fear and Greed Index"}'))


PATHS = {"exchange_reserve": "exchange-reserve-btc"}
"""Where the path says more than the dataset's name."""


@pytest.mark.parametrize("dataset", BGEOMETRICS, ids=lambda dataset: dataset.name)
def test_each_holder_metric_asks_once_for_its_whole_window(dataset: Any) -> None:
    asked: list[httpx.URL] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=wire.stored(dataset.table))

    bodies, error = fetched(dataset, provider, window=Window(at("2017-01-01"), at("2024-07-10")))
    assert error is None
    assert len(bodies) == 1
    assert [(url.path, dict(url.params)) for url in asked] == [
        (
            f"/api/v1/{PATHS.get(dataset.name, dataset.name.replace('_', '-'))}",
            {"startday": "2017-01-01", "endday": "2024-07-09"},
        )
    ]


def test_a_holder_metric_without_a_value_is_null_and_an_empty_list_no_rows() -> None:
    parse = LTH_SUPPLY.parse
    body = wire.body(LTH_SUPPLY.table, content='[{"d":"2024-07-09","unixTs":"1720483200","lthSupply":null}]')
    assert LTH_SUPPLY.conform(parse(body)).rows() == [(date(2024, 7, 9), None)]
    assert LTH_SUPPLY.conform(parse(wire.body(LTH_SUPPLY.table, content="[]"))).is_empty()


def test_holder_metrics_cost_eight_requests_an_hour_and_fifteen_a_day() -> None:
    rates = LTH_SUPPLY.provider.rates
    assert [(rate.requests, rate.seconds) for rate in rates] == [(8, 3600.0), (15, 86400.0)]
    assert len(BGEOMETRICS) <= 8, "a first load has to pass within the hour"


def candles(*days: str, continuation: int | None = None) -> httpx.Response:
    data = [[int(at(day).timestamp() * 1000), 50, 52, 49, 51.5] for day in days]
    return httpx.Response(200, json={"jsonrpc": "2.0", "result": {"data": data, "continuation": continuation}})


def test_dvol_pages_go_back_until_there_is_no_continuation() -> None:
    asked: list[tuple[str, str]] = []
    middle_ms = int(at("2024-07-04").timestamp() * 1000)

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append((query["currency"], query["end_timestamp"]))
        if int(query["end_timestamp"]) > middle_ms:
            return candles("2024-07-05", "2024-07-06", continuation=middle_ms)
        return candles("2024-07-03", "2024-07-04")

    bodies, error = fetched(DVOL, provider)
    assert error is None
    now_ms = str(int(wire.NOW.timestamp() * 1000))
    assert asked == [(c, end) for c in ("BTC", "ETH") for end in (now_ms, str(middle_ms))]
    rows = [row for body in bodies for row in DVOL.conform(DVOL.parse(body)).select("currency", "day").rows()]
    assert rows == [(c, date(2024, 7, d)) for c in ("BTC", "ETH") for d in (5, 6, 3, 4)]


def test_a_dvol_continuation_that_does_not_go_back_ends_in_an_error() -> None:
    end_ms = int(wire.NOW.timestamp() * 1000)
    bodies, error = fetched(DVOL, lambda _: candles("2024-07-05", continuation=end_ms))
    assert isinstance(error, Malformed)
    assert "does not lead further back" in str(error)
    assert len(bodies) == 2


def test_the_open_dvol_candle_is_left_out_until_its_day_is_over() -> None:
    assert DVOL.parse(wire.body(DVOL.table))["day"].max() == date(2024, 7, 9)
    after = wire.NOW + timedelta(days=1)
    assert DVOL.parse(wire.body(DVOL.table, retrieved_at=after))["day"].max() == date(2024, 7, 10)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(400, -32602, Rejected), (200, -32602, Rejected), (200, 10028, RateLimited), (500, 10028, Unreachable)],
)
def test_a_dvol_error_is_an_error(status: int, code: int, kind: type[Exception]) -> None:
    answer = {"jsonrpc": "2.0", "error": {"code": code, "message": "not like this"}}
    _, error = fetched(DVOL, lambda _: httpx.Response(status, json=answer))
    assert isinstance(error, kind)


def test_a_dvol_candle_of_another_length_or_with_a_gap_is_malformed() -> None:
    for candle in ("[1720396800000,50,52,49]", "[1720396800000,9,50,52,49,51]", "[1720396800000,50,52,49,null]", "7"):
        body = wire.body(DVOL.table, content=f'{{"result":{{"data":[{candle}],"continuation":null}}}}')
        with pytest.raises(Malformed):
            DVOL.parse(body)


def test_a_figure_appended_to_dvol_candles_is_a_novelty() -> None:
    body = wire.body(DVOL.table, content='{"result":{"data":[[1720396800000,50,52,49,51,9]],"continuation":null}}')
    frame = DVOL.parse(body)
    assert DVOL.novelties(frame) == ("column_6",)
    assert DVOL.conform(frame).row(0) == ("BTC", date(2024, 7, 8), 50.0, 52.0, 49.0, 51.0)


def test_an_empty_dvol_page_is_no_rows() -> None:
    body = wire.body(DVOL.table, content='{"result":{"data":[],"continuation":null}}')
    assert DVOL.conform(DVOL.parse(body)).is_empty()
