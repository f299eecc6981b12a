"""Descriptors check themselves: each rule is watched rejecting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from sources.dataset import (
    UTC,
    UTC_DATETIME,
    Body,
    Cadence,
    Column,
    Dataset,
    Licence,
    Provider,
    Rate,
    Request,
    Window,
    at_midnight,
)
from sources.errors import Malformed
from sources.http import Client
from tests.unit.sources.wire import at

DAY = timedelta(days=1)


def _fetch(window: Window, client: Client) -> Iterator[Body]:
    yield from ()


def _parse(body: Body) -> pl.DataFrame:
    return pl.DataFrame()


PROVIDER = Provider(
    name="example",
    title="Example",
    homepage="https://provider.example",
    licence=Licence.PUBLIC_DOMAIN,
    probe_url="https://provider.example/ping",
)
CADENCE = Cadence(cron="15 8 * * *", lag=timedelta(hours=8), revised_for=7 * DAY, stale_after=3 * DAY)
DATASET = Dataset(
    provider=PROVIDER,
    name="prices",
    subject="prices",
    description="Prices of things.",
    grain="one row per thing and day",
    columns=(
        Column("thing", pl.String, "What."),
        Column("day", pl.Date, "When."),
        Column("price_usd", pl.Float64, "How much."),
    ),
    key=("thing", "day"),
    time_column="day",
    period=DAY,
    cadence=CADENCE,
    starts_on=date(2020, 1, 1),
    fetch=_fetch,
    parse=_parse,
    docs_url="https://provider.example/docs",
)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "Prices"}, "not lower snake case"),
        ({"subject": "astrology"}, "subject 'astrology' is not one of"),
        ({"columns": (*DATASET.columns, DATASET.columns[0])}, "a column is declared twice"),
        ({"key": ("thing", "day", "venue")}, "key columns not declared: venue"),
        ({"key": ()}, "has no key"),
        ({"time_column": "price_usd"}, "time column 'price_usd' is not part of the key"),
        ({"time_column": "thing"}, "time column 'thing' is neither a date nor a UTC datetime"),
        ({"grain": "daily"}, "the grain does not start with"),
        ({"description": "Prices"}, "the description is not a sentence"),
        ({"period": -DAY}, "the period is negative"),
        ({"chunk": timedelta(0)}, "the chunk is not positive"),
        ({"docs_url": "http://provider.example"}, "is not an https address"),
        ({"available_at": pl.col("released_at")}, "available_at uses columns not declared: released_at"),
    ],
)
def test_a_dataset_names_its_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        replace(DATASET, **changes)
    assert "example" in str(caught.value), "the message says which dataset"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "Example Co"}, "not lower snake case"),
        ({"rates": ()}, "at least one rate"),
        ({"parallel": 0}, "one request at a time"),
        ({"homepage": "provider.example"}, "homepage 'provider.example' is not an https address"),
        ({"probe_url": "http://provider.example"}, "probe_url"),
    ],
)
def test_a_provider_names_its_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(PROVIDER, **changes)


@pytest.mark.parametrize(("requests", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0)])
def test_a_rate_that_allows_nothing_is_refused(requests: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="allows nothing"):
        Rate(requests, seconds)


@pytest.mark.parametrize(
    ("name", "dtype", "description", "fault"),
    [
        ("PriceUSD", pl.Float64, "Price.", "not lower snake case"),
        ("price_", pl.Float64, "Price.", "not lower snake case"),
        ("price_usd", pl.Float32, "Price.", "not one of the types"),
        ("seen_at", pl.Datetime("us"), "When.", "not one of the types"),
        ("seen_at", pl.Datetime("ms", "UTC"), "When.", "not one of the types"),
        ("price_usd", pl.Float64, "Price", "not a sentence"),
    ],
)
def test_a_column_names_its_fault(name: str, dtype: Any, description: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Column(name, dtype, description)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cron": "15 8 * *"}, "does not have five fields"),
        ({"calendar": "lse"}, "neither utc nor nyse"),
        ({"lag": -DAY}, "cannot be negative"),
        ({"revised_for": -DAY}, "cannot be negative"),
        ({"stale_after": timedelta(0)}, "cannot be negative"),
    ],
)
def test_a_cadence_names_its_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        replace(CADENCE, **changes)


@pytest.mark.parametrize(
    ("cron", "frequency"),
    [
        ("5 * * * *", "hourly"),
        ("5 */4 * * *", "hourly"),
        ("5 0,12 * * *", "hourly"),
        ("15 8 * * *", "daily"),
        ("30 4 * * 2-6", "daily"),
        ("30 6 2 * *", "daily"),
        ("0 22 * * 1", "weekly"),
    ],
)
def test_the_schedule_follows_from_the_cron(cron: str, frequency: str) -> None:
    assert replace(CADENCE, cron=cron).frequency == frequency


def test_a_window_is_in_utc_and_not_empty() -> None:
    with pytest.raises(ValueError, match="not in UTC"):
        Window(datetime(2024, 1, 1), at("2024-01-02"))
    with pytest.raises(ValueError, match="not in UTC"):
        Window(at("2024-01-01"), datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1))))
    with pytest.raises(ValueError, match="empty"):
        Window(at("2024-01-01"), at("2024-01-01"))


def test_the_days_and_months_a_window_touches() -> None:
    window = Window(at("2024-01-30 12:00"), at("2024-03-01"))
    assert list(window.days())[:3] == [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1)]
    assert list(window.days())[-1] == date(2024, 2, 29)
    assert list(window.months()) == [date(2024, 1, 1), date(2024, 2, 1)]
    assert Window.of_days(date(2024, 2, 28), date(2024, 2, 29)) == Window(at("2024-02-28"), at("2024-03-01"))


def test_the_parts_of_a_window_are_the_window() -> None:
    window = Window(at("2024-01-01"), at("2024-01-10 12:00"))
    parts = list(window.split(timedelta(days=4)))
    assert parts[0].start == window.start
    assert parts[-1].end == window.end
    assert all(one.end == other.start for one, other in pairwise(parts))
    assert len(parts) == 3
    assert list(window.split(None)) == [window]


def frame(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"thing": ["a"], "day": [date(2024, 1, 1)], "price_usd": [1.0], **columns})


def test_conforming_orders_the_columns_and_leaves_novelties_behind() -> None:
    upstream = frame(brand_new=["x"]).select("brand_new", "price_usd", "day", "thing")
    assert DATASET.conform(upstream).columns == ["thing", "day", "price_usd"]
    assert DATASET.novelties(upstream) == ("brand_new",)


@pytest.mark.parametrize(
    ("upstream", "fault"),
    [
        (frame().drop("price_usd"), "declared columns are missing: price_usd"),
        (frame(price_usd=["1.0"]), "column price_usd is String, declared Float64"),
        (frame(day=[datetime(2024, 1, 1, tzinfo=UTC)]), "column day is Datetime"),
        (frame(thing=pl.Series([None], dtype=pl.String)), "key columns hold nulls: thing"),
    ],
)
def test_conforming_refuses_what_is_not_declared(upstream: pl.DataFrame, fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        DATASET.conform(upstream)


def test_an_empty_frame_conforms() -> None:
    assert DATASET.conform(DATASET.empty()).schema == pl.Schema(dict(DATASET.schema))


def known(dataset: Dataset, **columns: Any) -> datetime:
    moment: datetime = frame(**columns).select(dataset.knowable_at()).item()
    return moment


def test_a_day_is_knowable_a_lag_after_it_ended() -> None:
    assert known(DATASET) == at("2024-01-02 08:00")


def test_a_session_ends_at_the_close_in_new_york_in_summer_and_winter() -> None:
    nyse = replace(DATASET, cadence=replace(CADENCE, calendar="nyse"))
    assert known(nyse, day=[date(2024, 1, 5)]) == at("2024-01-06 05:00")
    assert known(nyse, day=[date(2024, 7, 5)]) == at("2024-07-06 04:00")


def test_the_vendors_own_time_wins_where_it_is_given() -> None:
    stamped = replace(
        DATASET,
        columns=(*DATASET.columns, Column("done_at", UTC_DATETIME, "When it was done.")),
        available_at=pl.col("done_at"),
    )
    assert known(stamped, done_at=[at("2024-01-02 01:00")]) == at("2024-01-02 01:00")
    assert known(stamped, done_at=pl.Series([None], dtype=UTC_DATETIME)) == at("2024-01-02 08:00")


def test_an_instant_is_knowable_a_lag_later() -> None:
    instants = replace(
        DATASET,
        columns=(Column("seen_at", UTC_DATETIME, "When."), *DATASET.columns),
        key=("thing", "seen_at"),
        time_column="seen_at",
        period=timedelta(0),
    )
    assert known(instants, seen_at=[at("2024-01-01 10:00")]) == at("2024-01-01 18:00")


def test_history_begins_at_midnight() -> None:
    assert DATASET.history == at_midnight(date(2020, 1, 1)) == at("2020-01-01")


def test_a_parameter_that_was_not_sent_is_blank() -> None:
    request = Request("https://provider.example", (("id", "X"),))
    assert (request.param("id"), request.param("limit")) == ("X", "")
