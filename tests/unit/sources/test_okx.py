"""OKX v5: paging back, what was paid, three units of open interest, liquidations without ids, ratios without names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import polars as pl
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.providers.okx import ACCOUNT_RATIOS, DATASETS, FUNDING_RATES, LIQUIDATIONS, OPEN_INTEREST
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

HOUR = timedelta(hours=1)
EACH = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
MOVING = pytest.mark.parametrize(
    "dataset", (FUNDING_RATES, LIQUIDATIONS, ACCOUNT_RATIOS), ids=lambda dataset: dataset.name
)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def instant(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, wire.NOW.tzinfo)


def envelope(data: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"code": "0", "msg": "", "data": data})


def refusal(code: str, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"code": code, "msg": "Not like that.", "data": []})


# Errors ---------------------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("50011", RateLimited),
        ("50061", RateLimited),
        ("51001", Rejected),
        ("50001", Unreachable),
        ("50013", Unreachable),
    ],
)
def test_an_error_under_http_200_is_an_error(dataset: Dataset, code: str, kind: type[SourceError]) -> None:
    bodies, error = fetched(dataset, refusal(code))
    assert type(error) is kind
    assert code in str(error)
    assert "Not like that." in str(error)
    assert bodies, "it is kept as evidence"
    with pytest.raises(kind):
        dataset.parse(bodies[0])


@EACH
def test_a_code_that_is_a_number_is_read_all_the_same(dataset: Dataset) -> None:
    text = wire.stored(dataset.table).decode()
    assert '"code":"0"' in text
    rows = dataset.parse(wire.body(dataset.table, text.replace('"code":"0"', '"code":0')))
    assert rows.equals(dataset.parse(wire.body(dataset.table)))


@EACH
def test_too_many_requests_under_429_are_the_rate_limit(dataset: Dataset) -> None:
    _, error = fetched(dataset, refusal("50011", 429))
    assert isinstance(error, RateLimited)


@EACH
def test_a_403_is_a_refusal(dataset: Dataset) -> None:
    _, error = fetched(dataset, lambda _: httpx.Response(403, text="Forbidden"))
    assert isinstance(error, Blocked)


@EACH
@pytest.mark.parametrize("content", ['{"msg":"","data":[]}', "[]", '{"code":"0","data":{}}'])
def test_another_envelope_is_malformed(dataset: Dataset, content: str) -> None:
    with pytest.raises(Malformed):
        dataset.parse(wire.body(dataset.table, content))


@MOVING
def test_an_answer_without_rows_is_no_failure(dataset: Dataset) -> None:
    bodies, error = fetched(dataset, lambda _: envelope([]))
    assert error is None
    assert [dataset.parse(body).height for body in bodies] == [0, 0]


@MOVING
def test_a_window_the_provider_has_no_more_is_not_asked_for(dataset: Dataset) -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return envelope([])

    bodies, error = fetched(dataset, provider, window=Window(at("2021-01-01"), at("2024-03-01")))
    assert (bodies, error, asked) == ([], None, [])
    assert dataset.can_be_empty


# Funding --------------------------------------------------------------------------------------------------------------


def settlement(swap: str, moment: datetime) -> dict[str, str]:
    return {
        "instId": swap,
        "instType": "SWAP",
        "fundingTime": str(milliseconds(moment)),
        "fundingRate": "0.0001",
        "realizedRate": "0.0002",
    }


def test_settlements_are_paged_back_and_none_is_lost() -> None:
    history = [wire.NOW - timedelta(hours=4) - n * 8 * HOUR for n in range(400)]
    asked: list[tuple[str, str]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append((query["instId"], query["after"]))
        assert "before" not in query, "with it the answer is the newest page, whatever is older"
        older = [moment for moment in history if milliseconds(moment) < int(query["after"])]
        return envelope([settlement(query["instId"], moment) for moment in older[: int(query["limit"])]])

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-05-01"), wire.NOW))
    assert error is None
    assert [swap for swap, _ in asked] == ["BTC-USDT-SWAP"] * 3 + ["ETH-USDT-SWAP"] * 3
    found = [moment for body in bodies[:3] for moment in FUNDING_RATES.parse(body)["settled_at"]]
    assert len(found) == len(set(found)) == 300
    assert min(found) <= at("2024-05-01") + 8 * HOUR


def test_funding_that_repeats_its_page_ends_in_an_error() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        swap = request.url.params["instId"]
        return envelope([settlement(swap, wire.NOW - n * 8 * HOUR) for n in range(1, 101)])

    bodies, error = fetched(FUNDING_RATES, provider, window=Window(at("2024-04-20"), wire.NOW))
    assert isinstance(error, Malformed)
    assert "does not reach further back" in str(error)
    assert len(bodies) == 4


def test_what_was_paid_is_the_rate_and_a_forecast_never_stands_in_for_it() -> None:
    frame = FUNDING_RATES.parse(wire.body(FUNDING_RATES.table))
    assert frame["funding_rate"].to_list() == [None, 0.0000512345678901, -0.0000125]
    assert frame["forecast_funding_rate"].to_list() == [0.00004, 0.00005, -0.00001]
    assert frame["settled_at"].to_list() == [at("2024-07-10 08:00"), at("2024-07-10"), at("2024-07-09 16:00")]


# Open interest --------------------------------------------------------------------------------------------------------


def test_open_interest_is_asked_for_the_present_only() -> None:
    content = wire.stored(OPEN_INTEREST.table)
    past = Window(at("2024-07-01"), at("2024-07-10"))
    assert fetched(OPEN_INTEREST, lambda _: httpx.Response(200, content=content), window=past) == ([], None)
    planned_before_it_was_asked = Window(at("2024-07-01"), wire.NOW - timedelta(seconds=40))
    bodies, error = fetched(
        OPEN_INTEREST, lambda _: httpx.Response(200, content=content), window=planned_before_it_was_asked
    )
    assert error is None
    assert [body.request.param("instId") for body in bodies] == ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]


def test_contracts_coins_and_dollars_are_kept_apart() -> None:
    row = OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)).row(0, named=True)
    assert row["open_interest_contracts"] == 2750000.5
    assert row["open_interest_coin"] == 27500.005
    assert row["open_interest_usd"] == 1572500285.9
    assert row["observed_at"] == at("2024-07-10 11:59"), "by the vendor's clock"


# Liquidations ---------------------------------------------------------------------------------------------------------


def order(moment_ms: int, price: str = "57000", size: str = "2", **changes: str) -> dict[str, str]:
    return {"bkPx": price, "posSide": "long", "side": "sell", "sz": size, "ts": str(moment_ms), **changes}


def group(family: str, details: list[dict[str, str]]) -> list[dict[str, object]]:
    return (
        [{"instId": f"{family}-SWAP", "instFamily": family, "instType": "SWAP", "details": details}] if details else []
    )


class Feed:
    """Plays the liquidation orders: newest first, strictly older than `after`, a hundred a page."""

    def __init__(self, orders: list[dict[str, str]]) -> None:
        self.orders = sorted(orders, key=lambda one: -int(one["ts"]))
        self.asked: list[httpx.QueryParams] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        self.asked.append(query)
        if "instFamily" not in query:
            return refusal("50015", 400)(request)
        older = [one for one in self.orders if int(one["ts"]) < int(query["after"])]
        return envelope(group(query["instFamily"], older[: int(query["limit"])]))


def landed(bodies: list[wire.Body], symbol: str) -> pl.DataFrame:
    """Rows as the warehouse keeps them: of rows with one key the last."""
    rows = pl.concat([LIQUIDATIONS.conform(LIQUIDATIONS.parse(body)) for body in bodies])
    return rows.filter(pl.col("symbol") == symbol).unique(LIQUIDATIONS.key, keep="last")


def test_alike_rows_are_counted() -> None:
    frame = LIQUIDATIONS.conform(LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table)))
    assert frame.select("position_side", "size_contracts", "liquidation_count").rows() == [
        ("long", 3.62, 1),
        ("short", 5.0, 2),
        ("long", 0.1, 1),
    ]
    assert frame["occurred_at"][0] == datetime.fromisoformat("2024-07-10T11:55:00.123+00:00")


@pytest.mark.parametrize("offset", range(4))
def test_alike_rows_on_both_sides_of_a_page_are_counted_once(offset: int) -> None:
    # Four alike orders every minute: wherever a page of a hundred ends, the counts are whole.
    start = milliseconds(wire.NOW - 2 * HOUR)
    orders = [order(start + minute * 60_000) for minute in range(100) for _ in range(4)]
    feed = Feed(orders + [order(start + 7_000_000 + n, price="1") for n in range(offset)])
    bodies, error = fetched(LIQUIDATIONS, feed)
    assert error is None
    rows = landed(bodies, "BTC-USDT-SWAP")
    assert rows["liquidation_count"].sum() == 400 + offset
    assert rows.height == 100 + offset
    counts = [LIQUIDATIONS.parse(body).filter(pl.col("bankruptcy_price") > 1)["liquidation_count"] for body in bodies]
    assert all((count == 4).all() for count in counts), "no page gives a count that another one takes back"


def test_liquidations_are_asked_for_by_family() -> None:
    feed = Feed([order(milliseconds(wire.NOW - HOUR))])
    bodies, error = fetched(LIQUIDATIONS, feed)
    assert error is None
    assert [query["instFamily"] for query in feed.asked] == ["BTC-USDT", "ETH-USDT"]
    assert all(query["state"] == "filled" and query["instType"] == "SWAP" for query in feed.asked)
    assert [LIQUIDATIONS.parse(body).height for body in bodies] == [1, 1]


def test_a_page_of_one_instant_is_an_error_and_no_loop() -> None:
    feed = Feed([order(milliseconds(wire.NOW - HOUR), size=str(n)) for n in range(1, 301)])
    bodies, error = fetched(LIQUIDATIONS, feed)
    assert isinstance(error, Malformed)
    assert len(bodies) == 4


@pytest.mark.parametrize(
    ("status", "content", "found"),
    [
        (400, '{"code":"50015","msg":"Either parameter uly or instFamily is required","data":[]}', "50015"),
        (404, "<html><title>404 Not Found</title></html>", "404 Not Found"),
        (410, '{"code":"50005","msg":"API is offline or unavailable","data":[]}', "offline"),
    ],
)
def test_an_endpoint_that_was_withdrawn_says_what_was_found(status: int, content: str, found: str) -> None:
    bodies, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(status, text=content))
    assert isinstance(error, Rejected)
    assert f"HTTP {status}" in str(error)
    assert found in str(error)
    assert "50015" in error.remedy and "withdrawn" in error.remedy
    assert [body.status for body in bodies] == [status, status], "what it said is kept"
    with pytest.raises(Rejected):
        LIQUIDATIONS.parse(bodies[0])


@pytest.mark.parametrize(
    ("position", "side", "closed"),
    [("long", "sell", "long"), ("short", "buy", "short"), ("net", "sell", "long"), ("", "buy", "short")],
)
def test_the_side_that_was_closed(position: str, side: str, closed: str) -> None:
    feed = Feed([order(milliseconds(wire.NOW - HOUR), posSide=position, side=side)])
    bodies, _ = fetched(LIQUIDATIONS, feed)
    assert LIQUIDATIONS.parse(bodies[0])["position_side"].to_list() == [closed]


def test_a_side_nobody_knows_is_malformed() -> None:
    feed = Feed([order(milliseconds(wire.NOW - HOUR), posSide="net", side="hold")])
    bodies, _ = fetched(LIQUIDATIONS, feed)
    with pytest.raises(Malformed, match="position_side"):
        LIQUIDATIONS.parse(bodies[0])


# Account ratios -------------------------------------------------------------------------------------------------------


def test_all_hours_are_asked_for_at_once() -> None:
    asked: list[httpx.QueryParams] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append(query)
        hours = [wire.NOW - n * HOUR for n in range(24 * 30)]
        due = [moment for moment in hours if instant(query["begin"]) <= moment <= instant(query["end"])]
        return envelope([[str(milliseconds(moment)), "1.5"] for moment in due])

    bodies, error = fetched(ACCOUNT_RATIOS, provider, window=Window(at("2021-01-01"), wire.NOW))
    assert error is None
    assert [query["ccy"] for query in asked] == ["BTC", "ETH"]
    rows = pl.concat([ACCOUNT_RATIOS.parse(body) for body in bodies])
    assert rows.height == 2 * (24 * 30 - 1), "all but the hour under way"
    assert rows.select(ACCOUNT_RATIOS.key).is_unique().all()
    assert set(rows["asset"]) == {"btc", "eth"}


def test_an_answer_that_is_cut_is_followed_back() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        hours = [wire.NOW - n * HOUR for n in range(24 * 30)]
        due = [moment for moment in hours if instant(query["begin"]) <= moment <= instant(query["end"])]
        return envelope([[str(milliseconds(moment)), "1.5"] for moment in due[:100]])

    bodies, error = fetched(ACCOUNT_RATIOS, provider)
    assert error is None
    rows = pl.concat([ACCOUNT_RATIOS.parse(body) for body in bodies]).unique(ACCOUNT_RATIOS.key)
    assert rows.height == 2 * (9 * 24 + 12)


def test_an_end_that_is_not_heeded_is_no_loop() -> None:
    hours = [[str(milliseconds(wire.NOW - n * HOUR)), "1.5"] for n in range(50)]
    bodies, error = fetched(ACCOUNT_RATIOS, lambda _: envelope(hours))
    assert error is None
    assert len(bodies) == 4


def test_the_hour_under_way_is_no_figure_yet() -> None:
    frame = ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table))
    assert frame.rows() == [("btc", at("2024-07-10 11:00"), 1.82), ("btc", at("2024-07-10 10:00"), 1.75)]


@pytest.mark.parametrize(
    "content",
    [
        '{"code":"0","data":[["1720605600000"]]}',
        '{"code":"0","data":[{"ts":"1720605600000","ratio":"1.5"}]}',
        '{"code":"0","data":[["1720605600000","184000.5","1.5"]]}',
        '{"code":"0","data":[["1.5","1720605600000"]]}',
    ],
)
def test_cells_that_were_moved_are_malformed(content: str) -> None:
    with pytest.raises(Malformed):
        ACCOUNT_RATIOS.parse(wire.body(ACCOUNT_RATIOS.table, content))
