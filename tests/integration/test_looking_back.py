"""Looking back, proving and rebuilding on a home of the simulated market that has lived through a bad day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from orchestration.as_of import NotYet, publish_as_of
from orchestration.progress import Observer
from orchestration.rebuild import rebuild
from orchestration.warehouse import Warehouse
from sources.registry import DATASETS
from tests.integration import days
from tests.integration.conftest import Home

pytestmark = pytest.mark.timeout(900)

THEN = datetime(2025, 11, 4, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def lived(first_build: Path, copy_of: Callable[[Path], Home]) -> Home:
    """Refreshed on a day on which sources failed and a figure was restated, and again when all was well."""
    home = copy_of(first_build)
    home.refresh(days.NEXT, ("dead:fred", "garbage:farside", "restated:coinmetrics:2025-11-03"))
    assert home.refresh(days.NEXT).is_success
    return home


def test_the_marts_of_an_instant_hold_nothing_later(lived: Home) -> None:
    settings = lived.settings(days.NEXT)
    published = publish_as_of(settings, THEN)
    with published.connect() as connection:
        ((instant, closed),) = connection.execute("select as_of_at, last_closed_date from meta.about").fetchall()
        assert (instant, str(closed)) == (THEN, "2025-11-03")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_columns() where column_name = 'available_at' and not internal"
        ).fetchall()
        assert len(tables) > 10
        for schema, table in tables:
            later = f"select count(*) from {schema}.{table} where available_at > $1"
            assert connection.execute(later, [THEN]).fetchone() == (0,), table
        ((price,),) = connection.execute(
            "select close_usd from marts.fct_prices_daily where asset = 'btc' and date = '2025-11-02'"
        ).fetchall()
        comment = connection.execute(
            "select comment from duckdb_tables() where table_name = 'stress_indicators_daily'"
        ).fetchone()
    assert price > 0
    assert comment is not None and comment[0].startswith("[SIMULATED]")
    # All tables are there, with the columns of the ordinary file.
    with duckdb.connect(str(settings.published_path / "undertow.duckdb"), read_only=True) as ordinary:
        columns = "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        columns += "where not internal order by all"
        expected = ordinary.execute(columns).fetchall()
    with published.connect() as connection:
        assert connection.execute(columns).fetchall() == expected


def test_an_instant_is_computed_once_until_something_changes(lived: Home) -> None:
    settings = lived.settings(days.NEXT).model_copy(update={"published_versions": 2})
    first = publish_as_of(settings, THEN)
    made = first.database.resolve().stat().st_mtime_ns
    assert publish_as_of(settings, THEN).database.resolve().stat().st_mtime_ns == made
    for hours in range(1, 3):
        last = publish_as_of(settings, THEN + timedelta(hours=hours))
    kept = [path.name for path in settings.as_of_path.iterdir()]
    assert len(kept) == settings.published_versions and last.root.name in kept and first.root.name not in kept
    with pytest.raises(NotYet):
        publish_as_of(settings, datetime(2025, 11, 7, tzinfo=timezone.utc))


def test_a_rebuild_is_the_same_bit_for_bit_and_says_when_it_is_not(lived: Home, tmp_path: Path) -> None:
    settings = lived.settings(days.NEXT)
    assert lived.ask("select count(*) from ops.restatements")[0][0] > 0
    found = rebuild(settings, DATASETS, tmp_path / "again", Observer())
    assert found.present is not None
    assert found.differing == []
    assert len([name for name in found.tables if name.startswith(("marts.", "raw."))]) > 100
    assert sum(content.row_count for name, content in found.tables.items() if name.startswith("raw.")) > 100_000

    with Warehouse(settings).connect("damaging it") as connection:
        connection.execute("update raw.deribit__dvol set dvol_close_pct = dvol_close_pct + 1 where day = '2025-10-20'")
    mended = rebuild(settings, DATASETS, tmp_path / "once more", Observer(), is_replacing=True)
    assert mended.differing == ["raw.deribit__dvol"]
    assert mended.is_replaced and mended.tables == found.tables
    assert settings.warehouse_path.with_name("warehouse.duckdb.replaced").is_file()
    # The refresh after it finds nothing new.
    after = lived.refresh(days.NEXT)
    assert after.is_success and after.new_row_count == 0
