"""Coin Metrics: paging, unsupported metrics, errors."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, NotRecorded, Rejected, Unreachable
from sources.http import NotHeld
from sources.providers.coinmetrics import (
    ASSET_METRICS,
    BREADTH_PRICES,
    FEWEST_ASSETS,
    FOLLOWERS,
    UNCATALOGUED_ASSETS,
)
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


COINS = [f"coin{number:02d}" for number in range(FEWEST_ASSETS)]


def listed(asset: str, **changes: object) -> dict[str, Any]:
    frequency = {"frequency": "1d", "min_time": "2017-01-01T00:00:00.000000000Z", "community": True, **changes}
    metrics = [{"metric": metric, "frequencies": [frequency]} for metric in ("PriceUSD", "CapMrktCurUSD")]
    return {"asset": asset, "metrics": metrics}


class Vendor:
    """Plays the vendor: a catalogue, and one day of every asset."""

    def __init__(self, *catalogue: dict[str, Any]) -> None:
        self.catalogue = list(catalogue)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v4/catalog-v2/asset-metrics":
            assert request.url.params["metrics"] == "PriceUSD,CapMrktCurUSD"
            return answer(self.catalogue)
        self.asked.append(request.url.params["assets"])
        assert request.url.params["metrics"] == "PriceUSD,CapMrktCurUSD"
        return answer([{**row(request.url.params["assets"], 1), "CapMrktCurUSD": "2.5"}])


def test_breadth_is_asked_of_every_asset_of_the_catalogue() -> None:
    vendor = Vendor(*map(listed, COINS))
    bodies, error = fetched(BREADTH_PRICES, vendor)
    assert error is None
    assert vendor.asked == COINS
    rows = [row for body in bodies for row in BREADTH_PRICES.conform(BREADTH_PRICES.parse(body)).rows()]
    assert rows == [(asset, date(2024, 7, 1), 1.5, 2.5) for asset in COINS]


def test_coins_that_follow_another_and_second_chains_are_not_breadth() -> None:
    others = ("usdt", "usdt_trx", "wbtc", "coin00_eth", "matic_eth", "matic_base")
    vendor = Vendor(*map(listed, (*COINS, *others)))
    _, error = fetched(BREADTH_PRICES, vendor)
    assert error is None
    # A coin that is only there on other chains is asked for on one of them.
    assert vendor.asked == [*COINS, "matic_base"]
    assert {"usdt", "usdc", "dai", "wbtc", "steth"} <= FOLLOWERS
    assert not {"btc", "eth", "xrp", "sol"} & FOLLOWERS


def test_assets_without_both_figures_by_day_for_everybody_are_not_asked_for() -> None:
    half = {"asset": "half", "metrics": listed("half")["metrics"][:1]}
    odd = (listed("paid", community=False), listed("hourly", frequency="1h"), half, {"asset": "bare", "metrics": []})
    vendor = Vendor(*map(listed, COINS), *odd)
    _, error = fetched(BREADTH_PRICES, vendor)
    assert error is None
    assert vendor.asked == COINS


def test_a_catalogue_that_does_not_speak_of_the_community_is_taken_at_its_word() -> None:
    silent = json.loads(json.dumps([listed(asset) for asset in COINS]).replace(', "community": true', ""))
    vendor = Vendor(*silent)
    _, error = fetched(BREADTH_PRICES, vendor)
    assert error is None
    assert vendor.asked == COINS


def test_the_catalogue_is_read_to_its_last_page() -> None:
    vendor = Vendor()

    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/timeseries/asset-metrics"):
            return vendor(request)
        if "next_page_token" in request.url.params:
            return answer(list(map(listed, COINS[10:])))
        return answer(list(map(listed, COINS[:10])), f"{request.url}&next_page_token=x")

    _, error = fetched(BREADTH_PRICES, provider)
    assert error is None
    assert vendor.asked == COINS


def test_a_catalogue_of_too_few_assets_is_an_error_that_names_them() -> None:
    vendor = Vendor(*map(listed, COINS[1:]))
    bodies, error = fetched(BREADTH_PRICES, vendor)
    assert (bodies, vendor.asked) == ([], [])
    assert isinstance(error, Rejected)
    assert f"lists {FEWEST_ASSETS - 1} assets" in str(error)
    assert "coin01" in str(error)
    assert error.body is not None


@pytest.mark.parametrize("catalogue", [{"asset": "btc"}, {"asset": "btc", "metrics": [{"metric": "PriceUSD"}]}])
def test_a_catalogue_of_another_shape_is_malformed(catalogue: dict[str, Any]) -> None:
    _, error = fetched(BREADTH_PRICES, Vendor(catalogue))
    assert isinstance(error, Malformed)


def test_without_a_recorded_catalogue_the_large_assets_are_asked_for_and_named() -> None:
    def recording(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("assets") in ("btc", "eth"):
            return answer([row(request.url.params["assets"], 1)])
        raise NotHeld(f"no response for {request.url.path}")

    bodies, error = fetched(BREADTH_PRICES, recording)
    assert [body.request.param("assets") for body in bodies] == ["btc", "eth"]
    assert isinstance(error, NotRecorded)
    assert all(f"{asset}: " in str(error) for asset in UNCATALOGUED_ASSETS[2:])


def test_one_coin_failing_does_not_cost_the_others() -> None:
    vendor = Vendor(*map(listed, COINS))

    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("assets") == COINS[3]:
            return httpx.Response(400, json={"error": {"type": "bad_parameter", "message": "no such asset"}})
        return vendor(request)

    bodies, error = fetched(BREADTH_PRICES, provider)
    assert len(bodies) == len(COINS) - 1
    assert isinstance(error, Rejected)
    assert f"{COINS[3]}: " in str(error)


def test_breadth_has_no_use_for_other_metrics_and_they_are_no_news() -> None:
    content = json.dumps({"data": [{**row("btc", 1), "CapMVRVCur": "1.5", "TxCnt": "7"}]})
    frame = BREADTH_PRICES.parse(wire.body(BREADTH_PRICES.table, content=content))
    assert BREADTH_PRICES.novelties(frame) == ()
    assert BREADTH_PRICES.conform(frame).rows() == [("btc", date(2024, 7, 1), 1.5, None)]
