"""The journal of first prints: nothing in it changes, nothing gets lost, and whoever tampers with it is noticed."""

from __future__ import annotations

import math
import struct
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import prints
from orchestration.prints import PARTS, Journal, PrintsDiffer
from orchestration.publishing.snapshot import CannotPublish, publish
from orchestration.settings import Settings
from orchestration.warehouse import OPS_TABLES, Warehouse, ops_schema
from sources.market import open_market

FIRST = date(2025, 11, 1)
AT = datetime(2025, 11, 5, 1, 0, 0, 123456, tzinfo=timezone.utc)


def days(count: int, start: int = 0, cmsi: float = 30.0) -> prints.Prints:
    """Prints of some days in a row with two rows of every part; what a test does not care about is null."""
    found: prints.Prints = {}
    for part in PARTS:
        keys = [name for name in ops_schema(part) if name in ("pillar", "pillar_i", "indicator")][:1]
        rows = [
            {
                "date": FIRST + timedelta(days=start + number),
                **(
                    {"cmsi": cmsi + number / 3 if number else cmsi, "printed_at": AT, "run_id": "r"}
                    if part == "prints"
                    else {}
                ),
                **dict.fromkeys(keys, name),
            }
            for number in range(count)
            for name in (["a", "b"] if keys else ["a"])
        ]
        found[part] = pl.DataFrame(rows, schema=ops_schema(part))
    return found


class House:
    """A market home whose warehouse has what dbt would have built."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings.load(home=path, market="simulated", now=AT.isoformat())
        self.archive = self.settings.archive_path
        self.journal = Journal(self.archive)
        self.open_warehouse()

    def open_warehouse(self) -> None:
        self.warehouse = Warehouse(self.settings)
        self.warehouse.prepare(open_market("simulated", now=AT), [])

    def build(self, new: prints.Prints) -> None:
        """As dbt does: the tables are what ops has, and the days it does not have."""
        with self.warehouse.connect("building") as connection:
            connection.execute("create schema if not exists marts; create schema if not exists intermediate")
            for part, relation in PARTS.items():
                connection.register("new", new[part].to_arrow())
                names = ", ".join(OPS_TABLES[part][1])
                connection.execute(
                    f"create or replace table {relation} as select {names} from ops.{part} union all "
                    f"select {names} from new where date not in (select date from ops.prints)"
                )
                connection.unregister("new")

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with self.warehouse.connect("asking") as connection:
            return connection.execute(query).fetchall()

    def printed(self) -> list[date]:
        return sorted(self.journal.read()["prints"]["date"])


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_day_is_written_down_once_and_stays(house: House) -> None:
    house.build(days(3))
    assert prints.record(house.archive, house.warehouse) == [FIRST + timedelta(days=n) for n in range(3)]
    before = house.journal.path.read_bytes()
    house.build(days(4, cmsi=99.0))
    assert prints.record(house.archive, house.warehouse) == [FIRST + timedelta(days=3)]
    assert prints.record(house.archive, house.warehouse) == []
    assert house.journal.path.read_bytes().startswith(before)
    assert house.ask("select cmsi from ops.prints order by date") == [(30.0,), (30 + 1 / 3,), (30 + 2 / 3,), (100.0,)]
    assert house.ask("select count(*) from ops.print_indicators") == [(8,)]
    prints.verify(house.archive, house.warehouse)


def test_days_may_come_out_of_order(house: House) -> None:
    house.build(days(1, start=5))
    prints.record(house.archive, house.warehouse)
    house.build(days(6))
    assert len(prints.record(house.archive, house.warehouse)) == 5
    prints.verify(house.archive, house.warehouse)


def test_a_lost_warehouse_is_filled_from_the_journal(house: House) -> None:
    house.build(days(3))
    prints.record(house.archive, house.warehouse)
    before = house.warehouse.ops(PARTS)
    house.settings.warehouse_path.unlink()
    house.open_warehouse()
    prints.restore(house.archive, house.warehouse)
    after = house.warehouse.ops(PARTS)
    assert all(after[part].equals(before[part]) for part in PARTS)
    house.build(days(4, cmsi=99.0))
    assert prints.record(house.archive, house.warehouse) == [FIRST + timedelta(days=3)]


def test_a_lost_journal_is_filled_from_the_warehouse(house: House) -> None:
    house.build(days(3))
    prints.record(house.archive, house.warehouse)
    before = house.journal.read()
    house.journal.path.unlink()
    prints.restore(house.archive, house.warehouse)
    assert all(house.journal.read()[part].sort(pl.all()).equals(before[part].sort(pl.all())) for part in PARTS)


def test_killed_after_the_journal_and_before_the_warehouse_the_next_build_goes_on_from_the_journal(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.build(days(2))
    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prints.record(house.archive, house.warehouse)
    assert house.ask("select count(*) from ops.prints") == [(0,)]
    prints.restore(house.archive, house.warehouse)
    house.build(days(3, cmsi=99.0))
    assert prints.record(house.archive, house.warehouse) == [FIRST + timedelta(days=2)]
    assert house.ask("select min(cmsi) from ops.prints") == [(30.0,)]
    prints.verify(house.archive, house.warehouse)


@pytest.mark.parametrize("torn_bytes", [1, 40, 300])
def test_killed_inside_a_line_that_day_was_never_printed(house: House, torn_bytes: int) -> None:
    house.build(days(3))
    prints.record(house.archive, house.warehouse)
    house.journal.path.write_bytes(house.journal.path.read_bytes()[:-torn_bytes])
    house.settings.warehouse_path.unlink()
    house.open_warehouse()
    prints.restore(house.archive, house.warehouse)
    assert house.printed() == [FIRST, FIRST + timedelta(days=1)]
    house.build(days(4, cmsi=50.0))
    assert prints.record(house.archive, house.warehouse) == [FIRST + timedelta(days=n) for n in (2, 3)]
    assert len(house.printed()) == 4
    prints.verify(house.archive, house.warehouse)


def _change_a_figure(content: bytes) -> bytes:
    return content.replace(b"30.333", b"31.333", 1)


def _take_out_a_line(content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(lines[:2] + lines[3:])


def _repeat_a_line(content: bytes) -> bytes:
    return content + content.split(b"\n")[-2] + b"\n"


def _write_nonsense(content: bytes) -> bytes:
    return content + b"[1]\n"


@pytest.mark.parametrize("tamper", [_change_a_figure, _take_out_a_line, _repeat_a_line, _write_nonsense])
def test_a_journal_that_was_tampered_with_stops_everything(house: House, tamper: object) -> None:
    house.build(days(4))
    prints.record(house.archive, house.warehouse)
    content = house.journal.path.read_bytes()
    changed = tamper(content)  # type: ignore[operator]
    assert changed != content
    house.journal.path.write_bytes(changed)
    with pytest.raises(PrintsDiffer, match=r", line [3456],"):
        prints.restore(house.archive, house.warehouse)
    with pytest.raises(PrintsDiffer, match="backup"):
        prints.verify(house.archive, house.warehouse)


def test_a_change_in_the_last_line_shows_against_the_warehouse(house: House) -> None:
    house.build(days(1))
    prints.record(house.archive, house.warehouse)
    house.journal.path.write_bytes(house.journal.path.read_bytes().replace(b"30.0", b"31.0", 1))
    with pytest.raises(PrintsDiffer, match=f"another first print of {FIRST}"):
        prints.restore(house.archive, house.warehouse)


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.stress_index_prints set cmsi = cmsi + 1e-12 where date = '2025-11-02'",
        "update marts.stress_print_pillars set score = 0 where date = '2025-11-02' and pillar = 'a'",
        "delete from intermediate.int_print_terms where date = '2025-11-02'",
        "insert into marts.stress_print_correlations (date) values ('2025-11-02')",
        "delete from marts.stress_index_prints where date = '2025-11-02'",
        "insert into marts.stress_index_prints (date, cmsi) values ('2025-11-02', 30)",
    ],
)
def test_publishing_refuses_a_print_that_is_not_in_the_journal(house: House, statement: str) -> None:
    house.build(days(3))
    prints.record(house.archive, house.warehouse)
    prints.verify(house.archive, house.warehouse)
    house.ask(statement)
    with pytest.raises(CannotPublish, match=r"first print of 2025-11-02 .* nothing is published"):
        publish(house.settings)
    assert not house.settings.published_path.exists()


def test_without_prints_there_is_nothing_to_hold_against_each_other(house: House) -> None:
    prints.restore(house.archive, house.warehouse)
    assert prints.record(house.archive, house.warehouse) == []
    prints.verify(house.archive, house.warehouse)
    house.build(days(0))
    assert prints.record(house.archive, house.warehouse) == []
    prints.verify(house.archive, house.warehouse)
    assert not house.journal.path.exists()


def test_a_line_from_before_a_column_was_known_has_null_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {name: column for name, column in OPS_TABLES["prints"][1].items() if name != "coverage"}
    with monkeypatch.context() as patch:
        patch.setitem(OPS_TABLES, "prints", ("as it was", old))  # type: ignore[arg-type]
        house.journal.append(days(1))
    house.journal.append(days(1, start=1))
    found = house.journal.read()["prints"]
    assert found["coverage"].to_list() == [None, None]
    assert found["cmsi"].to_list() == [30.0, 30.0]
    assert found["printed_at"].to_list() == [AT, AT]
    assert found.schema == ops_schema("prints")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_figures_come_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    journal = Journal(tmp_path_factory.mktemp("bits"))
    journal.append(days(1, cmsi=value))
    (back,) = journal.read()["prints"]["cmsi"]
    assert struct.pack("d", back) == struct.pack("d", value)
    assert math.isfinite(back)
