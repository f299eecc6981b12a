"""What holds for every dataset that the simulated market answers, whatever it means: found by walking the registry.

Each is fetched and parsed by its own code over the simulated market, healthy and with every fault of the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from sources.dataset import UTC_DATETIME, Dataset, Window, at_midnight
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.market import open_market
from sources.registry import DATASETS, PROVIDERS
from sources.simulator import market
from sources.simulator.answers import PROVIDERS as ANSWERING

pytestmark = pytest.mark.unit

TOLD = sorted(table for table, dataset in DATASETS.items() if dataset.provider.name in ANSWERING)
SPAN = Window(at_midnight(date(2025, 11, 8)), market.END_OF_MARKET)
_SHORT_SPAN = Window(at_midnight(date(2025, 11, 30)), market.END_OF_MARKET)
_LARGE = {"binance_vision", "recorder"}
"""Providers of which a few days hold as many rows as years of others."""
ALL = pytest.mark.parametrize("table", TOLD)


@dataclass(frozen=True)
class Taken:
    """What a fetch gave: rows of the bodies that read, undeclared columns, and every failure."""

    rows: pl.DataFrame
    novelties: frozenset[str]
    failures: tuple[SourceError, ...]


def span_of(dataset: Dataset) -> Window:
    return _SHORT_SPAN if dataset.provider.name in _LARGE else SPAN


def take(table: str, *faults: str) -> Taken:
    dataset = DATASETS[table]
    span = span_of(dataset)
    frames, novelties, failures = [dataset.empty()], set(), []
    with open_market("simulated", faults=faults).connect() as transport:
        bodies = dataset.fetch(span, transport.client(dataset, span))
        while True:
            try:
                if (body := next(bodies, None)) is None:
                    break
            except SourceError as error:
                failures.append(error)
                break
            try:
                frame = dataset.parse(body)
                frames.append(dataset.conform(frame))
                novelties |= set(dataset.novelties(frame))
            except SourceError as error:
                failures.append(error)
    rows = pl.concat(frames).unique(dataset.key, keep="last", maintain_order=True)
    return Taken(rows, frozenset(novelties), tuple(failures))


@cache
def sound(table: str) -> Taken:
    return take(table)


def begins(dataset: Dataset, rows: pl.DataFrame) -> pl.Series:
    column = rows[dataset.time_column]
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") if column.dtype == pl.Date else column


@ALL
def test_a_healthy_market_gives_rows(table: str) -> None:
    taken, dataset = sound(table), DATASETS[table]
    assert taken.failures == ()
    assert taken.novelties == frozenset()
    assert taken.rows.height > 0, "nothing in four weeks: the simulated provider has something to tell"
    for name in taken.rows.columns:
        assert taken.rows[name].null_count() < taken.rows.height or dataset.schema[name] != pl.Float64, name


@ALL
def test_nothing_is_told_before_its_time(table: str) -> None:
    dataset, rows = DATASETS[table], sound(table).rows
    assert begins(dataset, rows).max() <= market.END_OF_MARKET  # type: ignore[operator]
    ends = rows.select(end=dataset.period_end().cast(UTC_DATETIME))["end"]
    assert ends.max() <= market.END_OF_MARKET + timedelta(minutes=5), "an open period is no figure yet"  # type: ignore[operator]


@ALL
def test_the_same_twice(table: str) -> None:
    assert take(table).rows.equals(sound(table).rows)


WAYS: dict[str, tuple[type[SourceError], ...]] = {
    "dead": (Unreachable,),
    "blocked": (Blocked,),
    "challenge": (Blocked,),
    "rate_limited_always": (RateLimited,),
    "truncated": (Malformed, Rejected),
    "broken_off": (Unreachable,),
    "garbage": (Malformed,),
    "empty": (Malformed,),
}


# The way is one for all datasets of a provider, and what half a body or none does to each parser is asked elsewhere.
FIRST_OF = {DATASETS[table].provider.name: table for table in reversed(TOLD)}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("table", sorted(FIRST_OF.values()))
def test_a_fault_of_the_way_is_a_typed_failure_and_never_a_row(table: str, way: str) -> None:
    provider = DATASETS[table].provider.name
    fault = f"rate_limited:{provider}:always" if way == "rate_limited_always" else f"{way}:{provider}"
    taken = take(table, fault)
    assert taken.failures, "it has to be said"
    kinds = {type(failure) for failure in taken.failures}
    assert kinds <= set(WAYS[way]), f"{kinds} is not what {way} is"
    if way != "truncated":
        assert taken.rows.is_empty()


@ALL
def test_two_pauses_are_waited_for(table: str) -> None:
    assert take(table, f"rate_limited:{DATASETS[table].provider.name}").rows.equals(sound(table).rows)


@ALL
def test_a_new_field_is_told_and_costs_nothing(table: str) -> None:
    taken = take(table, f"new_column:{DATASETS[table].provider.name}")
    assert taken.failures == ()
    assert taken.rows.select(DATASETS[table].key).equals(sound(table).rows.select(DATASETS[table].key)) or (
        # A page of funds takes one more column for one more fund.
        table == "farside__etf_flows"
    )


def _day_with_rows(dataset: Dataset, rows: pl.DataFrame) -> date | None:
    """A day in the middle of what there is; None where all rows are of one day, as in a snapshot."""
    days = begins(dataset, rows).dt.date().unique().sort()
    span = span_of(dataset)
    inside = days.filter((days >= span.start.date()) & (days < span.end.date() - timedelta(days=1)))
    return inside[len(inside) // 2] if len(inside) > 1 else None


@ALL
def test_a_restated_day_changes_that_day_only(table: str) -> None:
    dataset, before = DATASETS[table], sound(table).rows
    if (day := _day_with_rows(dataset, before)) is None:
        return
    after = take(table, f"restated:{dataset.provider.name}:{day}").rows
    changed = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    assert changed.height > 0, "the restatement is told"
    assert set(begins(dataset, changed).dt.date()) <= {day - timedelta(days=1), day, day + timedelta(days=1)}


@ALL
def test_a_missing_day_is_a_hole(table: str) -> None:
    dataset, before = DATASETS[table], sound(table).rows
    if (day := _day_with_rows(dataset, before)) is None:
        return
    after = take(table, f"missing_day:{dataset.provider.name}:{day}").rows
    assert after.height > 0
    gone = before.join(after, on=dataset.key, how="anti")
    assert day in set(begins(dataset, gone).dt.date())


def test_every_probe_is_answered() -> None:
    with open_market("simulated").connect() as transport:
        for name in sorted(ANSWERING):
            assert transport.probe(PROVIDERS[name]) in PROVIDERS[name].probe_statuses


def test_keys_are_asked_of_no_simulated_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in TOLD:
        if variable := DATASETS[table].needs_key:
            monkeypatch.delenv(variable, raising=False)
    assert all(not sound(table).failures for table in TOLD)
