"""The simulated providers that want a key: their errors, limits and pending rows, as the real ones have them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from sources.simulator.market import END_OF_MARKET
from sources.simulator.state import LIMIT, ORIGIN
from tests.unit.simulator.simulated import client

COINGLASS = "https://open-api-v4.coinglass.com/api"
SOSOVALUE = "https://openapi.sosovalue.com/openapi/v1"
LIQUIDATIONS = f"{COINGLASS}/futures/liquidation/aggregated-history"
OPEN_INTEREST = f"{COINGLASS}/futures/open-interest/aggregated-history"
DAY_MS = 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp() * 1000)


def ask(url: str, *, now: datetime = END_OF_MARKET, **params: str | int) -> httpx.Response:
    return client(now).get(url, params=params)


def coinglass(url: str, *, now: datetime = END_OF_MARKET, **params: str | int) -> list[dict[str, object]]:
    answer = ask(url, now=now, symbol="BTC", interval="1d", exchange_list="Binance,OKX,Bybit", **params)
    envelope = answer.json()
    assert (answer.status_code, envelope["code"], envelope["msg"]) == (200, "0", "success")
    rows: list[dict[str, object]] = envelope["data"]
    return rows


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/futures/liquidation/aggregated-history", {"symbol": "BTC", "interval": "1d"}, "400"),
        ("/futures/open-interest/aggregated-history", {"interval": "1d"}, "400"),
        ("/futures/open-interest/aggregated-history", {"symbol": "BTC"}, "400"),
        ("/futures/open-interest/aggregated-history", {"symbol": "BTC", "interval": "1d", "limit": "many"}, "400"),
        ("/futures/open-interest/history-of-nothing", {"symbol": "BTC"}, "404"),
    ],
)
def test_coinglass_says_its_errors_under_http_200(path: str, params: dict[str, str], code: str) -> None:
    answer = client().get(f"{COINGLASS}{path}", params=params)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert "data" not in answer.json()


def test_coinglass_pages_oldest_first_and_ends_with_the_open_day() -> None:
    whole = coinglass(LIQUIDATIONS)
    assert len(whole) == 1000, "no more rows than an answer may hold"
    times = [row["time"] for row in whole]
    assert times == [ms("2021-01-01") + n * DAY_MS for n in range(1000)]
    rest = coinglass(LIQUIDATIONS, start_time=ms("2025-12-01"))
    assert [row["time"] for row in rest] == [ms("2025-12-01") + n * DAY_MS for n in range(6)]
    later = coinglass(LIQUIDATIONS, start_time=ms("2025-12-06"), now=END_OF_MARKET + timedelta(hours=9))
    assert later[0]["time"] == rest[-1]["time"]
    assert later[0] != rest[-1], "the day goes on"


def test_coinglass_knows_nothing_of_the_coins_that_the_market_does_not_have() -> None:
    for symbol in ("SOL", "NOTACOIN"):
        answer = ask(OPEN_INTEREST, symbol=symbol, interval="1d").json()
        assert answer == {"code": "0", "msg": "success", "data": []}


def test_coinglass_writes_open_interest_as_text_and_liquidations_as_numbers() -> None:
    row = coinglass(OPEN_INTEREST, start_time=ms("2025-10-10"), end_time=ms("2025-10-10"))[0]
    low, high = (float(str(row[name])) for name in ("low", "high"))
    assert all(isinstance(row[name], str) for name in ("open", "high", "low", "close"))
    assert low < 0.8 * high, "the crash of October 2025 closed positions"
    liquidation = coinglass(LIQUIDATIONS, start_time=ms("2025-10-10"), end_time=ms("2025-10-10"))[0]
    assert isinstance(liquidation["aggregated_long_liquidation_usd"], float)


def test_coinglass_has_a_row_of_zero_on_a_weekend_and_funds_without_a_flow_before_they_report() -> None:
    days = {row["timestamp"]: row for row in ask(f"{COINGLASS}/etf/bitcoin/flow-history").json()["data"]}
    saturday = days[ms("2025-11-29")]
    assert (saturday["flow_usd"], saturday["etf_flows"]) == (0, [])
    pending = days[ms("2025-12-05")]["etf_flows"]
    assert {"etf_ticker": "IBIT"} in pending
    reported = days[ms("2025-12-04")]
    assert reported["flow_usd"] == sum(fund["flow_usd"] for fund in reported["etf_flows"])


def test_sosovalue_refuses_what_a_free_plan_does_not_have() -> None:
    answer = ask(f"{SOSOVALUE}/etfs/IBIT/history", start_date="2025-11-01")
    assert answer.status_code == 403
    assert answer.json()["code"] == 400301
    assert set(answer.json()["details"]) == {"field", "value", "constraint", "suggestion"}


def test_sosovalue_has_two_envelopes_for_errors() -> None:
    missing = ask(f"{SOSOVALUE}/etfs/summary-history", country_code="US")
    assert (missing.status_code, missing.json()["code"], set(missing.json())) == (
        200,
        1,
        {"code", "msg", "traceId", "data", "tid"},
    )
    for path in ("/etfs/NOTREAL/history", "/btc-treasuries/NOTREAL/purchase-history"):
        unknown = ask(f"{SOSOVALUE}{path}")
        assert (unknown.status_code, unknown.json()["code"]) == (400, 400001)
        assert "NOTREAL" in unknown.json()["message"]


def test_sosovalue_gives_a_month_newest_first_with_a_pending_session_on_top() -> None:
    rows = ask(f"{SOSOVALUE}/etfs/IBIT/history").json()["data"]
    days = [row["date"] for row in rows]
    assert days == sorted(days, reverse=True)
    assert days[0] == "2025-12-05"
    assert days[-1] >= "2025-11-06"
    assert rows[0]["net_inflow"] is None
    assert rows[0]["value_traded"] > 0
    assert all(row["net_inflow"] is not None for row in rows[1:])
    assert [row["date"] for row in ask(f"{SOSOVALUE}/etfs/IBIT/history", limit=2).json()["data"]] == days[:2]
    totals = ask(f"{SOSOVALUE}/etfs/summary-history", symbol="BTC", country_code="US").json()["data"]
    assert totals[0]["date"] == "2025-12-04", "a total is told when all have reported"


def test_sosovalue_totals_are_the_sum_of_the_funds() -> None:
    flows = [
        row["net_inflow"]
        for ticker in ("IBIT", "FBTC", "GBTC", "BTC", "ARKB", "BITB", "HODL", "BRRR", "BTCO", "EZBC", "BTCW")
        for row in ask(f"{SOSOVALUE}/etfs/{ticker}/history").json()["data"]
        if row["date"] == "2025-12-04"
    ]
    totals = ask(f"{SOSOVALUE}/etfs/summary-history", symbol="BTC", country_code="US").json()["data"]
    assert len(flows) == 11
    assert totals[0]["total_net_inflow"] == pytest.approx(sum(flows))


def test_a_company_reports_on_mondays_what_it_bought_and_sold() -> None:
    rows = ask(f"{SOSOVALUE}/btc-treasuries/MSTR/purchase-history").json()["data"]
    assert {datetime.fromisoformat(row["date"]).weekday() for row in rows} == {0}
    bought = [int(row["btc_acq"]) for row in rows]
    assert min(bought) < 0 < max(bought)
    for later, earlier in pairwise(rows):
        assert int(later["btc_holding"]) - int(earlier["btc_holding"]) == int(later["btc_acq"])
    early = client(datetime.fromisoformat("2025-12-01T12:00:00+00:00"))
    told = early.get(f"{SOSOVALUE}/btc-treasuries/MSTR/purchase-history").json()["data"]
    assert told[0]["date"] == "2025-11-24", "the report of the day is not out yet"


PATHS = (
    f"{LIQUIDATIONS}?symbol=BTC&interval=1d&exchange_list=Binance",
    f"{OPEN_INTEREST}?symbol=ETH&interval=1d",
    f"{COINGLASS}/futures/funding-rate/oi-weight-history?symbol=BTC&interval=1d",
    f"{COINGLASS}/futures/global-long-short-account-ratio/history?symbol=BTCUSDT&interval=1d&exchange=Binance",
    f"{COINGLASS}/futures/orderbook/aggregated-ask-bids-history?symbol=BTC&interval=1d&exchange_list=Binance&range=1",
    f"{COINGLASS}/futures/aggregated-taker-buy-sell-volume/history?symbol=BTC&interval=1d&exchange_list=Binance",
    f"{COINGLASS}/spot/price/history?symbol=BTCUSDT&interval=1d&exchange=Binance",
    f"{COINGLASS}/etf/bitcoin/flow-history",
    f"{SOSOVALUE}/etfs/summary-history?symbol=ETH&country_code=US",
    f"{SOSOVALUE}/etfs/GBTC/history",
    f"{SOSOVALUE}/btc-treasuries/MSTR/purchase-history",
)


@pytest.mark.parametrize("url", PATHS)
def test_the_first_instant_has_no_rows_and_the_last_has(url: str) -> None:
    assert client(ORIGIN).get(url).json()["data"] == []
    assert client(LIMIT).get(url).json()["data"]


@pytest.mark.parametrize("url", PATHS)
def test_what_is_told_of_a_day_does_not_depend_on_the_clock(url: str) -> None:
    last = f"&end_time={ms('2025-11-30')}" if "interval=1d" in url else ""
    start = f"&start_time={ms('2025-11-10')}" if last else ""
    told = [
        {str(row.get("date", row.get("time", row.get("timestamp")))): row for row in answer.json()["data"]}
        for now in (END_OF_MARKET, END_OF_MARKET + timedelta(days=6, hours=7))
        if (answer := client(now).get(f"{url}{start}{last}"))
    ]
    # The newest sessions may have been pending.
    both = sorted(set(told[0]) & set(told[1]))[:-1]
    assert len(both) > 10
    assert [told[0][day] for day in both] == [told[1][day] for day in both]
