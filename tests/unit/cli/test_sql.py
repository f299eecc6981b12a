"""`undertow sql`: output forms, read-only, and a shell."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from orchestration.publishing.published import Published
from orchestration.publishing.snapshot import publish_file
from tests import small_warehouse
from tests.small_warehouse import LAST_DAY, NOW
from tests.unit.cli.conftest import Undertow

pytestmark = pytest.mark.usefixtures("published")

ONE_OF_EACH = """
select 1 as whole, 0.5::double as real, 'a,"b"' as words, true as flag, date '2025-11-04' as day,
    timestamptz '2025-11-04 01:02:03+00' as moment, ['x', 'y'] as list, null as nothing, 'nan'::double as nan,
    1.25::decimal(5, 2) as money, {'a': 1} as record
"""


def test_json_has_json_types(undertow: Undertow) -> None:
    answer = undertow("sql", "--json", ONE_OF_EACH)
    assert answer.code == 0
    assert json.loads(answer.out) == [
        {
            "whole": 1,
            "real": 0.5,
            "words": 'a,"b"',
            "flag": True,
            "day": "2025-11-04",
            "moment": "2025-11-04T01:02:03+00:00",
            "list": ["x", "y"],
            "nothing": None,
            "nan": None,
            "money": 1.25,
            "record": {"a": 1},
        }
    ]


def test_json_of_no_rows_is_an_empty_list(undertow: Undertow) -> None:
    assert json.loads(undertow("sql", "--json", "select 1 as a where false").out) == []


def test_csv_can_be_read_back(undertow: Undertow) -> None:
    rows = list(csv.DictReader(io.StringIO(undertow("sql", "--csv", ONE_OF_EACH).out)))
    assert rows[0]["words"] == 'a,"b"'
    assert rows[0]["nothing"] == ""
    assert rows[0]["day"] == "2025-11-04"


def test_csv_is_never_cut(undertow: Undertow) -> None:
    answer = undertow("sql", "--csv", "from range(5000)")
    assert len(answer.out.splitlines()) == 5001


def test_table_is_cut_and_says_so(undertow: Undertow) -> None:
    answer = undertow("sql", "--limit", 3, "from range(5000)")
    assert [line.strip() for line in answer.out.splitlines()] == ["range", "0", "1", "2"]
    assert "3 of 5000 rows" in answer.err
    whole = undertow("sql", "--limit", 0, "from range(5000)")
    assert len(whole.out.splitlines()) == 5001
    assert whole.err == ""


def test_macros_are_there(undertow: Undertow) -> None:
    answer = undertow("sql", "--json", f"select sum(points) as total from why('{LAST_DAY}')")
    index = undertow("sql", "--json", f"select cmsi from marts.stress_index_daily where date = '{LAST_DAY}'")
    assert json.loads(answer.out)[0]["total"] == pytest.approx(json.loads(index.out)[0]["cmsi"], abs=1e-9)


def test_what_looks_like_markup_is_shown_as_it_is(undertow: Undertow) -> None:
    answer = undertow("sql", "select '[red]Balancer[/red] [/] [link=x]' as name, e'\\x1b[31mred\\x07' as control")
    assert answer.code == 0
    assert "[red]Balancer[/red] [/] [link=x]" in answer.out
    assert "\x1b" not in answer.out
    assert "\x07" not in answer.out


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("selec 1", "syntax error"),
        ("from marts.stress_index", "does not exist"),
        ("drop table marts.stress_index_daily", "read-only"),
        ("insert into marts.stress_register select * from marts.stress_register", "read-only"),
        ("from read_csv('/etc/hostname')", "--files"),
        ("copy marts.stress_register to 'x.csv'", "--files"),
        ("attach 'x.duckdb'", "--files"),
        ("select 1/0::int from [", "syntax error"),
    ],
)
def test_a_query_that_fails_is_one_line(undertow: Undertow, query: str, said: str) -> None:
    answer = undertow("sql", query)
    assert answer.code == 1
    assert said in answer.error_line
    assert answer.out == ""


def test_files_can_be_read_and_written_if_asked(undertow: Undertow, tmp_path: Path) -> None:
    target = tmp_path / "register.csv"
    assert undertow("sql", "--files", f"copy marts.stress_register to '{target}'").code == 0
    answer = undertow("sql", "--files", "--json", f"select count(*) as n from '{target}'")
    assert json.loads(answer.out) == [{"n": 12}]


def test_csv_and_json_exclude_each_other(undertow: Undertow) -> None:
    answer = undertow("sql", "--csv", "--json", "select 1")
    assert answer.code == 2
    assert "choose one" in answer.error_line


def test_shell_reads_statements_until_quit(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1 + 1\n as two;\n\nselec;\n.tables\n.quit\nselect 99;\n"))
    answer = undertow("sql")
    assert answer.code == 0
    assert "two" in answer.out
    assert "marts.stress_index_daily" in answer.out
    assert "99" not in answer.out
    assert "syntax error" in answer.error_line


def test_shell_runs_a_last_statement_without_semicolon(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 41 + 1 as answer"))
    assert "42" in undertow("sql").out


def test_shell_describes_tables_and_macros(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(".schema marts.stress_index_daily\n.macros\n.nonsense\n"))
    answer = undertow("sql")
    assert "Crypto Market Stress Index, 0 to 100." in answer.out
    assert "index_between" in answer.out
    assert ".reopen" in answer.out


def test_shell_goes_on_with_a_new_version_when_told(
    undertow: Undertow, published: Published, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = (
        f"select round(value, 6) as v from marts.stress_indicators_daily where indicator='vix' and date='{LAST_DAY}';\n"
    )
    before = float(json.loads(undertow("sql", "--json", query).out)[0]["v"])

    def lines(text: str = query) -> object:
        yield query
        small_warehouse.build(home / "warehouse.duckdb", restated=1000.0)
        publish_file(home / "warehouse.duckdb", published, now=NOW, is_simulated=True, keep=5)
        yield query
        yield ".reopen"
        yield query
        raise EOFError

    source = lines()
    monkeypatch.setattr("builtins.input", lambda _prompt="": next(source).rstrip())  # type: ignore[call-overload]
    seen = [float(line) for line in undertow("sql").out.splitlines() if line.strip() not in ("v", "")]
    assert seen == pytest.approx([before, before, before + 1000])
