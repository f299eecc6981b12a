"""Real CFTC reports through the very client, fetch and parse of the live market, where the recording is at hand."""

from __future__ import annotations

from datetime import date

import polars as pl

from sources.errors import NotRecorded
from sources.http import Transport
from sources.market import Market
from sources.registry import DATASETS
from tests.unit.sources.test_recorded_folder import line, market, pytestmark, take
from tests.unit.sources.wire import at

__all__ = ["line", "market", "pytestmark"]


def test_legacy_reports(market: Market, line: Transport) -> None:
    taken = take(market, line, "cftc__legacy_futures")
    assert isinstance(taken.error, NotRecorded), "micro contracts were not recorded"
    assert [error.problem.partition(":")[0] for error in (taken.error, *taken.error.others)] == ["133742", "146022"]
    assert taken.rows.height == 652
    assert taken.rows.select("contract_code", "report_date").is_unique().all()
    assert dict(taken.rows["contract_code"].value_counts().rows()) == {"133741": 404, "146021": 248}
    assert taken.rows["open_interest_contracts"].null_count() == 0
    assert set(taken.rows.filter(pl.col("report_date").dt.weekday() != 2)["report_date"]) >= {date(2025, 11, 10)}


def test_long_and_short_positions_make_up_the_open_interest(market: Market, line: Transport) -> None:
    rows = take(market, line, "cftc__legacy_futures").rows
    for side in ("long", "short"):
        held = pl.sum_horizontal(
            f"noncommercial_{side}_contracts",
            f"commercial_{side}_contracts",
            f"nonreportable_{side}_contracts",
            "noncommercial_spread_contracts",
        )
        assert rows.select((held == pl.col("open_interest_contracts")).all()).item()


def test_weeks_of_the_shutdown_were_known_when_they_came_out(market: Market, line: Transport) -> None:
    dataset = DATASETS["cftc__legacy_futures"]
    rows = take(market, line, dataset.table).rows.with_columns(known=dataset.knowable_at())
    october = rows.filter(pl.col("report_date").is_between(date(2025, 9, 30), date(2025, 10, 28)))
    assert october.height == 10
    assert october["known"].dt.date().min() == date(2025, 11, 19)
    # Whatever stands in the recording had been released when it was made.
    assert rows["known"].max() < at("2026-01-06")  # type: ignore[operator]


def test_financial_futures_reports(market: Market, line: Transport) -> None:
    taken = take(market, line, "cftc__tff_futures")
    assert isinstance(taken.error, NotRecorded)
    assert taken.rows.height == 2
    newest = taken.rows.row(0, named=True)
    assert newest["report_date"] == date(2026, 9, 15)
    assert newest["contract_units"] is None, "an excerpt of 18 fields"
    assert newest["leveraged_fund_short_contracts"] > newest["leveraged_fund_long_contracts"]
