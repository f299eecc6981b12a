"""SoSoValue: plans that end a month back, two error envelopes, pending rows, and sales."""

from __future__ import annotations

import json
from datetime import date, timedelta

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.http import Transport
from sources.providers import sosovalue
from sources.providers.sosovalue import ETF_FLOWS, ETF_TOTALS, TREASURY_PURCHASES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

EACH = pytest.mark.parametrize("dataset", sosovalue.DATASETS, ids=lambda one: one.name)

TOO_FAR_BACK = {
    "code": 400301,
    "message": "Access denied: date range exceeds 30 day limit",
    "data": None,
    "details": {
        "field": "start_date",
        "value": "2024-01-11",
        "constraint": "date range limited to last 30 days for your API key plan",
        "suggestion": "Contact support for full historical data access",
    },
}
MISSING = {"code": 1, "msg": "缺少必须的[String]类型的参数[symbol]", "traceId": None, "data": None, "tid": ""}


def series_of(request: httpx.Request) -> str:
    """The asset or fund that a request is about."""
    return request.url.params.get("symbol") or request.url.path.split("/")[-2]


def session(day: date, ticker: str) -> dict[str, object]:
    return {
        "date": day.isoformat(),
        "ticker": ticker,
        "net_inflow": 1.0,
        "cum_inflow": 2.0,
        "net_assets": 3.0,
        "currency_share": 4.0,
        "prem_dsc": 0.5,
        "value_traded": 6.0,
        "volume": "6",
    }


def envelope(rows: list[dict[str, object]]) -> httpx.Response:
    return httpx.Response(200, json={"code": 0, "message": "success", "data": rows, "details": None})


class FreePlan:
    """A provider that holds every weekday and gives those of the last 30 days."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query, earliest = request.url.params, wire.NOW.date() - timedelta(days=30)
        self.asked.append((series_of(request), query.get("start_date")))
        first = date.fromisoformat(query.get("start_date", earliest.isoformat()))
        last = date.fromisoformat(query.get("end_date", wire.NOW.date().isoformat()))
        if first < earliest:
            return httpx.Response(403, json=TOO_FAR_BACK)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return envelope([session(day, series_of(request)) for day in days[::-1] if day.weekday() < 5])


def test_a_plan_that_ends_a_month_back_gives_its_month() -> None:
    provider = FreePlan()
    bodies, error = fetched(ETF_FLOWS, provider, window=Window(at("2024-01-11"), wire.NOW))
    assert error is None
    assert len(bodies) == len(sosovalue.FUNDS), "what was refused is no answer"
    assert provider.asked[:2] == [("IBIT", "2024-01-11"), ("IBIT", None)]
    assert provider.asked[2:] == [(ticker, None) for ticker in sosovalue.FUNDS[1:]], "one refusal is enough"
    days = ETF_FLOWS.parse(bodies[0])["session_date"]
    assert (days.min(), days.max()) == (date(2024, 6, 10), date(2024, 7, 9)), "today's session is not over"


def test_a_window_within_the_month_is_asked_for_by_its_days() -> None:
    provider = FreePlan()
    bodies, error = fetched(ETF_FLOWS, provider, window=Window(at("2024-07-01"), at("2024-07-06")))
    assert error is None
    assert provider.asked == [(ticker, "2024-07-01") for ticker in sosovalue.FUNDS]
    assert bodies[0].request.param("end_date") == "2024-07-05"
    assert ETF_FLOWS.parse(bodies[0]).height == 5


def test_a_window_before_the_month_is_refused_with_a_remedy() -> None:
    bodies, error = fetched(ETF_FLOWS, FreePlan(), window=Window(at("2024-02-01"), at("2024-03-01")))
    assert bodies == []
    assert isinstance(error, Rejected)
    assert "larger plan" in str(error)


def test_a_larger_plan_is_paged_by_three_hundred_days() -> None:
    asked: list[tuple[str, str]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        first, last = request.url.params["start_date"], request.url.params["end_date"]
        asked.append((first, last))
        assert request.url.params["limit"] == "300"
        span = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
        assert span <= 300, "no more days than an answer may hold"
        days = [date.fromisoformat(first) + timedelta(days=n) for n in range(span)]
        return envelope([session(day, series_of(request)) for day in days[::-1] if day.weekday() < 5])

    window = Window(at("2022-11-01"), wire.NOW)
    bodies, error = fetched(ETF_FLOWS, provider, window=window)
    assert error is None
    mine = bodies[:3]
    assert len(bodies) == 3 * len(sosovalue.FUNDS)
    assert asked[:3] == [("2022-11-01", "2023-08-27"), ("2023-08-28", "2024-06-22"), ("2024-06-23", "2024-07-10")]
    days = sorted(day for body in mine for day in ETF_FLOWS.parse(body)["session_date"])
    weekdays = [date(2022, 11, 1) + timedelta(days=n) for n in range((date(2024, 7, 10) - date(2022, 11, 1)).days)]
    assert days == [day for day in weekdays if day.weekday() < 5], "each session once, none lost between the pages"


def test_a_provider_that_does_not_look_at_dates_is_asked_once() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(series_of(request))
        return httpx.Response(200, content=wire.stored(ETF_TOTALS.table))

    bodies, error = fetched(ETF_TOTALS, provider, window=Window(at("2021-01-01"), wire.NOW))
    assert error is None
    assert asked == ["BTC", "ETH"]
    assert [ETF_TOTALS.parse(body)["asset"].unique().to_list() for body in bodies] == [["btc"], ["eth"]]


def test_an_endpoint_the_plan_does_not_have_at_all_is_rejected() -> None:
    bodies, error = fetched(
        ETF_TOTALS,
        lambda _: httpx.Response(403, json={"code": 400301, "message": "Insufficient permissions"}),
        window=Window(at("2024-01-11"), wire.NOW),
    )
    assert isinstance(error, Rejected)
    assert "Insufficient permissions" in str(error)
    assert [body.status for body in bodies] == [403, 403], "the second refusal is what the provider had to say"
    with pytest.raises(Rejected):
        ETF_TOTALS.parse(bodies[0])


@EACH
def test_a_403_that_is_not_of_the_provider_is_a_block(dataset: Dataset) -> None:
    bodies, error = fetched(dataset, lambda _: httpx.Response(403, text="Forbidden"))
    assert bodies == []
    assert isinstance(error, Blocked)
    assert error.body is not None


def test_one_asset_failing_does_not_cost_the_other() -> None:
    bad_key = {"code": 400101, "message": "API Key is invalid or does not exist."}

    def provider(request: httpx.Request) -> httpx.Response:
        if series_of(request) == "ETH":
            return httpx.Response(401, json=bad_key)
        return httpx.Response(200, content=wire.stored(ETF_TOTALS.table))

    bodies, error = fetched(ETF_TOTALS, provider)
    assert [body.request.param("symbol") for body in bodies] == ["BTC"]
    assert ETF_TOTALS.parse(bodies[0]).height == 3
    assert isinstance(error, Rejected)
    assert "ETH: " in str(error)
    assert "400101" in str(error)


def test_an_unknown_fund_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if series_of(request) == "GBTC":
            return httpx.Response(400, json={"code": 400001, "message": "ETF ticker not found: GBTC", "data": None})
        return httpx.Response(200, content=wire.stored(ETF_FLOWS.table))

    bodies, error = fetched(ETF_FLOWS, provider)
    assert len(bodies) == len(sosovalue.FUNDS) - 1
    assert isinstance(error, Rejected)
    assert "GBTC: " in str(error)
    assert "ticker not found" in str(error)


def test_too_fast_without_a_retry_after_is_tried_again_and_then_ends_the_fetch() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(series_of(request))
        if len(asked) == 1:
            return httpx.Response(200, content=wire.stored(ETF_FLOWS.table))
        return httpx.Response(429, json={"code": 402901, "message": "Too many requests"})

    bodies, error = fetched(ETF_FLOWS, provider)
    assert len(bodies) == 1
    assert isinstance(error, RateLimited)
    assert set(asked[1:]) == {sosovalue.FUNDS[1]}, "the other funds are left for later"


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (MISSING, Rejected, "缺少必须的"),
        (TOO_FAR_BACK, Rejected, "limited to last 30 days"),
        ({"code": 400101, "message": "API Key is invalid"}, Rejected, "SOSOVALUE_API_KEY"),
        ({"code": 400001, "message": "ETF ticker not found: NOTREAL", "data": None}, Rejected, "NOTREAL"),
        ({"code": 402901, "message": "Too many requests"}, RateLimited, "402901"),
        ({"code": 42901, "message": "Rate limit exceeded", "details": {"limit": 20}}, RateLimited, "Rate limit"),
        ({"code": 500001, "message": "Internal server error"}, Unreachable, "500001"),
    ],
)
@EACH
def test_an_error_envelope_is_an_error(
    dataset: Dataset, answer: dict[str, object], kind: type[SourceError], said: str
) -> None:
    body = wire.body(dataset.table, content=json.dumps(answer))
    with pytest.raises(kind, match="answers with error") as caught:
        dataset.parse(body)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert caught.value.body is body


@EACH
def test_an_error_under_http_200_is_handed_on_and_raised(dataset: Dataset) -> None:
    bodies, error = fetched(dataset, lambda _: httpx.Response(200, json=MISSING))
    assert bodies
    assert isinstance(error, Rejected)
    assert error.body is None, "it was handed on already"


@EACH
def test_an_envelope_without_a_code_or_without_a_list_is_malformed(dataset: Dataset) -> None:
    for content in ('{"data":[]}', "[]", '{"code":0,"data":null}', '{"code":0,"message":"success"}'):
        with pytest.raises(Malformed):
            dataset.parse(wire.body(dataset.table, content=content))


@EACH
def test_an_empty_list_is_no_rows(dataset: Dataset) -> None:
    frame = dataset.parse(wire.body(dataset.table, content='{"code":0,"message":"success","data":[],"details":null}'))
    assert dataset.conform(frame).is_empty()


def test_the_key_travels_in_a_header_and_is_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSOVALUE_API_KEY", "wonderful")
    sent: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=wire.stored(TREASURY_PURCHASES.table))

    (body,), error = fetched(TREASURY_PURCHASES, provider)
    assert error is None
    assert sent[0].headers["x-soso-api-key"] == "wonderful"
    assert "wonderful" not in str(sent[0].url)
    assert "wonderful" not in repr(body)


@EACH
def test_without_a_key_nothing_is_asked(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOSOVALUE_API_KEY", raising=False)
    silent = httpx.MockTransport(lambda request: pytest.fail(f"asked {request.url}"))
    with Transport(now=lambda: wire.NOW, transport=silent, paced=False) as line:
        client = line.client(dataset, wire.WINDOW)
        with pytest.raises(Rejected, match="SOSOVALUE_API_KEY"):
            list(dataset.fetch(wire.WINDOW, client))


def test_a_session_no_issuer_has_reported_is_null_and_not_zero() -> None:
    frame = ETF_FLOWS.parse(wire.body(ETF_FLOWS.table))
    assert frame["session_date"].to_list() == [date(2024, 7, 9), date(2024, 7, 8), date(2024, 7, 5)]
    assert frame["net_flow_usd"].to_list() == [None, 150_000_000.0, -12_500_000.5]
    assert frame["value_traded_usd"].to_list() == [900_000_000.0, 1_100_000_000.0, 1_200_000_000.0]
    assert frame["premium_ratio"].to_list() == [None, -0.00025, 0.0005]


def test_a_row_without_a_flow_field_is_malformed_where_a_null_is_not() -> None:
    content = wire.stored(ETF_FLOWS.table).decode().replace('"net_inflow": null, ', "", 1)
    with pytest.raises(Malformed, match="net_inflow is missing"):
        ETF_FLOWS.parse(wire.body(ETF_FLOWS.table, content=content))


def test_totals_are_dollars_and_not_millions() -> None:
    frame = ETF_TOTALS.parse(wire.body(ETF_TOTALS.table))
    assert frame["net_flow_usd"].to_list() == [None, 250_000_000.25, -125_000_000.75]
    assert set(frame["asset"]) == {"btc"}


def test_sales_are_negative_and_an_undisclosed_cost_is_null() -> None:
    frame = TREASURY_PURCHASES.parse(wire.body(TREASURY_PURCHASES.table))
    assert frame["net_purchase_btc"].to_list() == [-125.0, 250.0, 11.0]
    assert frame["net_cost_usd"].to_list() == [-7_125_000.0, 15_500_000.5, None]
    assert frame["holdings_btc"].to_list() == [220_125.0, 220_251.0, 220_001.0], "as told, a coin off or not"
    assert TREASURY_PURCHASES.novelties(frame) == (), "avg_btc_cost is known and left out"
