"""First prints through restatements: the noise is printed up to a day, its history changes, and it is built again."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import prints
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from tests.dbt.conftest import dbt

LAST_PRINTED = date(2025, 11, 20)
CLOSE = 1e-9
_BUILT_AGAIN = (
    "int_indicator_values",
    "intermediate.stress",
    "marts.stress",
    "intermediate.prints",
    "marts.prints",
    "meta.body_days",
)
_RESTATE = """
    -- Implied volatility of a year comes out higher, long-term holders vanish for a month before the last printed day,
    -- and one input never was: it leaves the panel, the ranks and the co-movement of every day.
    insert into raw.deribit__dvol
    select * replace (
        dvol_close_pct * 1.3 as dvol_close_pct, _vintage_at + interval '400 days' as _vintage_at, 'restated' as _run_id
    )
    from raw.deribit__dvol where day between '2024-06-01' and '2025-11-30';
    insert into ops.restatements by name
    select 'deribit__dvol' as table_name, day::timestamptz as period_at, currency as entity,
        'dvol_close_pct' as column_name, timestamptz '2026-06-01 00:00:00+00' as restated_at
    from raw.deribit__dvol where _run_id = 'restated';
    delete from raw.bgeometrics__lth_supply where day between '2025-10-15' and '2025-11-25';
    delete from raw.bgeometrics__sth_sopr;
"""


@pytest.fixture(scope="module")
def restated(noise: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the noise of which all days up to one were printed before its history changed."""
    settings = Settings.load(home=tmp_path_factory.mktemp("restated"), market="simulated")
    settings.market_home.mkdir(parents=True)
    shutil.copy(noise.warehouse_path, settings.warehouse_path)
    warehouse = Warehouse(settings)
    with warehouse.connect("going back to the last printed day") as connection:
        for relation in prints.PARTS.values():
            connection.execute(f"delete from {relation} where date > ?", [LAST_PRINTED])
    prints.record(settings.archive_path, warehouse)
    with warehouse.connect("restating") as connection:
        connection.execute(_RESTATE)
    built = dbt(settings, "build", "--exclude-resource-type", "unit_test", "--select", *_BUILT_AGAIN)
    assert built.returncode == 0, built.stdout[-5000:]
    return settings


@pytest.fixture
def ledger(restated: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(restated.warehouse_path), read_only=True) as connection:
        connection.sql("set TimeZone = 'UTC'")
        yield connection


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.sql(query).fetchall()[0]


def test_what_was_printed_stays_to_the_last_bit(restated: Settings, ledger: duckdb.DuckDBPyConnection) -> None:
    kept = prints.Journal(restated.archive_path).read()
    assert max(kept["prints"]["date"]) == LAST_PRINTED
    for part, relation in prints.PARTS.items():
        names = ", ".join(kept[part].columns)
        found = ledger.sql(f"select {names} from {relation} where date <= date '{LAST_PRINTED}'").pl()
        found = found.cast(kept[part].schema)  # type: ignore[arg-type]
        assert found.sort(found.columns).equals(kept[part].sort(found.columns)), relation


def test_the_days_after_are_printed_from_what_is_known_now(ledger: duckdb.DuckDBPyConnection) -> None:
    new, same = _one(
        ledger,
        f"""
        select count(*), count(*) filter (where prints.cmsi = daily.cmsi)
        from marts.stress_index_prints as prints
        inner join marts.stress_index_daily as daily using (date)
        where date > date '{LAST_PRINTED}'
        """,
    )
    assert new == same > 10


def test_changes_between_prints_add_up_through_the_restatement(ledger: duckdb.DuckDBPyConnection) -> None:
    pairs, worst = _one(
        ledger,
        """
        with terms as (select date, sum(points) as points from marts.stress_print_changes_daily group by date)
        select count(*), max(abs(today.cmsi - yesterday.cmsi - coalesce(terms.points, 0)))
        from marts.stress_index_prints as today
        inner join marts.stress_index_prints as yesterday on yesterday.date = today.date - 1
        left join terms on terms.date = today.date
        """,
    )
    assert pairs > 1000 and worst < CLOSE
    restatements = ledger.sql(
        "select date, points from marts.stress_print_changes_daily where term = 'restatement'"
    ).fetchall()
    # One seam: the first day that was printed after the history had changed.
    assert [day for day, _ in restatements] == [LAST_PRINTED + timedelta(days=1)]
    (recomputed, printed) = _one(
        ledger,
        f"""
        select daily.cmsi, prints.cmsi
        from marts.stress_index_daily as daily
        inner join marts.stress_index_prints as prints using (date)
        where date = date '{LAST_PRINTED}'
        """,
    )
    assert abs(recomputed - printed) > 0.01
    assert restatements[0][1] == pytest.approx(recomputed - printed, abs=CLOSE)


def test_the_difference_of_every_restated_day_is_explained(ledger: duckdb.DuckDBPyConnection) -> None:
    days, large, worst = _one(
        ledger,
        """
        with terms as (select date, sum(points) as points from marts.stress_index_restatements_daily group by date)
        select
            count(*), count(*) filter (where abs(difference) > 0.1),
            max(abs(difference - coalesce(terms.points, 1e9)))
        from marts.cmsi_latest
        left join terms using (date)
        where is_restated and cmsi is not null
        """,
    )
    assert days > 500 and large > 100 and worst < CLOSE
    kinds = ledger.sql("select distinct term, pillar_i <> '' from marts.stress_index_restatements_daily").fetchall()
    assert set(kinds) >= {("level", True), ("correlation", True), ("composition", True), ("composition", False)}
    (orphans,) = _one(
        ledger,
        "select count(*) from marts.stress_index_restatements_daily "
        "where date not in (select date from marts.cmsi_latest where is_restated)",
    )
    assert orphans == 0


def test_the_inputs_behind_it_are_named_with_their_restated_figures(ledger: duckdb.DuckDBPyConnection) -> None:
    found = {
        indicator: (count, figures)
        for indicator, count, figures in ledger.sql(
            f"""
            select indicator, count(*), max(restated_figure_count)
            from marts.stress_restated_inputs_daily
            where date between date '2025-11-10' and date '{LAST_PRINTED}'
            group by indicator
            """
        ).fetchall()
    }
    assert set(found) == {"dvol_shock", "lth_distribution_30d", "sth_loss"}
    assert found["dvol_shock"] == (11, 120), "two currencies, sixty days"
    assert found["lth_distribution_30d"][1] == found["sth_loss"][1] == 0, "they vanished, nothing was restated"


def test_a_source_that_vanishes_leaves_the_print_of_its_day(ledger: duckdb.DuckDBPyConnection) -> None:
    (counted,) = _one(
        ledger,
        f"""
        select count(*) from marts.stress_print_indicators
        where indicator = 'sth_loss' and is_fresh and date <= date '{LAST_PRINTED}'
        """,
    )
    assert counted > 1000


def test_rows_of_a_later_run_are_followed_to_their_response(
    ledger: duckdb.DuckDBPyConnection, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """The table grows by what is new; what it had of runs without news stays as it was."""
    query = "select sum(row_count) from meta.body_days where table_name = 'deribit__dvol'"
    (raw,) = _one(ledger, "select count(*) from raw.deribit__dvol")
    assert _one(ledger, query) == (raw,)
    assert _one(warehouse, query)[0] < raw


def test_every_raw_row_behind_the_index_has_its_place(warehouse: duckdb.DuckDBPyConnection) -> None:
    counted = dict(warehouse.sql("select table_name, sum(row_count) from meta.body_days group by all").fetchall())
    behind = warehouse.sql("select distinct table_name from marts.indicator_lineage").fetchall()
    filled = {table for (table,) in behind if _one(warehouse, f"select count(*) from raw.{table}") != (0,)}
    assert counted.keys() == filled and len(filled) >= 25
    for table, count in counted.items():
        assert (count,) == _one(warehouse, f"select count(*) from raw.{table}"), table


_RATIOS = {
    "binance_futures__account_ratios",
    "binance_futures__taker_ratios",
    "binance_futures__top_trader_account_ratios",
    "binance_futures__top_trader_position_ratios",
}
_BESIDE: dict[str, set[str]] = {
    "oi_speed_7d": _RATIOS,
    "funding_neg_stress_3d": _RATIOS,
    "stable_supply_contraction_30d": {"defillama__stablecoin_prices"},
    "vix": {"fred__weekly_series"},
    "credit_spread": {"fred__weekly_series"},
    "rates_shock": {"fred__weekly_series"},
    "usd_mom_20d": {"fred__daily_series"},
    "perp_discount_bp": _RATIOS,
    "xvenue_dispersion_bp": {"kraken_spot__spot_candles"},
    # Venues that are compared and do not sum their own liquidations.
    "liq_intensity_24h": _RATIOS
    | {
        *("binance_futures__open_interest", "binance_vision__um_metrics", "bitfinex__liquidations"),
        *("bybit__open_interest", "deribit__book_summary", "hyperliquid__asset_contexts", "okx__open_interest"),
        *("recorder__coverage", "recorder__liquidations"),
    },
}
"""What a panel holds beside the columns or series that an input takes from it."""


@pytest.fixture(scope="module")
def lineage(noise: Settings) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with open(noise.dbt_project_path / "seeds" / "indicator_lineage.csv", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["indicator"], set()).add(row["table_name"])
    return found


class TestLineage:
    """What an input is said to be made of is what its model reads."""

    def test_is_what_dbt_reads(self, noise: Settings, lineage: dict[str, set[str]]) -> None:
        manifest = json.loads((noise.target_path / "manifest.json").read_text())

        def sources(node: str) -> set[str]:
            if node.startswith("source."):
                return {node.rpartition(".")[2]} if ".raw." in node else set()
            return set().union(*map(sources, manifest["nodes"][node]["depends_on"].get("nodes", [])))

        for indicator, tables in lineage.items():
            assert sources(f"model.undertow.int_indicator__{indicator}") == tables | _BESIDE.get(indicator, set()), (
                indicator
            )

    def test_is_what_the_register_says(self, noise: Settings, lineage: dict[str, set[str]]) -> None:
        with open(noise.dbt_project_path / "seeds" / "stress_register.csv", newline="") as lines:
            for row in csv.DictReader(lines):
                assert set(row["inputs"].split(", ")) <= lineage[row["indicator"]], row["indicator"]

    @pytest.mark.parametrize(
        ("indicator", "table", "day", "value", "lookback"),
        [
            ("dvol_shock", "deribit__dvol", "day", "dvol_close_pct", 59),
            ("sth_loss", "bgeometrics__sth_sopr", "day", "sth_sopr_ratio", 6),
            ("lth_distribution_30d", "bgeometrics__lth_supply", "day", "lth_supply_btc", 30),
            ("exch_netflow_7d", "coinmetrics__asset_metrics", "day", "exchange_supply_native", 7),
        ],
    )
    def test_looks_back_as_far_as_its_formula(
        self, noise: Settings, indicator: str, table: str, day: str, value: str, lookback: int, tmp_path: Path
    ) -> None:
        """Rows before the window do not matter to the value of a day; these models read staging views alone."""
        with open(noise.dbt_project_path / "seeds" / "indicator_lineage.csv", newline="") as lines:
            said = [row for row in csv.DictReader(lines) if (row["indicator"], row["table_name"]) == (indicator, table)]
        assert [row["lookback_days"] for row in said] == [str(lookback)]
        path = tmp_path / "warehouse.duckdb"
        shutil.copy(noise.warehouse_path, path)
        with duckdb.connect(str(path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            query = (
                f"select observed_date, value from intermediate.int_indicator__{indicator} where value is not null "
                "and observed_date between '2025-06-01' and '2025-10-31' order by observed_date desc limit 1"
            )
            ((observed, before),) = connection.execute(query).fetchall()
            first = observed - timedelta(days=lookback)
            connection.execute(f"update raw.{table} set {value} = 7 where {day} < ?", [first])
            assert connection.execute(query).fetchall() == [(observed, before)]
            # Up or down, one of them crosses any median and no floor.
            after = []
            for factor in (300.0, 0.0001):
                connection.execute(f"update raw.{table} set {value} = {value} * {factor} where {day} = ?", [first])
                after += connection.execute(query).fetchall()
            assert after != [(observed, before)] * 2
