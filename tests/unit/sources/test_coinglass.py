"""CoinGlass: windows of a thousand days, errors under HTTP 200, open days, fillers, and flows by fund."""

from __future__ import annotations

import json
from datetime import date, timedelta

import httpx
import polars as pl
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.http import Transport
from sources.providers import coinglass
from sources.providers.coinglass import ETF_FLOWS, FUNDING_RATES, LIQUIDATIONS, ORDER_BOOK, SPOT_PRICES, TAKER_VOLUMES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

DAY_MS = 86_400_000
EACH_OF_COINS = pytest.mark.parametrize(
    "dataset", [one for one in coinglass.DATASETS if one is not ETF_FLOWS], ids=lambda one: one.name
)


def ms(text: str) -> int:
    return int(at(text).timestamp() * 1000)


def envelope(rows: list[dict[str, object]]) -> httpx.Response:
    return httpx.Response(200, json={"code": "0", "msg": "success", "data": rows})


def liquidations(moment_ms: int) -> dict[str, object]:
    return {"time": moment_ms, "aggregated_long_liquidation_usd": 1.5, "aggregated_short_liquidation_usd": 2.5}


def test_windows_of_a_thousand_days_lose_nothing_and_give_nothing_twice() -> None:
    history = [ms("2018-01-01") + n * DAY_MS for n in range(2382)]
    asked: list[tuple[str, int, int]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        first, last = int(query["start_time"]), int(query["end_time"])
        asked.append((query["symbol"], first, last))
        assert last - first < 1000 * DAY_MS, "a window holds no more days than an answer may"
        return envelope([liquidations(moment) for moment in history if first <= moment <= last][:1000])

    window = Window(at("2018-01-01"), wire.NOW)
    bodies, error = fetched(LIQUIDATIONS, provider, window=window)
    assert error is None
    assert [symbol for symbol, *_ in asked] == [coin for coin in coinglass.COINS for _ in range(3)]
    days = [day for body in bodies[:3] for day in LIQUIDATIONS.parse(body)["day"]]
    assert days == [date(2018, 1, 1) + timedelta(days=n) for n in range((date(2024, 7, 10) - date(2018, 1, 1)).days)]


def test_a_window_before_the_history_is_empty_and_the_next_one_is_asked_for() -> None:
    begin = ms("2023-01-01")

    def provider(request: httpx.Request) -> httpx.Response:
        first, last = (int(request.url.params[name]) for name in ("start_time", "end_time"))
        return envelope([liquidations(begin)] if first <= begin <= last else [])

    bodies, error = fetched(LIQUIDATIONS, provider, window=Window(at("2019-01-01"), wire.NOW))
    assert error is None
    assert [LIQUIDATIONS.parse(body).height for body in bodies[:3]] == [0, 1, 0]
    assert LIQUIDATIONS.conform(LIQUIDATIONS.parse(bodies[0])).is_empty()


def test_a_provider_that_does_not_look_at_the_window_is_not_asked_for_ever() -> None:
    rows = [liquidations(ms("2023-01-01") + n * DAY_MS) for n in range(100)]
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return envelope(rows)

    _, error = fetched(LIQUIDATIONS, provider, window=Window(at("2017-01-01"), wire.NOW))
    assert error is None
    assert len(asked) == 2 * len(coinglass.COINS), "the same page again says that there is no more"


@EACH_OF_COINS
def test_what_is_asked(dataset: Dataset) -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=wire.stored(dataset.table))

    bodies, error = fetched(dataset, provider)
    assert error is None
    assert len(asked) == len(coinglass.COINS)
    stored = {name: value for name, value in wire.exchange(dataset.table).request.params if name != "symbol"}
    for request, body in zip(asked, bodies, strict=True):
        assert stored.items() <= dict(request.url.params).items()
        assert (int(request.url.params["start_time"]), int(request.url.params["end_time"])) == (
            ms("2024-07-01"),
            ms("2024-07-10 12:00") - 1,
        )
        frame = dataset.parse(body)
        assert frame["day"].to_list() == [date(2024, 7, 8), date(2024, 7, 9)], "the day under way is no figure yet"
        told = frame["asset"].str.to_uppercase() if "asset" in frame.columns else frame["symbol"]
        assert set(told) == {body.request.param("symbol")}


def test_the_key_travels_in_a_header_and_is_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGLASS_API_KEY", "wonderful")
    sent: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, content=wire.stored(ETF_FLOWS.table))

    (body,), error = fetched(ETF_FLOWS, provider)
    assert error is None
    assert sent[0].headers["CG-API-KEY"] == "wonderful"
    assert "wonderful" not in str(sent[0].url)
    assert "wonderful" not in repr(body)


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COINGLASS_API_KEY", raising=False)
    silent = httpx.MockTransport(lambda request: pytest.fail(f"asked {request.url}"))
    with Transport(now=lambda: wire.NOW, transport=silent, paced=False) as line:
        client = line.client(LIQUIDATIONS, wire.WINDOW)
        with pytest.raises(Rejected, match="COINGLASS_API_KEY"):
            list(LIQUIDATIONS.fetch(wire.WINDOW, client))


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("400", "Required String parameter 'exchange_list' is not present", Rejected),
        ("401", "API key missing.", Rejected),
        ("401", "Upgrade plan", Rejected),
        ("403", "Forbidden", Blocked),
        ("404", "Not Found", Rejected),
        ("422", "The interval is not available for your current plan.", Rejected),
        ("429", "Too Many Requests", RateLimited),
        ("500", "Server Error", Unreachable),
        (50001, "something new", Rejected),
    ],
)
def test_an_error_under_http_200_is_an_error(code: object, message: str, kind: type[SourceError]) -> None:
    content = json.dumps({"code": code, "msg": message})
    bodies, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, text=content))
    assert type(error) is kind
    assert message in str(error)
    assert bodies, "what the provider said is handed on before it is judged"
    for dataset in coinglass.DATASETS:
        with pytest.raises(kind) as caught:
            dataset.parse(wire.body(dataset.table, content=content))
        assert type(caught.value) is kind
        assert caught.value.body is not None


def test_a_plan_without_the_endpoint_is_told_as_such() -> None:
    body = wire.body(ORDER_BOOK.table, content='{"code":"401","msg":"Upgrade plan"}')
    with pytest.raises(Rejected, match="its plan includes this endpoint"):
        ORDER_BOOK.parse(body)


def test_too_many_requests_ends_the_fetch() -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"code": "429", "msg": "Too Many Requests"})

    _, error = fetched(LIQUIDATIONS, provider)
    assert isinstance(error, RateLimited)
    assert len(asked) == 1, "asking for the other coins would only make it worse"


@pytest.mark.parametrize(("status", "kind"), [(401, Rejected), (403, Blocked), (429, RateLimited), (502, Unreachable)])
def test_a_status_is_an_error_as_well(status: int, kind: type[SourceError]) -> None:
    bodies, error = fetched(ETF_FLOWS, lambda _: httpx.Response(status, json={"code": str(status), "msg": "no"}))
    assert bodies == []
    assert type(error) is kind


def test_one_coin_failing_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["symbol"] == "BTC":
            return httpx.Response(200, json={"code": "400", "msg": "symbol is not supported"})
        return httpx.Response(200, content=wire.stored(LIQUIDATIONS.table))

    bodies, error = fetched(LIQUIDATIONS, provider)
    assert len(bodies) == len(coinglass.COINS)
    assert isinstance(error, Rejected)
    assert "BTC: " in str(error)
    assert error.body is None, "it was handed on already"
    assert sum(LIQUIDATIONS.parse(body).height for body in bodies[1:]) == 2 * 6


def test_an_envelope_without_a_code_or_without_a_list_is_malformed() -> None:
    for content in ('{"data":[]}', "[]", '{"code":"0"}', '{"code":"0","data":null}', '{"code":"0","data":{}}'):
        with pytest.raises(Malformed):
            LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, content=content))


def test_fillers_before_the_first_value_stay_what_the_provider_says() -> None:
    rows = [
        {"time": ms("2020-12-21"), "aggregated_long_liquidation_usd": 0, "aggregated_short_liquidation_usd": 0},
        {"time": ms("2020-12-22"), "aggregated_long_liquidation_usd": None, "aggregated_short_liquidation_usd": None},
        liquidations(ms("2020-12-23")),
    ]
    frame = LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, content=json.dumps({"code": "0", "data": rows})))
    assert frame["long_liquidations_usd"].to_list() == [0.0, None, 1.5]


@pytest.mark.parametrize("moment", [ms("2024-07-08 08:00"), ms("2024-07-08") // 1000, ms("2024-07-08") * 1000])
def test_a_row_that_does_not_begin_with_a_day_is_malformed(moment: int) -> None:
    content = json.dumps({"code": "0", "data": [liquidations(moment)]})
    with pytest.raises(Malformed):
        LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, content=content))
    _, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, text=content))
    assert isinstance(error, Malformed)


def test_funding_stays_per_cent() -> None:
    first = FUNDING_RATES.parse(wire.body(FUNDING_RATES.table)).row(0, named=True)
    assert (first["funding_rate_pct"], first["funding_rate_low_pct"]) == (0.00925, -0.005125)


def test_taker_volumes_under_the_name_without_a_unit() -> None:
    usual = TAKER_VOLUMES.parse(wire.body(TAKER_VOLUMES.table))
    shorter = wire.stored(TAKER_VOLUMES.table).decode().replace("_volume_usd", "_volume")
    told = TAKER_VOLUMES.parse(wire.body(TAKER_VOLUMES.table, content=shorter))
    assert told.equals(usual)
    assert wire.exchange(TAKER_VOLUMES.table).request.param("unit") == "usd", "which is what makes them dollars"


def test_an_order_book_says_how_far_it_reaches() -> None:
    frame = ORDER_BOOK.parse(wire.body(ORDER_BOOK.table))
    assert frame["range_pct"].to_list() == [1.0, 1.0]
    assert frame["bid_depth_usd"][0] == 12_500_000.25


def test_numbers_may_be_text() -> None:
    candle = SPOT_PRICES.parse(wire.body(SPOT_PRICES.table)).row(0, named=True)
    assert (candle["open_price"], candle["high_price"], candle["volume_usd"]) == (55_800.25, 58_200.0, 2_100_000_000.5)


def test_etf_flows_by_fund_and_together() -> None:
    frame = ETF_FLOWS.parse(wire.body(ETF_FLOWS.table))
    told = {(row["day"], row["ticker"]): row["net_flow_usd"] for row in frame.to_dicts()}
    monday = date(2024, 7, 8)
    assert told == {
        (monday, "all"): 250_000_000.0,
        (monday, "IBIT"): 262_500_000.5,
        (monday, "GBTC"): -12_500_000.5,
        (monday, "BTCW"): None,
        (date(2024, 7, 9), "all"): 0.0,
    }, "a fund that lacks its flow is null, not what the day sums up to"
    assert frame.filter(pl.col("day") == monday)["price_usd"].unique().to_list() == [56_700.5]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"etf_flows":[]', '"etf_flows":null'), ('{"etf_ticker":"BTCW"}', '"BTCW"'), ('"flow_usd":0,', "")],
)
def test_a_day_of_another_shape_is_malformed(old: str, new: str) -> None:
    content = wire.stored(ETF_FLOWS.table).decode()
    assert old in content
    with pytest.raises(Malformed):
        ETF_FLOWS.parse(wire.body(ETF_FLOWS.table, content=content.replace(old, new)))


def test_a_new_field_of_a_fund_is_reported() -> None:
    content = wire.stored(ETF_FLOWS.table).decode().replace('"etf_ticker":"IBIT"', '"etf_ticker":"IBIT","issuer":"x"')
    assert ETF_FLOWS.novelties(ETF_FLOWS.parse(wire.body(ETF_FLOWS.table, content=content))) == ("issuer",)
