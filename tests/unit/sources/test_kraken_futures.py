"""Kraken Futures analytics: pages by `more`, series beside times, three shapes, errors and warnings in a list."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx
import pytest

from sources.dataset import Body, Dataset, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.kraken_futures import (
    DATASETS,
    LIQUIDATION_VOLUME,
    LIQUIDITY,
    OPEN_INTEREST,
    SLIPPAGE,
    SPREADS,
)
from tests.unit.sources import wire
from tests.unit.sources.wire import NOW, at, fetched

HOUR_S = 3600


def volumes(stamps: list[int], *, more: bool = False) -> dict[str, object]:
    result = {"timestamp": stamps, "data": [str(stamp % 7) for stamp in stamps], "more": more}
    return {"result": result, "errors": []}


def answer(table: str, change: dict[str, object] | None = None, **data: object) -> Body:
    document = json.loads(wire.stored(table))
    document["result"] |= {**(change or {}), **data}
    return wire.body(table, json.dumps(document))


def hours_in(bodies: list[Body], symbol: str) -> list[datetime]:
    frames = [LIQUIDATION_VOLUME.parse(body) for body in bodies if f"/{symbol}/" in body.request.url]
    return [moment for frame in frames for moment in frame["opened_at"]]


def test_pages_go_on_while_there_is_more() -> None:
    start, end = at("2024-01-01"), at("2024-03-01")
    history = list(range(int(start.timestamp()), int(end.timestamp()), HOUR_S))
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        asked.append(request.url.path)
        assert query["interval"] == "3600"
        due = [s for s in history if int(query["since"]) <= s <= int(query["to"])]
        return httpx.Response(200, json=volumes(due[:500], more=len(due) > 500))

    bodies, error = fetched(LIQUIDATION_VOLUME, provider, window=Window(start, end))
    assert error is None
    path = "/api/charts/v1/analytics/{}/liquidation-volume"
    assert asked == [path.format("PF_XBTUSD")] * 3 + [path.format("PF_ETHUSD")] * 3
    for symbol in ("PF_XBTUSD", "PF_ETHUSD"):
        hours = hours_in(bodies, symbol)
        assert len(hours) == len(set(hours)) == len(history), "each hour once, none lost between the pages"


def test_more_without_progress_ends_in_an_error() -> None:
    stamps = [int(at("2024-07-01").timestamp())]
    bodies, error = fetched(LIQUIDATION_VOLUME, lambda _: httpx.Response(200, json=volumes(stamps, more=True)))
    assert isinstance(error, Malformed)
    assert "does not reach beyond" in str(error)
    assert len(bodies) == 4, "the second page of each symbol is kept as evidence, the third is not asked for"


def test_more_without_a_row_ends_in_an_error() -> None:
    _, error = fetched(LIQUIDATION_VOLUME, lambda _: httpx.Response(200, json=volumes([], more=True)))
    assert isinstance(error, Malformed)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_kind_has_its_address(dataset: Dataset) -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=wire.stored(dataset.table))

    bodies, error = fetched(dataset, provider)
    assert error is None
    kind = dataset.name.replace("_", "-")
    assert asked == [f"/api/charts/v1/analytics/{symbol}/{kind}" for symbol in ("PF_XBTUSD", "PF_ETHUSD")]
    assert [dataset.parse(body)["symbol"][0] for body in bodies] == ["PF_XBTUSD", "PF_ETHUSD"]


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_the_hour_under_way_is_left_out(dataset: Dataset) -> None:
    hours = dataset.parse(wire.body(dataset.table))["opened_at"].to_list()
    assert hours == [at("2024-07-10 10:00"), at("2024-07-10 11:00")]
    later = wire.body(dataset.table, retrieved_at=NOW + timedelta(hours=1))
    assert dataset.parse(later)["opened_at"].to_list() == [*hours, NOW]


def test_open_interest_is_four_figures_an_hour() -> None:
    first = OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)).row(0)
    assert first == ("PF_XBTUSD", at("2024-07-10 10:00"), 3100.5, 3110.0, 3090.25, 3105.0)


def test_a_fifth_figure_is_told_unless_it_was_put_in_between() -> None:
    candles = [["1", "4", "1", "2", "9"]] * 3
    frame = OPEN_INTEREST.parse(answer(OPEN_INTEREST.table, data=candles))
    assert OPEN_INTEREST.novelties(frame) == ("column_5",)
    with pytest.raises(Malformed, match="outside its own range"):
        OPEN_INTEREST.parse(answer(OPEN_INTEREST.table, data=[["1", "1", "9", "1", "4"]] * 3))


@pytest.mark.parametrize("data", [[["1", "4", "1"]] * 3, [["1", "4", "1", "2"], "1", "1"], ["1", "2"], "3", None])
def test_what_is_not_a_figure_for_each_time_is_malformed(data: object) -> None:
    with pytest.raises(Malformed):
        OPEN_INTEREST.parse(answer(OPEN_INTEREST.table, data=data))


def test_sides_and_bands_are_not_mixed_up() -> None:
    first = LIQUIDITY.parse(wire.body(LIQUIDITY.table)).row(0, named=True)
    bands = ("005", "01", "025", "05", "10", "100")
    assert [first[f"bid_liquidity_{band}_contracts"] for band in bands] == [10, 20, 30, 40, 50, 60]
    assert [first[f"ask_liquidity_{band}_contracts"] for band in bands] == [11, 20, 29, 38, 47, 56]


def test_no_price_where_the_book_is_too_thin() -> None:
    frame = SLIPPAGE.parse(wire.body(SLIPPAGE.table))
    assert frame["ask_fill_1m_price"].to_list() == [None, 58400.0]
    assert frame["bid_fill_10k_price"].to_list() == [57985.25, 57890.0]
    assert SPREADS.parse(wire.body(SPREADS.table))["best_bid_price"].to_list() == [57990.5, None]


def test_liquidations_are_never_null() -> None:
    with pytest.raises(Malformed, match="liquidations_contracts is blank"):
        LIQUIDATION_VOLUME.parse(answer(LIQUIDATION_VOLUME.table, data=["1", None, "2"]))


def test_milliseconds_are_not_taken_for_seconds() -> None:
    stamps = [1720605600000, 1720609200000, 1720612800000]
    with pytest.raises(Malformed, match="unit of time"):
        LIQUIDATION_VOLUME.parse(answer(LIQUIDATION_VOLUME.table, {"timestamp": stamps}))


def test_a_new_series_within_a_side_is_told() -> None:
    document = json.loads(wire.stored(SPREADS.table))
    document["result"]["data"]["bid"]["second_price"] = [1, 2, 3]
    frame = SPREADS.parse(wire.body(SPREADS.table, json.dumps(document)))
    assert SPREADS.novelties(frame) == ("bid.second_price",)


ERROR = {"severity": "E", "error_class": "General", "type": "InvalidArguments", "field": "interval", "msg": "no"}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"result": None, "errors": [ERROR]}, Rejected),
        ({"result": {"timestamp": [], "data": [], "more": False}, "errors": [ERROR]}, Rejected),
        ({"result": "error", "error": "apiLimitExceeded"}, RateLimited),
        ({"result": "error", "error": "Unavailable"}, Rejected),
    ],
)
def test_errors_under_200(document: dict[str, object], kind: type[Exception]) -> None:
    bodies, error = fetched(SPREADS, lambda _: httpx.Response(200, json=document))
    assert isinstance(error, kind)
    assert bodies, "the answer is kept"
    with pytest.raises(kind):
        SPREADS.parse(wire.body(SPREADS.table, json.dumps(document)))


def test_a_warning_is_no_error() -> None:
    document = {**volumes([int(at("2024-07-10").timestamp())]), "errors": [{**ERROR, "severity": "W"}]}
    assert LIQUIDATION_VOLUME.parse(wire.body(LIQUIDATION_VOLUME.table, json.dumps(document))).height == 1


def test_an_unknown_contract_is_rejected() -> None:
    _, error = fetched(SPREADS, lambda _: httpx.Response(404, json={"result": None, "errors": [ERROR]}))
    assert isinstance(error, Rejected)


def test_an_empty_page_has_no_rows() -> None:
    bodies, error = fetched(LIQUIDATION_VOLUME, lambda _: httpx.Response(200, json=volumes([])))
    assert error is None
    assert [LIQUIDATION_VOLUME.parse(body).height for body in bodies] == [0, 0]
