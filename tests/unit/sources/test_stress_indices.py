"""The financial stress indices of the Office of Financial Research and of the European Central Bank."""

from __future__ import annotations

from datetime import date

import httpx
import polars as pl
import pytest

from sources.errors import Malformed, Rejected
from sources.providers.ecb import CISS
from sources.providers.ofr import FINANCIAL_STRESS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

FSI = wire.stored(FINANCIAL_STRESS.table).decode().splitlines()[0]
SDMX = wire.stored(CISS.table).decode().splitlines()[0]


def stress(*rows: str) -> pl.DataFrame:
    body = wire.body(FINANCIAL_STRESS.table, content="\n".join([FSI, *rows, ""]))
    return FINANCIAL_STRESS.conform(FINANCIAL_STRESS.parse(body))


def ciss(*rows: str, heading: str = SDMX) -> list[tuple[object, ...]]:
    return CISS.conform(CISS.parse(wire.body(CISS.table, content="\n".join([heading, *rows, ""])))).rows()


def series(area: str, day: str, value: str, indicator: str = "SS_CIN", frequency: str = "D") -> str:
    key = f"CISS.{frequency}.{area}.Z0Z.4F.EC.{indicator}.IDX"
    return f"{key},{frequency},{area},Z0Z,4F,EC,{indicator},IDX,{day},{value}"


def test_the_whole_history_of_ofr_is_one_request() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=wire.stored(FINANCIAL_STRESS.table))

    bodies, error = fetched(FINANCIAL_STRESS, provider)
    assert error is None
    assert len(bodies) == 1
    assert asked == ["https://www.financialresearch.gov/financial-stress-index/data/fsi.csv"]


def test_a_headline_without_its_parts_is_a_row() -> None:
    row = stress("2024-07-08,-1.79,,,,,,,,").row(0, named=True)
    assert row["financial_stress_index"] == -1.79
    assert row["credit_stress_index"] is None
    assert row["emerging_markets_stress_index"] is None
    with pytest.raises(Malformed, match="blank"):
        stress("2024-07-08,,-0.6,,,,,,,")


def test_parts_stand_under_their_own_names_and_add_up() -> None:
    row = stress("2024-07-08,2.14,0.54,-0.051,0.67,0.472,0.509,1.769,0.521,-0.15").row(0, named=True)
    categories = ("credit", "equity_valuation", "safe_assets", "funding", "volatility")
    regions = ("united_states", "other_advanced_economies", "emerging_markets")
    for parts in (categories, regions):
        assert sum(row[f"{part}_stress_index"] for part in parts) == pytest.approx(2.14)
    assert row["credit_stress_index"] == 0.54
    assert row["emerging_markets_stress_index"] == -0.15


@pytest.mark.parametrize("row", ["9/17/2024,-1.79,,,,,,,,", "2024-07-08,NaN,,,,,,,,", "1999-07-08,1.0,,,,,,,,"])
def test_another_notation_is_malformed(row: str) -> None:
    with pytest.raises(Malformed):
        stress(row)


@pytest.mark.parametrize(
    ("observed_on", "known_at"),
    [
        (date(2024, 7, 8), "2024-07-10 21:00"),
        # A Thursday waits for Monday, and Independence Day counts as the day before it.
        (date(2024, 7, 11), "2024-07-15 21:00"),
        (date(2024, 7, 3), "2024-07-08 21:00"),
        (date(2024, 7, 4), "2024-07-08 21:00"),
        (date(2024, 1, 8), "2024-01-10 22:00"),
    ],
)
def test_ofr_is_two_business_days_late(observed_on: date, known_at: str) -> None:
    frame = pl.DataFrame({"observed_on": [observed_on]})
    assert frame.select(FINANCIAL_STRESS.knowable_at()).item() == at(known_at)


def test_all_areas_are_asked_for_together_for_the_window() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, dict(request.url.params)))
        return httpx.Response(200, content=wire.stored(CISS.table))

    bodies, error = fetched(CISS, provider)
    assert error is None
    assert len(bodies) == 1
    window = {"startPeriod": "2024-07-01", "endPeriod": "2024-07-10"}
    assert asked == [
        (
            "/service/data/CISS/D.U2+US+GB+CN.Z0Z.4F.EC.SS_CIN.IDX",
            {"format": "csvdata", "detail": "dataonly", **window},
        )
    ]


def test_nothing_found_is_a_rejection_that_says_so() -> None:
    answer = {"title": "Not Found", "status": 404, "detail": "No Series was returned for the query"}
    bodies, error = fetched(CISS, lambda _: httpx.Response(404, json=answer))
    assert bodies == []
    assert isinstance(error, Rejected)
    assert "No Series was returned" in str(error)


def test_areas_are_told_apart_and_one_may_be_absent() -> None:
    rows = ciss(series("U2", "2024-07-08", "0.02974415"), series("CN", "2024-07-08", "1.5E-2"))
    assert rows == [("U2", date(2024, 7, 8), 0.02974415), ("CN", date(2024, 7, 8), 0.015)]


@pytest.mark.parametrize("value", ["NaN", ""])
def test_no_value_is_no_observation(value: str) -> None:
    assert ciss(series("US", "2024-07-05", value), series("US", "2024-07-08", "0.0")) == [("US", date(2024, 7, 8), 0.0)]


def test_the_indicator_that_stands_still_is_not_taken_for_the_new_one() -> None:
    for other in (series("U2", "2024-07-08", "0.03", "SS_CI"), series("U2", "2024-07-08", "0.03", frequency="M")):
        with pytest.raises(Malformed, match="another series"):
            ciss(other)


def test_columns_are_read_by_name_and_attributes_are_novelties() -> None:
    heading = "OBS_STATUS,OBS_VALUE,TIME_PERIOD,FREQ,REF_AREA,PROVIDER_FM_ID,KEY"
    row = "A,0.03,2024-07-08,D,U2,SS_CIN,CISS.D.U2.Z0Z.4F.EC.SS_CIN.IDX"
    frame = CISS.parse(wire.body(CISS.table, content=f"{heading}\n{row}\n"))
    assert CISS.conform(frame).rows() == [("U2", date(2024, 7, 8), 0.03)]
    assert CISS.novelties(frame) == ("OBS_STATUS",)


@pytest.mark.parametrize("missing", ["REF_AREA", "TIME_PERIOD", "OBS_VALUE", "FREQ", "PROVIDER_FM_ID"])
def test_a_column_that_is_missing_is_malformed(missing: str) -> None:
    with pytest.raises(Malformed, match=missing):
        ciss(series("U2", "2024-07-08", "0.03"), heading=SDMX.replace(missing, "OTHER"))


def test_a_month_in_place_of_a_day_is_malformed() -> None:
    with pytest.raises(Malformed):
        ciss(series("U2", "2024-07", "0.03"))
