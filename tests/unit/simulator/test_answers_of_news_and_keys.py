"""Simulated providers with keys, of attention and of treasuries: documented errors, and one coherent market."""

from __future__ import annotations

from datetime import date, datetime, timezone
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from sources.dataset import Window
from sources.market import open_market
from sources.providers.fred_api import OBSERVATIONS, SERIES
from sources.simulator import market
from sources.simulator.state import ORIGIN, day_index
from tests.unit.simulator.simulated import FRED, client

pytestmark = pytest.mark.unit

ALFRED = "https://api.stlouisfed.org/fred/series/observations?file_type=json"
COINALYZE = "https://api.coinalyze.net/v1"
GDELT = "https://api.gdeltproject.org/api/v2/doc/doc?format=json"
GLASSNODE = "https://api.glassnode.com/v1/metrics"
PAGEVIEWS = "https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user"

EVERYTHING = "realtime_start=2020-12-31&realtime_end=9999-12-31"


def vintages(series_id: str, period: str = EVERYTHING) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = client().get(f"{ALFRED}&series_id={series_id}&{period}").json()["observations"]
    return rows


@pytest.mark.parametrize("series_id", ["STLFSI4", "DTWEXBGS"])
def test_the_newest_vintages_are_what_the_graph_shows(series_id: str) -> None:
    newest = {row["date"]: row["value"] for row in vintages(series_id)}
    shown = dict(line.split(",") for line in client().get(f"{FRED}?id={series_id}").text.splitlines()[1:])
    assert len(newest) > 200
    assert newest == shown


@pytest.mark.parametrize("series_id", ["NFCI", "M2SL"])
def test_a_first_print_is_replaced(series_id: str) -> None:
    rows = vintages(series_id)
    by_day: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_day.setdefault(row["date"], []).append(row)
    replaced = [prints for prints in by_day.values() if len(prints) > 1]
    assert len(replaced) > 20
    for first, second in replaced:
        assert first["realtime_end"] < second["realtime_start"] <= "2025-12-05"
        assert second["realtime_end"] == "9999-12-31"
        assert first["value"] != second["value"]


def test_a_figure_on_show_when_the_period_begins_bears_its_first_day() -> None:
    rows = vintages("STLFSI4", "realtime_start=2025-10-01&realtime_end=2025-10-31")
    starts = {row["realtime_start"] for row in rows}
    assert min(starts) == "2025-10-01"
    assert sum(row["realtime_start"] == "2025-10-01" for row in rows) > 200
    assert max(row["realtime_end"] for row in rows) == "2025-10-31"


def test_two_windows_of_publication_give_what_one_gives() -> None:
    edges = [datetime(2024, 3, 1, tzinfo=timezone.utc), datetime(2025, 6, 4, tzinfo=timezone.utc), market.END_OF_MARKET]

    def landed(start: datetime, end: datetime) -> pl.DataFrame:
        window = Window(start, end)
        with open_market("simulated").connect() as transport:
            bodies = OBSERVATIONS.fetch(window, transport.client(OBSERVATIONS, window))
            return pl.concat([OBSERVATIONS.conform(OBSERVATIONS.parse(body)) for body in bodies])

    whole = landed(edges[0], edges[-1])
    parts = pl.concat([landed(*pair) for pair in pairwise(edges)])
    assert set(whole["series_id"]) == set(SERIES)
    assert whole["published_on"].min() >= date(2024, 3, 1)  # type: ignore[operator]
    assert parts.sort(parts.columns).equals(whole.sort(whole.columns))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("series_id=NOSUCH", "The series does not exist."),
        ("series_id=NFCI&realtime_start=yesterday", "is not a YYYY-MM-DD formatted date"),
        ("series_id=NFCI&realtime_start=2019-01-01&realtime_end=2019-12-31", "does not exist in ALFRED"),
        ("series_id=VIXCLS&limit=0", "limit"),
        ("series_id=NFCI&realtime_start=2025-12-06", "after today"),
    ],
)
def test_fred_errors_are_documents_with_status_400(query: str, message: str) -> None:
    answer = client().get(f"{ALFRED}&{query}")
    assert answer.status_code == 400
    assert answer.json()["error_code"] == 400
    assert message in answer.json()["error_message"]


def test_fred_pages() -> None:
    first = client().get(f"{ALFRED}&series_id=DTWEXBGS&{EVERYTHING}&limit=1000").json()
    second = client().get(f"{ALFRED}&series_id=DTWEXBGS&{EVERYTHING}&limit=1000&offset=1000").json()
    assert first["count"] == second["count"] == 1000 + len(second["observations"])
    assert first["observations"][-1]["date"] < second["observations"][0]["date"]


def test_coinalyze_knows_what_the_exchange_knows() -> None:
    day = date(2025, 10, 10)
    stamp = int(datetime(2025, 10, 10, tzinfo=timezone.utc).timestamp())
    asked = f"symbols=BTCUSDT_PERP.A,NOSUCH.A&interval=daily&from={stamp}&to={stamp}"
    (told,) = client().get(f"{COINALYZE}/open-interest-history?{asked}").json()
    perpetual = market.load().perpetuals["BTCUSDT"]
    last_hour = (day_index(day) + 1) * 24 - 1
    assert told["history"][0]["c"] == pytest.approx(perpetual.open_interest_coin[last_hour])
    (in_usd,) = client().get(f"{COINALYZE}/open-interest-history?{asked}&convert_to_usd=true").json()
    assert in_usd["history"][0]["c"] == pytest.approx(
        perpetual.open_interest_coin[last_hour] * perpetual.close[last_hour]
    )
    symbols = "BTCUSDT_PERP.A,BTCUSD_PERP.A,BTCUSDT.6,BTCUSDT_PERP.3"
    asked = f"symbols={symbols}&interval=daily&from={stamp}&to={stamp}&convert_to_usd=true"
    markets = client().get(f"{COINALYZE}/liquidation-history?{asked}").json()
    of_day = slice(day_index(day) * 24, (day_index(day) + 1) * 24)
    assert sum(one["history"][0]["l"] for one in markets) == pytest.approx(
        perpetual.long_liquidations_usd[of_day].sum()
    )


def test_the_bar_of_today_is_open() -> None:
    now = datetime(2025, 10, 10, 20, tzinfo=timezone.utc)
    stamp = int(datetime(2025, 10, 10, tzinfo=timezone.utc).timestamp())
    asked = f"symbols=BTCUSDT_PERP.A&interval=daily&from={stamp}&to={stamp + 86_399}&convert_to_usd=true"
    (early,) = client(now).get(f"{COINALYZE}/liquidation-history?{asked}").json()
    (late,) = client().get(f"{COINALYZE}/liquidation-history?{asked}").json()
    assert 0 < early["history"][0]["l"] < late["history"][0]["l"]


@pytest.mark.parametrize(
    "query", ["symbols=BTCUSDT.6&interval=1hour&from=1&to=2", "symbols=BTCUSDT.6&interval=daily", "interval=daily"]
)
def test_coinalyze_refuses_what_it_does_not_understand(query: str) -> None:
    answer = client().get(f"{COINALYZE}/liquidation-history?{query}")
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_long_and_short_term_holders_hold_everything() -> None:
    lth, sth = (client().get(f"{GLASSNODE}/supply/{name}?a=BTC&i=24h").json() for name in ("lth_sum", "sth_sum"))
    supply = market.load().on_chain["btc"].supply
    assert len(lth) == len(sth) == day_index(date(2025, 12, 5)), "the last day is computed two hours after it"
    both = [a["v"] + b["v"] for a, b in zip(lth, sth, strict=True)]
    np.testing.assert_allclose(both, supply[: len(both)])
    assert lth[0]["t"] == int(ORIGIN.timestamp())


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("query=of&mode=timelinevolraw", "too short"),
        ("query=bitcoin OR ether&mode=timelinevolraw", "surrounded by ()"),
        ("query=bitcoin&mode=chart", "Invalid mode"),
        ("query=bitcoin&mode=timelinetone&startdatetime=today", "date"),
    ],
)
def test_gdelt_errors_are_sentences_with_status_200(query: str, sentence: str) -> None:
    answer = client().get(f"{GDELT}&{query}")
    assert answer.status_code == 200
    assert sentence in answer.text
    assert not answer.text.startswith("{")


def test_gdelt_goes_by_hours_over_a_week_and_by_days_beyond() -> None:
    query = f"{GDELT}&query=bitcoin&mode=timelinevolraw&startdatetime=20251101000000"
    week = client().get(f"{query}&enddatetime=20251107235959").json()
    more = client().get(f"{query}&enddatetime=20251108235959").json()
    assert (week["query_details"]["date_resolution"], len(week["timeline"][0]["data"])) == ("hour", 7 * 24)
    assert (more["query_details"]["date_resolution"], len(more["timeline"][0]["data"])) == ("day", 8)
    assert client().get(f"{query.replace('bitcoin', 'tulips')}&enddatetime=20251108235959").json() == {}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Tulips/daily/20251101/20251130", 404),
        ("Bitcoin/daily/20190101/20190131", 404),
        ("Bitcoin/daily/20251130/20251101", 400),
        ("Bitcoin/daily/20251301/20251302", 400),
        ("Bitcoin/hourly/20251101/20251130", 404),
    ],
)
def test_wikimedia_answers_with_a_problem(path: str, status: int) -> None:
    answer = client().get(f"{PAGEVIEWS}/{path}")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_people_look_in_when_the_price_falls() -> None:
    items = client().get(f"{PAGEVIEWS}/Bitcoin/daily/20250101/20251130").json()["items"]
    views = {item["timestamp"][:8]: item["views"] for item in items}
    assert views["20251011"] > 1.2 * np.median(list(views.values())), "the day after 10 October"


def test_treasuries_of_a_coin_that_nobody_lists() -> None:
    base = "https://api.coingecko.com/api/v3/companies/public_treasury"
    assert client().get(f"{base}/tulip").status_code == 404
    page = client().get(f"{base}/bitcoin?per_page=2&page=3").json()
    assert len(page["companies"]) == 1
