"""What landing promises, on a provider of which every row is known."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.landing import CannotArchive, Workspace, refresh_dataset, replay, windows_due
from orchestration.warehouse import Progress, merged
from sources.archive import Archive
from sources.dataset import Body, Column, Window
from sources.http import Client
from tests.unit.orchestration.tiny_market import PRICES, Acme, ask, at, chunked, fetch, rows

FIRST, LAST = date(2024, 1, 1), date(2024, 1, 9)


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.fixture
def acme() -> Acme:
    provider = Acme(now=at("2024-01-10 09:00"))
    provider.list_days(FIRST, LAST)
    return provider


@pytest.fixture
def workspace(acme: Acme, tmp_path: Path) -> Iterator[Workspace]:
    with acme.workspace(tmp_path) as opened:
        yield opened


def vintages(workspace: Workspace, asset: str, day: date) -> list[tuple[object, ...]]:
    """(price, available_at, basis) of every vintage of a key, oldest first."""
    return ask(
        workspace,
        f"""
        select price_usd, _available_at, _available_basis from raw.acme__prices
        where asset = '{asset}' and day = '{day}' order by rowid
        """,
    )


class TestNewAndChangedRows:
    def test_first_landing_brings_everything(self, acme: Acme, workspace: Workspace) -> None:
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert (report.status, report.new_row_count, report.changed_row_count) == ("landed", 18, 0)
        assert report.newest_period_end == at("2024-01-10 00:00")
        assert report.total_row_count == 18

    def test_same_answer_changes_nothing(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        before = rows(workspace)
        report = refresh_dataset(workspace, PRICES, "run-2")
        assert (report.status, report.new_row_count, report.changed_row_count) == ("unchanged", 0, 0)
        assert rows(workspace) == before

    def test_refresh_asks_only_for_what_may_still_move(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        acme.requests.clear()
        acme.now = at("2024-01-11 09:00")
        refresh_dataset(workspace, PRICES, "run-2")
        # Newest complete window ended on the 10th at 09:00; values are revised for two days.
        assert acme.requests == [("btc", date(2024, 1, 8)), ("eth", date(2024, 1, 8))]

    def test_restated_value_is_kept_beside_the_first(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        acme.now = at("2024-01-10 12:00")
        acme.prices["btc", LAST] = 99.0
        report = refresh_dataset(workspace, PRICES, "run-2")
        assert (report.new_row_count, report.changed_row_count) == (0, 1)
        assert vintages(workspace, "btc", LAST) == [
            (108.0, at("2024-01-10 08:00"), "assumed"),
            (99.0, at("2024-01-10 12:00"), "observed"),
        ]

    def test_value_restated_back_is_a_third_vintage(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        for hour, price in ((12, 99.0), (13, 108.0)):
            acme.now = at(f"2024-01-10 {hour}:00")
            acme.prices["btc", LAST] = price
            refresh_dataset(workspace, PRICES, f"run-{hour}")
        assert [price for price, *_ in vintages(workspace, "btc", LAST)] == [108.0, 99.0, 108.0]

    def test_value_that_becomes_null_is_a_vintage(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        acme.prices["btc", LAST] = None
        assert refresh_dataset(workspace, PRICES, "run-2").changed_row_count == 1
        assert refresh_dataset(workspace, PRICES, "run-3").changed_row_count == 0

    def test_restatement_while_the_clock_stands_still_is_the_newest(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        acme.prices["btc", LAST] = 99.0
        refresh_dataset(workspace, PRICES, "run-2")
        acme.prices["btc", LAST] = 98.0
        refresh_dataset(workspace, PRICES, "run-3")
        assert refresh_dataset(workspace, PRICES, "run-4").changed_row_count == 0
        assert [price for price, *_ in vintages(workspace, "btc", LAST)] == [108.0, 99.0, 98.0]

    def test_vanished_row_is_not_deleted(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        del acme.prices["btc", LAST]
        assert refresh_dataset(workspace, PRICES, "run-2").status == "unchanged"
        assert vintages(workspace, "btc", LAST) != []

    def test_last_row_of_a_key_wins_and_duplicates_are_counted(self, acme: Acme, workspace: Workspace) -> None:
        acme.broken["btc"] = (
            b'[{"asset":"btc","day":"2024-01-09","price_usd":1.0},{"asset":"btc","day":"2024-01-09","price_usd":2.0}]'
        )
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert (report.fetched_row_count, report.new_row_count, report.duplicate_row_count) == (11, 10, 1)
        assert [price for price, *_ in vintages(workspace, "btc", LAST)] == [2.0]


class TestAvailability:
    def test_row_that_came_before_it_was_due_is_observed(self, acme: Acme, workspace: Workspace) -> None:
        acme.now = at("2024-01-10 03:00")
        refresh_dataset(workspace, PRICES, "run-1")
        assert vintages(workspace, "btc", LAST) == [(108.0, at("2024-01-10 03:00"), "observed")]

    def test_history_is_assumed_from_the_lag(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        assert vintages(workspace, "btc", FIRST) == [(100.0, at("2024-01-02 08:00"), "assumed")]

    def test_row_we_had_looked_for_in_vain_is_observed(self, acme: Acme, workspace: Workspace) -> None:
        late = acme.prices.pop(("btc", LAST))
        refresh_dataset(workspace, PRICES, "run-1")
        acme.now, acme.prices["btc", LAST] = at("2024-01-11 15:00"), late
        refresh_dataset(workspace, PRICES, "run-2")
        assert vintages(workspace, "btc", LAST) == [(108.0, at("2024-01-11 15:00"), "observed")]

    @pytest.mark.parametrize("looked_at", ["2024-01-09 20:00", "2024-01-10 03:00", "2024-01-10 08:00"])
    def test_looking_before_it_could_be_known_proves_nothing(
        self, acme: Acme, workspace: Workspace, looked_at: str
    ) -> None:
        """Inside the period, after it but within the usual lag, and at the very instant."""
        acme.now = at(looked_at)
        late = acme.prices.pop(("btc", LAST))
        refresh_dataset(workspace, PRICES, "run-1")
        acme.now, acme.prices["btc", LAST] = at("2024-01-11 15:00"), late
        refresh_dataset(workspace, PRICES, "run-2")
        assert vintages(workspace, "btc", LAST) == [(108.0, at("2024-01-10 08:00"), "assumed")]

    def test_looking_at_another_span_proves_nothing(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1", since=at("2024-01-05 00:00"))
        acme.now = at("2024-01-11 15:00")
        refresh_dataset(workspace, PRICES, "run-2", since=at("2024-01-01 00:00"))
        assert vintages(workspace, "btc", FIRST) == [(100.0, at("2024-01-02 08:00"), "assumed")]

    def test_a_failed_look_proves_nothing(self, acme: Acme, workspace: Workspace) -> None:
        acme.broken["btc"] = b"garbage"
        refresh_dataset(workspace, PRICES, "run-1")
        acme.broken.clear()
        acme.now = at("2024-01-11 15:00")
        refresh_dataset(workspace, PRICES, "run-2")
        assert vintages(workspace, "btc", LAST) == [(108.0, at("2024-01-10 08:00"), "assumed")]

    def test_the_descriptor_can_say_when_a_row_could_be_known(self, acme: Acme, tmp_path: Path) -> None:
        stamped = replace(PRICES, available_at=pl.lit(at("2024-01-10 08:30")))
        with acme.workspace(tmp_path, stamped) as workspace:
            refresh_dataset(workspace, stamped, "run-1")
            assert vintages(workspace, "btc", LAST) == [(108.0, at("2024-01-10 08:30"), "assumed")]

    def test_counts_say_on_what_basis(self, acme: Acme, workspace: Workspace) -> None:
        acme.now = at("2024-01-10 03:00")
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert (report.observed_row_count, report.assumed_row_count) == (2, 16)


class TestFailures:
    def test_garbage_costs_its_own_rows_only(self, acme: Acme, workspace: Workspace) -> None:
        acme.broken["btc"] = b"<html>sorry</html>"
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert (report.status, report.new_row_count, report.quarantined_count) == ("failed", 9, 1)
        assert report.error is not None
        assert "acme__prices" in report.error
        assert "not JSON" in report.error
        outcomes = ask(workspace, "select outcome, message from ops.retrievals order by sequence")
        assert outcomes == [("quarantined", "not JSON"), ("parsed", None)]

    def test_what_did_not_come_is_asked_for_again(self, acme: Acme, workspace: Workspace) -> None:
        acme.broken["btc"] = b"garbage"
        refresh_dataset(workspace, PRICES, "run-1")
        acme.broken.clear()
        report = refresh_dataset(workspace, PRICES, "run-2")
        assert (report.status, report.new_row_count) == ("landed", 9)

    def test_a_refusal_is_kept_as_evidence(self, acme: Acme, workspace: Workspace) -> None:
        acme.statuses["eth"] = 451
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert (report.status, report.new_row_count) == ("failed", 9)
        evidence = ask(workspace, "select outcome, status, message from ops.retrievals order by sequence desc limit 1")
        assert evidence[0][:2] == ("quarantined", 451)
        kinds = ask(workspace, "select status, error_kind from ops.landings")
        assert kinds == [("failed", "Blocked")]

    def test_who_does_not_answer_is_not_asked_on_and_on(self, acme: Acme, workspace: Workspace) -> None:
        acme.statuses["btc"] = 503
        report = refresh_dataset(workspace, chunked(2), "run-1")
        assert report.status == "failed"
        assert {day for _, day in acme.requests} == {FIRST}

    def test_a_bad_window_does_not_stop_the_others(self, acme: Acme, workspace: Workspace) -> None:
        acme.prices["btc", date(2024, 1, 3)] = None
        broken = replace(chunked(2), parse=lambda body: _parse_but_not(body, "2024-01-03"))
        report = refresh_dataset(workspace, broken, "run-1")
        assert report.status == "failed"
        assert len(report.errors) == 1
        assert report.new_row_count == 16
        acme.requests.clear()
        report = refresh_dataset(workspace, chunked(2), "run-2")
        assert report.new_row_count == 2
        assert ("btc", date(2024, 1, 3)) in acme.requests

    def test_a_parser_that_trips_does_not_stop_the_dataset_for_good(self, acme: Acme, workspace: Workspace) -> None:
        def trip(_: Body) -> pl.DataFrame:
            raise KeyError("day")

        report = refresh_dataset(workspace, replace(PRICES, parse=trip), "run-1")
        assert report.quarantined_count == 2
        assert refresh_dataset(workspace, PRICES, "run-2").new_row_count == 18

    def test_no_rows_where_rows_are_due_is_a_failure(self, acme: Acme, workspace: Workspace) -> None:
        acme.prices.clear()
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert report.status == "failed"
        assert report.error is not None
        assert "without rows where rows are due" in report.error

    def test_no_rows_where_none_are_due_is_none(self, acme: Acme, workspace: Workspace) -> None:
        acme.prices.clear()
        assert refresh_dataset(workspace, PRICES, "run-1", since=at("2024-01-09 00:00")).status == "empty"
        optional = replace(PRICES, can_be_empty=True)
        assert refresh_dataset(workspace, optional, "run-2", since=at("2024-01-01 00:00")).status == "empty"

    def test_a_new_column_is_recorded_once_and_not_stored(self, acme: Acme, workspace: Workspace) -> None:
        acme.broken["btc"] = b'[{"asset":"btc","day":"2024-01-09","price_usd":1.0,"mood":"good"}]'
        report = refresh_dataset(workspace, PRICES, "run-1")
        assert report.novelties == ("mood",)
        assert report.status == "landed"
        refresh_dataset(workspace, PRICES, "run-2")
        assert ask(workspace, "select table_name, column_name from ops.novelties") == [("acme__prices", "mood")]

    def test_a_missing_column_is_a_failure(self, acme: Acme, workspace: Workspace) -> None:
        without = replace(PRICES, parse=lambda body: PRICES.parse(body).drop("price_usd"))
        report = refresh_dataset(workspace, without, "run-1")
        assert report.error is not None
        assert "declared columns are missing: price_usd" in report.error

    def test_a_dataset_whose_key_is_not_set_is_skipped(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        locked = replace(PRICES, needs_key="ACME_API_KEY")
        monkeypatch.delenv("ACME_API_KEY", raising=False)
        assert refresh_dataset(workspace, locked, "run-1").status == "skipped"
        monkeypatch.setenv("ACME_API_KEY", "not a secret")
        assert refresh_dataset(workspace, locked, "run-2").status == "landed"


class TestInterruptions:
    def test_killed_between_archive_and_landing(
        self, acme: Acme, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(workspace.warehouse, "land", killed)
            with pytest.raises(Killed):
                refresh_dataset(workspace, PRICES, "run-1")
        assert rows(workspace) == []
        acme.requests.clear()
        report = refresh_dataset(workspace, PRICES, "run-2")
        assert report.status == "landed"
        # The window had come completely, so only the days that may still move are asked for again.
        assert {day for _, day in acme.requests} == {date(2024, 1, 8)}
        assert rows(workspace) == _undisturbed(acme, tmp_path)
        assert ask(workspace, "select distinct _run_id from raw.acme__prices") == [("run-1",)]

    def test_killed_while_fetching(self, acme: Acme, workspace: Workspace, tmp_path: Path) -> None:
        def fetch_one(window: Window, client: Client) -> Iterator[Body]:
            yield next(fetch(window, client))
            raise Killed

        with pytest.raises(Killed):
            refresh_dataset(workspace, replace(PRICES, fetch=fetch_one), "run-1")
        acme.requests.clear()
        report = refresh_dataset(workspace, PRICES, "run-2")
        assert report.status == "landed"
        assert report.errors == []
        # Half of a window is none: it is asked for again from its beginning.
        assert {day for _, day in acme.requests} == {FIRST}
        assert sorted(rows(workspace), key=repr) == sorted(_undisturbed(acme, tmp_path), key=repr)

    def test_a_landing_that_fails_in_the_middle_leaves_nothing(self, workspace: Workspace) -> None:
        with workspace.warehouse.connect("testing") as connection:
            connection.execute("alter table ops.novelties rename to hidden")
        novel = replace(PRICES, parse=lambda body: PRICES.parse(body).with_columns(mood=pl.lit("good")))
        with pytest.raises(Exception, match="novelties"):
            refresh_dataset(workspace, novel, "run-1")
        with workspace.warehouse.connect("testing") as connection:
            connection.execute("alter table ops.hidden rename to novelties")
        assert rows(workspace) == []
        assert ask(
            workspace, "select count(*) from ops.landings union all from (select count(*) from ops.retrievals)"
        ) == [
            (0,),
            (0,),
        ]
        refresh_dataset(workspace, PRICES, "run-2")
        assert len(rows(workspace)) == 18

    def test_a_full_disk_under_the_archive_is_one_line(
        self, acme: Acme, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "some/body.json.zst")

        with monkeypatch.context() as patched:
            patched.setattr(Archive, "store", full)
            with pytest.raises(CannotArchive, match="No space left on device") as caught:
                refresh_dataset(workspace, PRICES, "run-1")
        assert "\n" not in str(caught.value)
        assert rows(workspace) == []
        assert refresh_dataset(workspace, PRICES, "run-2").new_row_count == 18


class TestReplay:
    @pytest.fixture
    def eventful(self, acme: Acme, workspace: Workspace) -> Workspace:
        """A history with everything in it: restatements, late rows, garbage, a refusal, an interrupted run."""
        late = acme.prices.pop(("eth", LAST))
        refresh_dataset(workspace, PRICES, "run-1")
        acme.now = at("2024-01-10 12:00")
        acme.broken["btc"] = b"garbage"
        refresh_dataset(workspace, PRICES, "run-2")
        acme.broken.clear()
        acme.now = at("2024-01-11 09:00")
        acme.list_days(FIRST, date(2024, 1, 10))
        acme.prices["eth", LAST], acme.prices["btc", LAST] = late, 77.0
        acme.statuses["eth"] = 403
        refresh_dataset(workspace, PRICES, "run-3")
        acme.statuses.clear()

        def fetch_one(window: Window, client: Client) -> Iterator[Body]:
            yield next(fetch(window, client))
            raise Killed

        acme.now = at("2024-01-11 10:00")
        with pytest.raises(Killed):
            refresh_dataset(workspace, replace(PRICES, fetch=fetch_one), "run-4")
        acme.now = at("2024-01-12 09:00")
        refresh_dataset(workspace, PRICES, "run-5")
        assert len({basis for *_, basis, _ in rows(workspace)}) == 2
        return workspace

    def test_gives_identical_rows_and_asks_nobody(self, acme: Acme, eventful: Workspace) -> None:
        before = rows(eventful)
        retrievals = ask(eventful, "from ops.retrievals order by sequence")
        acme.requests.clear()
        replay(eventful, PRICES)
        assert rows(eventful) == before
        assert ask(eventful, "from ops.retrievals order by sequence") == retrievals
        assert acme.requests == []

    def test_a_lost_warehouse_is_rebuilt_by_the_next_refresh(
        self, acme: Acme, eventful: Workspace, tmp_path: Path
    ) -> None:
        before = rows(eventful)
        shutil.copytree(eventful.settings.archive_path, tmp_path / "elsewhere" / "live" / "archive")
        with acme.workspace(tmp_path / "elsewhere") as other:
            report = refresh_dataset(other, PRICES, "run-6")
            assert report.errors == []
            assert rows(other) == before

    def test_a_damaged_body_is_named_and_costs_its_own_rows_only(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        entry = Archive(workspace.settings.archive_path, PRICES).entries()[0]
        (workspace.settings.archive_path / "acme" / "prices" / entry.path).write_bytes(b"rotten")
        report = replay(workspace, PRICES)
        assert report.new_row_count == 9
        assert report.error is not None
        assert entry.path in report.error


class TestSchema:
    def test_a_column_declared_later_is_added(self, acme: Acme, workspace: Workspace) -> None:
        refresh_dataset(workspace, PRICES, "run-1")
        wider = replace(
            PRICES,
            columns=(*PRICES.columns, Column("mood", pl.String, "Mood.")),
            parse=lambda body: PRICES.parse(body).with_columns(mood=pl.lit("good")),
        )
        workspace.warehouse.prepare(workspace.market, [wider])
        report = refresh_dataset(workspace, wider, "run-2")
        # Every row that is asked for again differs from its vintage without the column.
        assert report.changed_row_count == 4
        assert ask(workspace, "select count(*), count(mood) from raw.acme__prices") == [(22, 4)]

    def test_types_and_comments_are_those_of_the_descriptor(self, workspace: Workspace) -> None:
        columns = ask(
            workspace,
            "select column_name, data_type, comment from duckdb_columns() where table_name = 'acme__prices' limit 4",
        )
        assert columns == [
            ("asset", "VARCHAR", "Asset."),
            ("day", "DATE", "UTC day."),
            ("price_usd", "DOUBLE", "Closing price, US dollars."),
            ("_vintage_at", "TIMESTAMP WITH TIME ZONE", "When this version of the row was retrieved."),
        ]


def window(start: str, end: str) -> Window:
    return Window(at(start), at(end))


class TestWindowsDue:
    BEGIN, NOW = at("2024-01-01 00:00"), at("2024-02-10 09:00")

    def due(self, *, asked: tuple[Window, ...] = (), covered: tuple[Window, ...] = (), days: int = 400) -> list[Window]:
        return windows_due(chunked(days), Progress(0, merged(asked), merged(covered)), self.BEGIN, self.NOW)

    def test_history_if_nothing_was_asked_for(self) -> None:
        assert self.due() == [Window(self.BEGIN, self.NOW)]

    def test_history_is_split_oldest_first(self) -> None:
        windows = self.due(days=30)
        assert windows == [window("2024-01-01", "2024-01-31"), Window(at("2024-01-31"), self.NOW)]

    def test_tail_begins_at_midnight_before_the_last_revision(self) -> None:
        done = window("2024-01-01", "2024-02-09 15:00")
        assert self.due(asked=(done,), covered=(done,)) == [Window(at("2024-02-07"), self.NOW)]

    def test_a_hole_is_filled(self) -> None:
        asked = window("2024-01-01", "2024-02-09")
        covered = (window("2024-01-01", "2024-01-10"), window("2024-01-12", "2024-02-09"))
        assert self.due(asked=(asked,), covered=covered) == [
            window("2024-01-10", "2024-01-12"),
            Window(at("2024-02-07"), self.NOW),
        ]

    def test_everything_asked_for_if_nothing_came(self) -> None:
        assert self.due(asked=(window("2024-02-01", "2024-02-05"),)) == [Window(at("2024-02-01"), self.NOW)]

    def test_what_lies_before_the_first_question_is_left_alone(self) -> None:
        done = window("2024-02-01", "2024-02-09")
        assert self.due(asked=(done,), covered=(done,)) == [Window(at("2024-02-07"), self.NOW)]

    def test_since_asks_again(self) -> None:
        done = window("2024-01-01", "2024-02-10 09:00")
        progress = Progress(9, (done,), (done,))
        assert windows_due(PRICES, progress, self.BEGIN, self.NOW, since=at("2023-01-01")) == [
            Window(self.BEGIN, self.NOW)
        ]
        assert windows_due(PRICES, progress, self.BEGIN, self.NOW, since=at("2025-01-01")) == []

    @given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 200), st.booleans()), min_size=1, max_size=12))
    def test_everything_asked_for_and_everything_since_is_covered_in_the_end(
        self, attempts: list[tuple[int, int, bool]]
    ) -> None:
        hour = timedelta(hours=1)
        spans = [
            (Window(self.BEGIN + start * hour, min(self.BEGIN + (start + length) * hour, self.NOW)), is_covered)
            for start, length, is_covered in attempts
        ]
        asked = tuple(span for span, _ in spans)
        covered = tuple(span for span, is_covered in spans if is_covered)
        due = self.due(asked=asked, covered=covered, days=7)
        first = min(span.start for span in asked)
        assert merged([*covered, *due])[-1].end == self.NOW
        # Nothing between the first question and now is left open, but what was never asked for before the newest one.
        never = set(_hours(first, max(span.end for span in asked))) - {
            moment for span in asked for moment in _hours(span.start, span.end)
        }
        reached = {moment for span in (*covered, *due) for moment in _hours(span.start, span.end)}
        assert set(_hours(first, self.NOW)) - reached <= never
        assert all(later.start >= sooner.end for sooner, later in pairwise(due))


def _hours(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += timedelta(hours=1)


def _undisturbed(acme: Acme, folder: Path) -> list[tuple[object, ...]]:
    """The rows of the same market in a home where nothing was ever interrupted."""
    with acme.workspace(folder / "undisturbed") as other:
        refresh_dataset(other, PRICES, "run-1")
        return rows(other)


def _parse_but_not(body: Body, day: str) -> pl.DataFrame:
    if dict(body.request.params)["start"].startswith(day):
        raise ValueError(f"no {day}, please")
    return PRICES.parse(body)
