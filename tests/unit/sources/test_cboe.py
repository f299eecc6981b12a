"""Cboe: two layouts, American dates, sessions that are over, and what is left out."""

from __future__ import annotations

from datetime import date

import httpx
import polars as pl
import pytest

from sources.dataset import Request
from sources.errors import Blocked, Malformed
from sources.providers.cboe import INDICES, VIX, VOLATILITY_INDICES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

FOLDER = "https://cdn.cboe.com/api/global/us_indices/daily_prices"
OHLC = "DATE,OPEN,HIGH,LOW,CLOSE\n"


def closes(content: str, symbol: str = "VVIX", **changes: object) -> list[tuple[object, ...]]:
    request = Request(f"{FOLDER}/{symbol}_History.csv")
    body = wire.body(VOLATILITY_INDICES.table, content=content, request=request, **changes)
    return VOLATILITY_INDICES.conform(VOLATILITY_INDICES.parse(body)).rows()


def vix(content: str, **changes: object) -> pl.DataFrame:
    return VIX.conform(VIX.parse(wire.body(VIX.table, content=content, **changes)))


def test_each_index_is_one_file_and_names_itself_by_it() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        return httpx.Response(200, text=f"{OHLC}07/08/2024,1.000000,2.000000,1.000000,1.500000\n")

    bodies, error = fetched(VOLATILITY_INDICES, provider)
    assert error is None
    assert asked == [f"{symbol}_History.csv" for symbol in INDICES]
    rows = pl.concat([VOLATILITY_INDICES.conform(VOLATILITY_INDICES.parse(body)) for body in bodies])
    assert rows["symbol"].to_list() == list(INDICES)
    assert set(rows["close_pct"]) == {1.5}


def test_an_index_that_is_refused_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if "VIX9D" in request.url.path:
            return httpx.Response(403, text="AccessDenied")
        return httpx.Response(200, text=f"{OHLC}07/08/2024,1,2,1,1.5\n")

    bodies, error = fetched(VOLATILITY_INDICES, provider)
    assert len(bodies) == len(INDICES) - 1
    assert isinstance(error, Blocked)
    assert "VIX9D: " in str(error)


def test_both_layouts_give_the_close() -> None:
    expected = [("OVX", date(2024, 7, 8), 31.25)]
    assert closes("DATE,OVX\n07/08/2024,31.250000\n", "OVX") == expected
    assert closes(f"{OHLC}07/08/2024,30.000000,32.000000,29.500000,31.250000\n", "OVX") == expected


@pytest.mark.parametrize("heading", ["DATE,VIX", "DATE,VALUE", "DAY,VVIX"])
def test_the_file_of_another_index_is_malformed(heading: str) -> None:
    with pytest.raises(Malformed, match="expected the column"):
        closes(f"{heading}\n07/08/2024,80.000000\n")


def test_months_come_before_days() -> None:
    assert closes("DATE,VVIX\n01/12/2024,80.000000\n")[0][1] == date(2024, 1, 12)
    with pytest.raises(Malformed):
        closes("DATE,VVIX\n13/01/2024,80.000000\n")
    with pytest.raises(Malformed):
        closes("DATE,VVIX\n2024-07-08,80.000000\n")


def test_rows_before_2000_are_left_out_and_only_they() -> None:
    frame = vix(f"{OHLC}12/31/1999,1,2,1,1.5\n01/03/2000,24.1,26.5,23.9,24.2\n")
    assert frame["session_date"].to_list() == [date(2000, 1, 3)]
    with pytest.raises(Malformed, match="blank"):
        vix(f"{OHLC},1,2,1,1.5\n01/03/2000,24.1,26.5,23.9,24.2\n")


def test_a_session_counts_once_the_index_has_closed() -> None:
    text = f"{OHLC}07/08/2024,12.1,12.9,12.0,12.4\n07/09/2024,12.2,12.6,12.1,12.5\n"
    assert vix(text, retrieved_at=at("2024-07-09 20:14"))["session_date"].to_list() == [date(2024, 7, 8)]
    assert vix(text, retrieved_at=at("2024-07-09 20:15")).height == 2


def test_an_old_row_outside_its_own_range_costs_nothing() -> None:
    assert vix(f"{OHLC}08/24/2015,40.0,39.0,28.1,40.7\n")["vix_high_pct"].to_list() == [39.0]


def test_a_blank_close_is_malformed_and_a_heading_alone_no_rows() -> None:
    with pytest.raises(Malformed, match="blank"):
        closes("DATE,VVIX\n07/08/2024,\n07/09/2024,80.000000\n")
    assert closes("DATE,VVIX\n") == []


@pytest.mark.parametrize(
    "content", [f"{OHLC}07/08/2024,12.100000,12.9", f"{OHLC}07/08/2024,12.1,12.9,12.0,12.4\n07/09"]
)
def test_a_file_that_is_cut_off_is_malformed(content: str) -> None:
    with pytest.raises(Malformed, match="cut off"):
        vix(content)


def test_a_session_is_known_three_hours_after_its_close() -> None:
    frame = pl.DataFrame({"session_date": [date(2024, 7, 8), date(2024, 1, 8)]})
    assert frame.select(VIX.knowable_at()).to_series().to_list() == [at("2024-07-08 23:00"), at("2024-01-09 00:00")]
