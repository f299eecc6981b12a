"""Publishing: what the file holds, and that it changes only when something did."""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from orchestration.publishing.published import NotPublished, Published
from orchestration.publishing.snapshot import CannotPublish, PublishResult, publish_file
from tests import small_warehouse
from tests.small_warehouse import GAP_DAY, LAST_DAY, NOW


class House:
    """A market home with a small warehouse in it."""

    def __init__(self, root: Path) -> None:
        self.warehouse = root / "warehouse.duckdb"
        self.published = Published(root / "published")

    def publish(self, *, is_simulated: bool = True, keep: int = 5, **content: object) -> PublishResult:
        small_warehouse.build(self.warehouse, is_simulated=is_simulated, **content)  # type: ignore[arg-type]
        return self.publish_again(is_simulated=is_simulated, keep=keep)

    def publish_again(self, *, is_simulated: bool = True, keep: int = 5) -> PublishResult:
        return publish_file(self.warehouse, self.published, now=NOW, is_simulated=is_simulated, keep=keep)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.published.connect() as connection:
            return connection.execute(sql).fetchall()

    def version_names(self) -> list[str]:
        return sorted(os.listdir(self.published.versions_folder))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_holds_what_is_for_readers_and_nothing_else(house: House) -> None:
    result = house.publish()
    schemas = house.rows(
        "select distinct schema_name from duckdb_tables() union select distinct schema_name "
        "from duckdb_views() where not internal"
    )
    assert {row[0] for row in schemas} == {"marts", "meta", "quality"}
    with duckdb.connect(house.warehouse, read_only=True) as warehouse:
        expected = warehouse.execute("from marts.stress_index_daily order by date").fetchall()
    assert house.rows("from marts.stress_index_daily order by date") == expected
    counted = house.rows("select sum(estimated_size), count(*) from duckdb_tables()")[0]
    in_views = house.rows(
        "select count(*) from (select 1 from marts.stress_peaks union all from marts.stress_peak_count)"
    )
    assert (result.row_count, result.table_count) == (counted[0] + in_views[0][0], counted[1] + 2)
    assert result.byte_count == house.published.database.stat().st_size


def test_carries_comments_and_not_null(house: House) -> None:
    house.publish(is_simulated=False)
    comment = house.rows("select comment from duckdb_tables() where table_name = 'stress_index_daily'")
    assert comment == [("The index, one row per printed day; it's immutable.",)]
    columns = house.rows(
        "select column_name, is_nullable, comment from duckdb_columns() where table_name = 'stress_index_daily'"
    )
    assert ("date", False, None) in columns
    assert ("cmsi", True, "Crypto Market Stress Index, 0 to 100.") in columns
    assert house.rows("select comment from duckdb_views() where view_name = 'stress_peaks'") == [("Days above fifty.",)]


def test_every_table_of_a_simulated_market_says_so(house: House) -> None:
    house.publish(is_simulated=True)
    comments = house.rows(
        "select comment from duckdb_tables() union all select comment from duckdb_views() where not internal"
    )
    assert comments
    assert all(comment and comment.startswith("[SIMULATED]") for (comment,) in comments)


def test_no_table_of_a_live_market_says_simulated(house: House) -> None:
    house.publish(is_simulated=False)
    assert house.rows("select comment from duckdb_tables() where comment like '%SIMULATED%'") == []


def test_views_read_the_published_tables_under_any_name(house: House) -> None:
    house.publish()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{house.published.database}' as elsewhere (read_only)")
        peaks = connection.execute("select count(*) from elsewhere.marts.stress_peaks").fetchone()
        count = connection.execute("select peak_count from elsewhere.marts.stress_peak_count").fetchone()
    assert peaks == count
    assert peaks is not None
    assert peaks[0] > 0


def test_a_view_on_what_stays_behind_becomes_a_table(house: House) -> None:
    house.publish()
    assert house.rows("from marts.panels") == [(1,)]
    assert house.rows("select comment from duckdb_tables() where table_name = 'panels'") == [
        ("[SIMULATED] A view on what stays behind.",)
    ]


def test_file_is_in_the_storage_format_of_older_drivers(house: House) -> None:
    house.publish()
    header = house.published.database.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64
    assert not house.published.database.resolve().with_suffix(".duckdb.wal").exists()


def test_publishing_the_same_again_changes_nothing(house: House) -> None:
    first = house.publish()
    inode = house.published.database.stat().st_ino
    second = house.publish_again()
    assert first.is_new
    assert not second.is_new
    assert second.version == first.version
    assert (second.table_count, second.row_count, second.byte_count) == (
        first.table_count,
        first.row_count,
        first.byte_count,
    )
    assert house.published.database.stat().st_ino == inode
    assert house.version_names() == [first.version]


def test_a_restated_value_is_a_new_version(house: House) -> None:
    first = house.publish()
    second = house.publish(restated=1.0)
    assert second.is_new
    assert second.version > first.version
    vix = f"select value from marts.stress_indicators_daily where indicator = 'vix' and date = '{LAST_DAY}'"
    new = house.rows(vix)[0][0]
    with duckdb.connect(house.published.versions_folder / first.version / "undertow.duckdb", read_only=True) as old:
        before = old.execute(vix).fetchall()[0][0]
    assert new - before == pytest.approx(1.0)


def test_new_notes_are_published_although_the_marts_are_not_new(house: House) -> None:
    first = house.publish()
    later = NOW + timedelta(hours=1)
    second = house.publish(landed_at=later)
    assert not second.is_new
    assert second.version != first.version
    assert house.rows("select max(landed_at) from meta.landing_runs") == [(later,)]


def test_unchanged_tables_share_their_parquet_file(house: House) -> None:
    first = house.publish()
    second = house.publish(restated=1.0)
    folders = [house.published.versions_folder / result.version / "parquet" / "marts" for result in (first, second)]
    index = [(folder / "stress_index_daily.parquet").stat().st_ino for folder in folders]
    indicators = [(folder / "stress_indicators_daily.parquet").stat().st_ino for folder in folders]
    assert index[0] == index[1]
    assert indicators[0] != indicators[1]


def test_parquet_holds_the_same_rows(house: House) -> None:
    result = house.publish()
    assert result.parquet_path == house.published.parquet
    files = sorted(path.relative_to(result.parquet_path) for path in result.parquet_path.glob("*/*.parquet"))
    assert len(files) == result.table_count
    for file in files:
        table = f"{file.parent.name}.{file.stem}"
        rows = house.rows(f"select count(*), sum(hash(t)::hugeint) from {table} t")
        parquet = duckdb.execute(
            f"select count(*), sum(hash(t)::hugeint) from read_parquet('{result.parquet_path / file}') t"
        ).fetchall()
        assert parquet == rows, table


def test_keeps_the_last_versions_and_always_the_current(house: House) -> None:
    names = [house.publish(keep=3, restated=float(step)).version for step in range(6)]
    assert house.version_names() == names[-3:]
    current = house.published.current()
    assert current is not None
    assert current.name == names[-1]


def test_idle_runs_do_not_push_history_out(house: House) -> None:
    names = [house.publish(keep=4, restated=float(step)).version for step in range(3)]
    idle = [house.publish(keep=4, restated=2.0, landed_at=NOW + timedelta(hours=hour)).version for hour in range(1, 9)]
    assert house.version_names() == [*names[:2], *idle[-2:]]


def test_removes_what_a_killed_publish_left(house: House) -> None:
    first = house.publish()
    leftover = house.published.versions_folder / "20251205T004500Z-00002.part"
    leftover.mkdir()
    (leftover / "undertow.duckdb").write_bytes(b"half")
    (house.published.root / "current.part").symlink_to("versions/nowhere")
    house.publish_again()
    assert house.version_names() == [first.version]
    assert sorted(os.listdir(house.published.root)) == ["current", "parquet", "undertow.duckdb", "versions"]


def test_finishes_a_publish_that_was_killed_before_the_link_moved(house: House) -> None:
    first = house.publish()
    second = house.publish(restated=1.0)
    current = house.published.root / "current"
    current.unlink()
    current.symlink_to(f"versions/{first.version}")
    again = house.publish_again()
    assert again.version == second.version
    assert again.is_new
    assert house.version_names() == [first.version, second.version]
    assert os.readlink(current) == f"versions/{second.version}"


def test_mends_links_that_somebody_removed(house: House) -> None:
    house.publish()
    house.published.database.unlink()
    house.published.parquet.unlink()
    house.publish_again()
    assert house.rows("select count(*) from meta.about") == [(1,)]
    assert list(house.published.parquet.glob("marts/*.parquet"))


def test_links_are_relative_so_that_the_home_can_move(house: House, tmp_path: Path) -> None:
    house.publish()
    house.published.root.rename(tmp_path / "moved")
    with Published(tmp_path / "moved").connect() as connection:
        assert connection.execute("select count(*) from meta.about").fetchall() == [(1,)]


def test_without_links_the_file_itself_is_replaced(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    first = house.publish()
    second = house.publish(restated=1.0)
    assert not house.published.database.is_symlink()
    assert house.rows("select count(*) from meta.about") == [(1,)]
    current = house.published.current()
    assert current is not None
    assert current.name == second.version != first.version
    assert second.parquet_path == current.parquet
    assert house.publish_again().version == second.version


def test_a_warehouse_without_marts_is_refused(house: House) -> None:
    with duckdb.connect(house.warehouse) as connection:
        connection.execute("create schema raw")
    with pytest.raises(CannotPublish, match="no marts yet; run `undertow refresh` first"):
        house.publish_again()
    assert not house.published.database.exists()


def test_a_missing_warehouse_is_refused(house: House) -> None:
    with pytest.raises(CannotPublish, match="there is no warehouse"):
        house.publish_again()


def test_marts_that_the_macros_do_not_fit_leave_the_old_version(house: House) -> None:
    first = house.publish()
    with duckdb.connect(house.warehouse) as connection:
        connection.execute("alter table marts.stress_register rename column unit to units")
    with pytest.raises(CannotPublish, match=r"macros\.sql does not fit the marts: .*unit"):
        house.publish_again()
    assert house.rows("select count(*) from why('2025-12-04')") == [(12,)]
    small_warehouse.build(house.warehouse)
    assert house.publish_again().version == first.version
    assert house.version_names() == [first.version]


def test_nothing_published_is_named(house: House) -> None:
    with pytest.raises(NotPublished, match="nothing is published"):
        house.published.connect()


@pytest.mark.parametrize(
    "sql",
    [
        "create table marts.mine as select 1",
        "delete from marts.stress_index_daily",
        "copy marts.stress_index_daily to 'out.csv'",
        "select * from read_csv('/etc/hostname')",
        "select * from '/etc/hostname'",
        "attach 'other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
    ],
)
def test_readers_can_only_read_what_is_published(house: House, sql: str) -> None:
    house.publish()
    with house.published.connect() as connection, pytest.raises(duckdb.Error):
        connection.execute(sql)


def test_a_misspelt_table_is_not_a_python_variable(house: House) -> None:
    house.publish()
    stress_indexx_daily = pl.DataFrame({"a": [1]})
    assert not stress_indexx_daily.is_empty()
    with house.published.connect() as connection, pytest.raises(duckdb.CatalogException, match="stress_index_daily"):
        connection.execute("from stress_indexx_daily")


def test_readers_may_be_allowed_files(house: House, tmp_path: Path) -> None:
    house.publish()
    (tmp_path / "mine.csv").write_text("a\n1\n")
    with house.published.connect(allow_files=True) as connection:
        assert connection.execute(f"select a from '{tmp_path}/mine.csv'").fetchall() == [(1,)]


def test_why_adds_up_to_the_print_and_names_every_input(house: House) -> None:
    house.publish()
    rows = house.rows(f"select pillar, indicator, title, value, unit, z, points, share_pct from why('{LAST_DAY}')")
    cmsi = house.rows(f"select cmsi from marts.stress_index_daily where date = '{LAST_DAY}'")[0][0]
    points = [row[6] for row in rows]
    assert {row[1] for row in rows} == set(small_warehouse.INDICATORS)
    assert sum(points) == pytest.approx(cmsi, abs=1e-9)
    assert sum(row[7] for row in rows) == pytest.approx(100, abs=1e-9)
    assert points == sorted(points, reverse=True)
    assert all(title and unit for _, _, title, _, unit, *_ in rows)


def test_why_of_a_day_without_print_still_names_the_inputs(house: House) -> None:
    house.publish()
    rows = house.rows(f"select points, is_fresh from why(date '{GAP_DAY}')")
    assert len(rows) == len(small_warehouse.INDICATORS)
    assert all(points is None for points, _ in rows)
    assert len(house.rows(f"from missing('{GAP_DAY}')")) == sum(not is_fresh for _, is_fresh in rows) == 6


def test_changed_adds_up_to_the_change(house: House) -> None:
    house.publish()
    before = LAST_DAY - timedelta(days=1)
    total = house.rows(f"select sum(points) from changed('{LAST_DAY}')")[0][0]
    prints = dict(house.rows(f"select date, cmsi from index_between('{before}', '{LAST_DAY}')"))
    assert total == pytest.approx(prints[LAST_DAY] - prints[before], abs=1e-9)


def test_changed_is_empty_after_a_day_without_print(house: House) -> None:
    house.publish()
    assert house.rows(f"from changed('{GAP_DAY + timedelta(days=1)}')") == []


def test_index_between_includes_both_ends_and_no_day_without_print(house: House) -> None:
    house.publish()
    first, last = GAP_DAY - timedelta(days=2), GAP_DAY + timedelta(days=2)
    dates = [row[0] for row in house.rows(f"select date from index_between('{first}', '{last}')")]
    assert dates == [first, GAP_DAY - timedelta(days=1), GAP_DAY + timedelta(days=1), last]


def test_episodes_are_the_unbroken_spells(house: House) -> None:
    house.publish()
    spells = house.rows("select first_date, last_date, print_count, peak_cmsi from episodes('severe')")
    severe = house.rows("select count(*), max(cmsi) from marts.stress_index_daily where regime = 'severe'")[0]
    assert sum(spell[2] for spell in spells) == severe[0] > 0
    assert max(spell[3] for spell in spells) == severe[1]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spells))


def test_macros_say_what_they_are(house: House) -> None:
    house.publish()
    macros = dict(house.rows("select function_name, comment from duckdb_functions() where not internal"))
    wanted = "why changed index_between missing episodes printed why_rows evidence restated_rows"
    assert set(macros) == set(wanted.split())
    assert all(comment and comment.startswith(f"{name}(") for name, comment in macros.items())
