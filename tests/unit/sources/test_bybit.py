"""Bybit v5: two ways of paging newest first, errors under 200, open interest counted once and twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from sources.dataset import Body, Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.providers.bybit import ACCOUNT_RATIOS, DATASETS, FUNDING_RATES, OPEN_INTEREST
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

HOUR = timedelta(hours=1)
BY_CURSOR = (OPEN_INTEREST, ACCOUNT_RATIOS)
EACH = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
EACH_BY_CURSOR = pytest.mark.parametrize("dataset", BY_CURSOR, ids=lambda dataset: dataset.name)


def milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def envelope(rows: list[dict[str, object]], **result: object) -> httpx.Response:
    return httpx.Response(
        200, json={"retCode": 0, "retMsg": "OK", "result": {"list": rows, **result}, "retExtInfo": {}, "time": 1}
    )


def refusal(code: int) -> Callable[[httpx.Request], httpx.Response]:
    content = {"retCode": code, "retMsg": "Not like that.", "result": {}, "retExtInfo": {}, "time": 1}
    return lambda _: httpx.Response(200, json=content)


class Provider:
    """Plays Bybit with hourly rows since `since`, newest first, `size` a page; a cursor may be asked for as one text.

    Args:
        since: first hour there is.
        size: rows of a page, if fewer than are asked for.
        end: what the cursor says when there is nothing older.
        goes_on: whether a cursor leads on past the start that was asked for.
    """

    def __init__(self, since: str, *, size: int = 500, end: str = "", goes_on: bool = False) -> None:
        self.since = at(since)
        self.size = size
        self.end = end
        self.goes_on = goes_on
        self.asked: list[httpx.QueryParams] = []
        self.queries: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        self.asked.append(query)
        self.queries.append(request.url.query)
        assert query["category"] == "linear"
        assert "endTime" in query, "a start without an end is an error"
        start, end = (
            datetime.fromtimestamp(int(query[name]) / 1000, wire.NOW.tzinfo) for name in ("startTime", "endTime")
        )
        if cursor := query.get("cursor"):
            lasttime = dict(pair.split("=") for pair in cursor.split("&"))["lasttime"]
            end = datetime.fromtimestamp(int(lasttime) - 1, wire.NOW.tzinfo)
            start = self.since if self.goes_on else start
        step = timedelta(hours=8) if "funding" in request.url.path else HOUR
        first = max(start, self.since)
        count = (wire.NOW - self.since) // step
        stamps = [moment for n in range(count, -1, -1) if first <= (moment := self.since + n * step) <= end]
        page = stamps[: min(int(query["limit"]), self.size)]
        is_last = len(page) == len(stamps)
        cursor = self.end if is_last else quote(f"lastid=0&lasttime={int(page[-1].timestamp())}", safe="")
        return envelope([row(query["symbol"], moment) for moment in page], nextPageCursor=cursor)


def row(symbol: str, moment: datetime) -> dict[str, object]:
    return {
        "symbol": symbol,
        "fundingRate": "0.0001",
        "fundingRateTimestamp": milliseconds(moment),
        "openInterest": "20.5",
        "singleOpenInterest": "10.25",
        "buyRatio": "0.6",
        "sellRatio": "0.4",
        "timestamp": milliseconds(moment),
    }


def times(dataset: Dataset, bodies: list[Body], symbol: str) -> list[datetime]:
    frames = [dataset.parse(body) for body in bodies if body.request.param("symbol") == symbol]
    return [moment for frame in frames for moment in frame[dataset.time_column]]


@EACH
def test_pages_go_back_to_the_start_and_hold_each_row_once(dataset: Dataset) -> None:
    provider = Provider("2023-01-01")
    bodies, error = fetched(dataset, provider, window=Window(at("2023-06-01"), wire.NOW))
    assert error is None
    step = timedelta(hours=8) if dataset is FUNDING_RATES else HOUR
    for symbol in ("BTCUSDT", "ETHUSDT"):
        found = times(dataset, bodies, symbol)
        assert len(found) == len(set(found)) == (wire.NOW - at("2023-06-01")) // step + (dataset is FUNDING_RATES)
        assert min(found) == at("2023-06-01")
    assert len(bodies) > 4, "the window takes several pages"
    assert len({bytes(query) for query in provider.queries}) == len(provider.queries), "nothing is asked twice"


@EACH_BY_CURSOR
def test_a_cursor_is_encoded_once_on_the_way(dataset: Dataset) -> None:
    provider = Provider("2024-01-01", size=100)
    fetched(dataset, provider)
    with_cursor = [query for query in provider.queries if b"cursor=" in query]
    assert with_cursor
    assert all(b"cursor=lastid%3D0%26lasttime%3D17" in query for query in with_cursor)


@EACH_BY_CURSOR
@pytest.mark.parametrize("end", ["", "lastid%3D0%26lasttime%3D0"])
def test_history_that_begins_inside_the_window_ends_the_pages(dataset: Dataset, end: str) -> None:
    provider = Provider("2024-07-08", end=end)
    bodies, error = fetched(dataset, provider)
    assert error is None
    assert [body.request.param("cursor") for body in bodies] == ["", ""]
    assert len(times(dataset, bodies, "BTCUSDT")) == 60


@EACH_BY_CURSOR
def test_a_cursor_that_leads_on_past_the_start_is_not_followed_there(dataset: Dataset) -> None:
    provider = Provider("2020-01-01", size=200, goes_on=True)
    bodies, error = fetched(dataset, provider)
    assert error is None
    assert len(bodies) == 4, "nine days and a half are two pages of a symbol, whatever is behind them"
    assert min(times(dataset, bodies, "BTCUSDT")) <= wire.WINDOW.start


@EACH_BY_CURSOR
def test_a_cursor_that_leads_nowhere_is_an_error_and_not_the_end_of_history(dataset: Dataset) -> None:
    rows = [row("BTCUSDT", at("2024-07-09") + n * HOUR) for n in range(24)]

    def provider(request: httpx.Request) -> httpx.Response:
        return envelope([one | {"symbol": request.url.params["symbol"]} for one in rows], nextPageCursor="again")

    bodies, error = fetched(dataset, provider)
    assert isinstance(error, Malformed)
    assert "does not reach further back" in str(error)
    assert len(bodies) == 4, "the second page of each symbol is evidence, the third is not asked for"


@EACH_BY_CURSOR
def test_an_empty_page_is_the_end_whatever_its_cursor(dataset: Dataset) -> None:
    bodies, error = fetched(dataset, lambda _: envelope([], nextPageCursor="lastid%3D1%26lasttime%3D2"))
    assert error is None
    assert [dataset.parse(body).height for body in bodies] == [0, 0]


def test_funding_that_repeats_its_page_ends_in_an_error() -> None:
    start = at("2024-07-10")

    def provider(request: httpx.Request) -> httpx.Response:
        symbol = request.url.params["symbol"]
        return envelope([row(symbol, start - n * HOUR) for n in range(200)])

    bodies, error = fetched(FUNDING_RATES, provider)
    assert isinstance(error, Malformed)
    assert len(bodies) == 4


ERRORS = pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10006, RateLimited),
        (10018, RateLimited),
        (10001, Rejected),
        (10009, Blocked),
        (10024, Blocked),
        (10016, Unreachable),
        (110001, Rejected),
    ],
)


@EACH
@ERRORS
def test_an_error_under_http_200_is_an_error(dataset: Dataset, code: int, kind: type[SourceError]) -> None:
    bodies, error = fetched(dataset, refusal(code))
    assert type(error) is kind
    assert str(code) in str(error)
    assert "Not like that." in str(error)
    assert bodies, "it is kept as evidence"
    with pytest.raises(kind):
        dataset.parse(bodies[0])


@EACH
def test_a_403_names_its_three_causes(dataset: Dataset) -> None:
    page = "<html><head><title>ERROR: The request could not be satisfied</title></head></html>"
    bodies, error = fetched(dataset, lambda _: httpx.Response(403, html=page))
    assert bodies == []
    assert isinstance(error, Blocked)
    assert all(cause in error.remedy for cause in ("too many requests", "country", "GET with a body"))
    assert error.body is not None


def test_no_request_of_ours_has_a_body() -> None:
    sent: list[bytes] = []

    def provider(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return envelope([])

    for dataset in DATASETS:
        fetched(dataset, provider)
    assert set(sent) == {b""}


@pytest.mark.parametrize("content", ['{"ret_code":0,"ext_code":"","result":[]}', "[]", '{"retCode":0,"result":[]}'])
@EACH
def test_another_envelope_is_malformed(dataset: Dataset, content: str) -> None:
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content))


def test_open_interest_counted_on_one_side_is_never_made_up() -> None:
    frame = OPEN_INTEREST.conform(OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)))
    assert frame["open_interest_double_sided_coin"].to_list() == [51000.25, 50900.0, 50800.5]
    assert frame["open_interest_coin"].to_list() == [25500.126, 25449.999, None]
    assert set(frame["symbol"]) == {"BTCUSDT"}
    blank = wire.stored(OPEN_INTEREST.table).decode().replace('"25500.126"', '""')
    assert OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table, blank))["open_interest_coin"].null_count() == 2


def test_an_answer_for_another_symbol_is_malformed() -> None:
    text = wire.stored(OPEN_INTEREST.table).decode().replace('"symbol":"BTCUSDT"', '"symbol":"ETHUSDT"')
    with pytest.raises(Malformed, match="asked for BTCUSDT, got ETHUSDT"):
        OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table, text))


def test_shares_of_accounts_make_a_ratio() -> None:
    frame = ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table))
    assert frame["account_long_short_ratio"].round(9).to_list() == [3.0, 1.5]
    assert frame["observed_at"].to_list() == [at("2024-07-10 11:00"), at("2024-07-10 10:00")]


def test_shares_that_do_not_make_a_whole_are_malformed() -> None:
    text = wire.stored(ACCOUNT_RATIOS.table).decode().replace('"0.2500"', '"25.00"')
    with pytest.raises(Malformed, match="do not make a whole"):
        ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table, text))


def test_where_nobody_is_short_there_is_no_ratio() -> None:
    text = wire.stored(ACCOUNT_RATIOS.table).decode().replace('"0.7500"', '"1"').replace('"0.2500"', '"0"')
    assert ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table, text))["account_long_short_ratio"].to_list() == [
        None,
        pytest.approx(1.5),
    ]


def test_one_symbol_failing_does_not_cost_the_other() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["symbol"] == "BTCUSDT":
            return refusal(10001)(request)
        return envelope([row("ETHUSDT", at("2024-07-10"))])

    bodies, error = fetched(FUNDING_RATES, provider)
    assert isinstance(error, Rejected)
    assert "BTCUSDT: " in str(error)
    assert FUNDING_RATES.parse(bodies[1]).height == 1
