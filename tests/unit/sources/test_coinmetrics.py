"""Coin Metrics: paging, unsupported metrics, errors."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, Rejected, Unreachable
from sources.providers.coinmetrics import ASSET_METRICS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = ASSET_METRICS.table
URL = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"


def answer(rows: list[dict[str, Any]], next_page_url: str | None = None) -> httpx.Response:
    document: dict[str, Any] = {"data": rows}
    if next_page_url is not None:
        document |= {"next_page_token": "t", "next_page_url": next_page_url}
    return httpx.Response(200, json=document)


def row(asset: str, day: int, price: str = "1.5") -> dict[str, Any]:
    return {"asset": asset, "time": f"2024-07-{day:02d}T00:00:00.000000000Z", "PriceUSD": price}


def parse(rows: list[dict[str, Any]]) -> Any:
    return ASSET_METRICS.parse(wire.body(TABLE, content=json.dumps({"data": rows})))


def test_pages_are_followed_to_the_last_for_each_asset() -> None:
    asked: list[dict[str, str]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(URL + "?")
        query = dict(request.url.params)
        asked.append(query)
        if "next_page_token" not in query:
            return answer([row(query["assets"], 1)], f"{request.url}&next_page_token=0.abc%3D")
        assert query["next_page_token"] == "0.abc="
        return answer([row(query["assets"], 2)])

    bodies, error = fetched(ASSET_METRICS, provider)
    assert error is None
    days = [tuple(r) for body in bodies for r in ASSET_METRICS.parse(body).select("asset", "day").rows()]
    assert days == [(asset, date(2024, 7, day)) for asset in ("btc", "eth") for day in (1, 2)]
    first = asked[0]
    assert (first["start_time"], first["end_time"]) == ("2024-07-01", "2024-07-10")
    assert first["paging_from"] == "start"
    assert first["ignore_unsupported_errors"] == first["ignore_forbidden_errors"] == "true"
    assert first["metrics"].split(",")[0] == "PriceUSD"


def test_a_window_that_ends_at_midnight_does_not_ask_for_the_day_that_begins() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["end_time"])
        return answer([row(request.url.params["assets"], 1)])

    fetched(ASSET_METRICS, provider, window=Window(at("2024-07-01"), at("2024-07-05")))
    assert set(asked) == {"2024-07-04"}


def test_the_next_page_is_asked_from_the_provider_whatever_host_the_answer_names() -> None:
    hosts = []

    def provider(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        following = "next_page_token" not in request.url.params
        return answer([row("btc", 1)], "https://elsewhere.example/steal?next_page_token=x" if following else None)

    fetched(ASSET_METRICS, provider)
    assert set(hosts) == {"community-api.coinmetrics.io"}


def test_a_next_page_that_is_the_same_page_ends_in_an_error() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        return answer([row("btc", 1)], str(request.url))

    bodies, error = fetched(ASSET_METRICS, provider)
    assert isinstance(error, Malformed)
    assert "already read" in str(error)
    assert len(bodies) == 2, "one page of each asset was kept"


def test_one_asset_failing_does_not_cost_the_other() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["assets"] == "btc":
            return httpx.Response(500, text="oops")
        return answer([row("eth", 1)])

    bodies, error = fetched(ASSET_METRICS, provider)
    assert [body.request.param("assets") for body in bodies] == ["eth"]
    assert isinstance(error, Unreachable)
    assert "btc" in str(error)
    assert error.body is not None
    assert error.body.content == b"oops"


def test_an_error_in_the_body_is_a_rejection_whatever_the_status() -> None:
    message = {"error": {"type": "bad_parameter", "message": "Bad parameter 'metrics'."}}
    for status, handed_on in ((200, 2), (400, 0)):
        bodies, error = fetched(ASSET_METRICS, lambda _, status=status: httpx.Response(status, json=message))  # type: ignore[misc]
        assert isinstance(error, Rejected)
        assert "Bad parameter 'metrics'" in str(error)
        # The evidence comes once: as an answer, if it looked like one, or with the error.
        assert len(bodies) == handed_on
        assert (error.body is None) == (handed_on > 0)
        for body in bodies:
            with pytest.raises(Rejected):
                ASSET_METRICS.parse(body)


def test_an_empty_page_is_no_rows() -> None:
    frame = parse([])
    assert frame.height == 0
    assert ASSET_METRICS.conform(frame).is_empty()


def test_a_metric_the_asset_lacks_is_null() -> None:
    frame = ASSET_METRICS.conform(parse([row("eth", 1)]))
    assert frame["price_usd"].to_list() == [1.5]
    others = set(ASSET_METRICS.schema) - {"asset", "day", "price_usd"}
    assert all(frame[name].null_count() == 1 for name in others)


def test_rows_without_any_price_are_malformed() -> None:
    with pytest.raises(Malformed, match="PriceUSD"):
        parse([{"asset": "btc", "time": "2024-07-01T00:00:00.000000000Z", "HashRate": "1"}])


def test_completion_time_is_the_availability_and_the_lag_stands_in_for_it() -> None:
    frame = ASSET_METRICS.parse(wire.body(TABLE))
    known = frame.select(ASSET_METRICS.knowable_at()).to_series().to_list()
    assert known == [at("2024-07-09 01:00"), at("2024-07-10 08:00")]


def test_a_time_within_a_day_is_not_a_daily_figure() -> None:
    with pytest.raises(Malformed, match="start of a UTC day"):
        parse([{**row("btc", 1), "time": "2024-07-01T12:00:00.000000000Z"}])


def test_a_fraction_of_a_transaction_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse([{**row("btc", 1), "TxCnt": "12.5"}])


def test_the_first_request_carries_what_the_documentation_asks_for() -> None:
    seen: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        seen.append(urlsplit(str(request.url)).query)
        return answer([row("btc", 1)])

    fetched(ASSET_METRICS, provider)
    query = parse_qs(seen[0])
    assert query["frequency"] == ["1d"]
    assert query["page_size"] == ["1000"]
    assert len(query["metrics"][0].split(",")) == 13
