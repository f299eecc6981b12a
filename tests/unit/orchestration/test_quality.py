"""Every rule finds what it is for and nothing in a healthy series; findings outlive a second look."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from orchestration import quality
from orchestration.landing import Workspace, refresh_dataset, replay
from orchestration.quality import examine
from sources.dataset import Cadence, Column, Dataset, Window
from tests.unit.orchestration.tiny_market import PRICES, Acme, ask, at

FIRST = date(2024, 1, 1)
TOUCHED = Window(at("2024-01-01"), at("2026-01-01"))
Rows = list[tuple[date, float | None]]


def healthy(count: int = 300) -> Rows:
    """A series that wanders and never says the same twice."""
    return [
        (FIRST + timedelta(days=n), 100 + 10 * math.sin(n / 9) + 3 * math.sin(n * n) + n * 1e-6) for n in range(count)
    ]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Acme(now=at("2025-06-01")).workspace(tmp_path) as opened:
        yield opened


@pytest.fixture
def findings(workspace: Workspace) -> Callable[..., list[tuple[object, ...]]]:
    """What is found in a series of one asset that is put into the raw table as it is."""

    def find(rows: Rows, dataset: Dataset = PRICES, *, vintage: str = "2025-06-01") -> list[tuple[object, ...]]:
        frame = pl.DataFrame(
            {"asset": ["btc"] * len(rows), "day": [day for day, _ in rows], "price_usd": [price for _, price in rows]},
            schema={"asset": pl.String, "day": pl.Date, "price_usd": pl.Float64},
        )
        with workspace.warehouse.connect("testing") as connection:
            connection.register("frame", frame.to_arrow())
            connection.execute("delete from raw.acme__prices")
            connection.execute(
                f"""insert into raw.acme__prices by name select *, timestamptz '{vintage} 00:00:00+00' as _vintage_at,
                timestamptz '{vintage} 00:00:00+00' as _available_at from frame"""
            )
        examine(workspace.warehouse, dataset, TOUCHED, workspace.market.now())
        return ask(
            workspace,
            """select rule, column_name, cast(started_at as date), cast(ended_at as date), row_count
            from ops.findings order by all""",
        )

    return find


Find = Callable[..., list[tuple[object, ...]]]


def test_a_healthy_series_has_no_findings(findings: Find) -> None:
    assert findings(healthy()) == []


def test_a_gap_is_found_and_says_that_nobody_asked(findings: Find, workspace: Workspace) -> None:
    rows = [row for row in healthy() if not date(2024, 3, 5) <= row[0] <= date(2024, 3, 7)]
    assert findings(rows) == [("gap", "", date(2024, 3, 4), date(2024, 3, 8), 3)]
    assert ask(workspace, "select entity, detail from ops.findings") == [("btc", "3 missing: never asked for")]


def test_irregular_series_have_no_gaps(findings: Find) -> None:
    rows = [row for n, row in enumerate(healthy()) if n % 7 in (0, 1, 3)]
    assert findings(rows) == []


def test_a_frozen_value_is_found_where_repeating_is_unusual(findings: Find) -> None:
    rows = [(day, 97.5 if date(2024, 4, 1) <= day <= date(2024, 4, 5) else price) for day, price in healthy()]
    assert findings(rows) == [("frozen", "price_usd", date(2024, 4, 1), date(2024, 4, 5), 5)]


def test_a_value_that_rests_often_may_rest(findings: Find) -> None:
    rows = [(day, 1.0 if n % 20 < 15 else price) for n, (day, price) in enumerate(healthy())]
    assert findings(rows) == []


def test_zeros_in_a_row_are_found(findings: Find) -> None:
    rows = [(day, 0.0 if date(2024, 4, 1) <= day <= date(2024, 4, 4) else price) for day, price in healthy()]
    assert findings(rows) == [("zero_run", "price_usd", date(2024, 4, 1), date(2024, 4, 4), 4)]


def test_a_series_of_zeros_is_found_and_one_that_often_is_zero_is_not(findings: Find) -> None:
    assert findings([(day, 0.0) for day, _ in healthy(40)])[0][:2] == ("zero_run", "price_usd")
    assert findings([(day, 0.0 if n % 5 else price) for n, (day, price) in enumerate(healthy())]) == []


def test_another_unit_is_a_jump(findings: Find) -> None:
    rows = [(day, price * 1000 if day >= date(2024, 6, 1) else price) for day, price in healthy()]
    assert findings(rows) == [("jump", "price_usd", date(2024, 6, 1), date(2024, 6, 1), 1)]


def test_a_negative_among_hundreds_is_found(findings: Find) -> None:
    rows = [(day, -37.63 if day == date(2024, 4, 20) else price) for day, price in healthy()]
    assert findings(rows) == [("negative", "price_usd", date(2024, 4, 20), date(2024, 4, 20), 1)]
    signed = [(day, price - 100) for day, price in healthy()]
    assert "negative" not in {row[0] for row in findings(signed)}


def test_a_column_without_values_is_found(findings: Find) -> None:
    assert [row[:2] for row in findings([(day, None) for day, _ in healthy(40)])] == [("no_values", "price_usd")]


def test_a_row_from_the_future_is_found(findings: Find) -> None:
    assert findings(healthy(), vintage="2024-10-20") == [
        ("future_row", "", day, day, 1) for day in (FIRST + timedelta(days=n) for n in range(294, 300))
    ]


def nyse(**changes: object) -> Dataset:
    cadence = Cadence("15 8 * * *", timedelta(hours=8), timedelta(days=2), timedelta(days=9), "nyse")
    return replace(PRICES, cadence=cadence, **changes)  # type: ignore[arg-type]


def test_sessions_have_their_own_calendar(findings: Find) -> None:
    sessions = [row for row in healthy() if row[0].weekday() < 5 and row[0] not in _HOLIDAYS]
    assert findings(sessions, nyse()) == []
    # A bond market's holiday is one session; two in a row are a gap.
    one = [row for row in sessions if row[0] != date(2024, 10, 14)]
    assert findings(one, nyse()) == []
    two = [row for row in sessions if row[0] not in (date(2024, 3, 5), date(2024, 3, 6))]
    assert findings(two, nyse()) == [("gap", "", date(2024, 3, 4), date(2024, 3, 7), 2)]
    saturday = sorted([*sessions, (date(2024, 3, 9), 98.7654)])
    assert findings(saturday, nyse()) == [("not_a_session", "", date(2024, 3, 9), date(2024, 3, 9), 1)]


_HOLIDAYS = {
    date(2024, 1, 1), date(2024, 1, 15), date(2024, 2, 19), date(2024, 3, 29), date(2024, 5, 27), date(2024, 6, 19),
    date(2024, 7, 4), date(2024, 9, 2),
}  # fmt: skip


def test_a_weekly_series_knows_its_weekday(findings: Find) -> None:
    tuesdays = [row for row in healthy() if row[0].weekday() == 1]
    assert findings(tuesdays) == []
    moved = sorted([row for row in tuesdays if row[0] != date(2024, 4, 30)] + [(date(2024, 4, 29), 98.7654)])
    assert findings(moved) == [("unusual_weekday", "", date(2024, 4, 29), date(2024, 4, 29), 1)]


def test_found_stays_found_when_it_was(findings: Find, workspace: Workspace) -> None:
    rows = [row for row in healthy() if row[0] != date(2024, 3, 5)]
    findings(rows)
    before = ask(workspace, "from ops.findings")
    examine(workspace.warehouse, PRICES, TOUCHED, at("2025-08-01"))
    assert ask(workspace, "from ops.findings") == before
    assert findings(healthy()) == [], "what has come since is no gap any more"


def test_a_large_table_is_read_around_what_was_landed(
    findings: Find, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        (day, 97.5 if date(2024, 1, 20) <= day <= date(2024, 5, 20) else price)
        for day, price in healthy(600)
        if day not in (date(2024, 12, 24), date(2025, 6, 1))
    ]
    whole = findings(rows, vintage="2026-01-01")
    assert [row[0] for row in whole] == ["frozen", "gap", "gap"]
    monkeypatch.setattr(quality, "_WHOLE_BELOW", 10)
    for touched in (("2025-06-10", "2025-06-12"), ("2024-05-25", "2024-05-26"), ("2024-12-01", "2024-12-02")):
        examine(workspace.warehouse, PRICES, Window(at(touched[0]), at(touched[1])), at("2025-09-01"))
    found = ask(
        workspace,
        """select rule, column_name, cast(started_at as date), cast(ended_at as date), row_count
        from ops.findings order by all""",
    )
    assert found == whole, "a run that is longer than what is read around stays as long as it is"


# Through landing


def test_a_restated_figure_is_written_down(tmp_path: Path) -> None:
    acme = Acme(now=at("2024-02-01 12:00"))
    acme.list_days(date(2024, 1, 1), date(2024, 1, 31))
    with acme.workspace(tmp_path) as workspace:
        refresh_dataset(workspace, PRICES, "first")
        acme.prices["btc", date(2024, 1, 31)] = 143.0
        acme.prices["eth", date(2024, 1, 30)] = None
        acme.now = at("2024-02-02 12:00")
        report = refresh_dataset(workspace, PRICES, "second")
        assert report.changed_row_count == 2
        query = """
            select cast(period_at as date), entity, column_name, value_before, value_after,
                round(relative_change_ratio, 3), cast(first_given_at as date), cast(restated_at as date), run_id
            from ops.restatements order by all"""
        told = ask(workspace, query)
        assert told == [
            (date(2024, 1, 30), "eth", "price_usd", "129.0", None, None, date(2024, 2, 1), date(2024, 2, 2), "second"),
            (
                date(2024, 1, 31),
                "btc",
                "price_usd",
                "130.0",
                "143.0",
                0.1,
                date(2024, 2, 1),
                date(2024, 2, 2),
                "second",
            ),
        ]
        replay(workspace, PRICES)
        assert ask(workspace, query) == told, "the archive tells the same again"


def test_history_that_was_cut_is_found_and_kept(tmp_path: Path) -> None:
    acme = Acme(now=at("2024-06-01 12:00"))
    acme.list_days(date(2024, 1, 1), date(2024, 5, 31))
    with acme.workspace(tmp_path) as workspace:
        refresh_dataset(workspace, PRICES, "first")
        for key in [key for key in acme.prices if key[1] < date(2024, 3, 1)]:
            del acme.prices[key]
        acme.list_days(date(2024, 6, 1), date(2024, 6, 1), price=512.5)
        acme.now = at("2024-06-02 12:00")
        refresh_dataset(workspace, PRICES, "second", since=at("2024-01-01"))
        found = ask(
            workspace,
            "select entity, cast(started_at as date), cast(ended_at as date) from ops.findings "
            "where rule = 'first_date_moved' order by entity",
        )
        url = "GET https://acme.example/prices?asset="
        assert found == [
            (f"{url}btc", date(2024, 1, 1), date(2024, 3, 1)),
            (f"{url}eth", date(2024, 1, 1), date(2024, 3, 1)),
        ]
        assert ask(workspace, "select count(*) from raw.acme__prices where day < '2024-03-01'") == [(120,)]


def test_the_reason_of_a_gap_is_what_happened(tmp_path: Path) -> None:
    acme = Acme(now=at("2024-03-01 12:00"))
    acme.list_days(date(2024, 1, 1), date(2024, 2, 29))
    del acme.prices["btc", date(2024, 1, 10)]
    with acme.workspace(tmp_path) as workspace:
        refresh_dataset(workspace, PRICES, "first")
        assert ask(workspace, "select entity, detail from ops.findings where rule = 'gap'") == [
            ("btc", "1 missing: the provider answered and had none")
        ]


def test_a_column_of_a_key_is_not_a_figure() -> None:
    dataset = replace(
        PRICES,
        columns=(*PRICES.columns, Column("band_pct", pl.Float64, "Band.")),
        key=("asset", "day", "band_pct"),
    )
    assert quality._figures(dataset) == ["price_usd"]
