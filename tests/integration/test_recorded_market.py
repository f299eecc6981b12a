"""Real recorded responses through the very pipeline of the live market: all of them land, and every known defect shows.

The folder is not part of the project. Where it is absent these tests are skipped: set UNDERTOW_RECORDED to use another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.scorecard_page import PREDICTOR_COLUMNS
from tests.integration.conftest import ROOT

FOLDER = Path(os.environ.get("UNDERTOW_RECORDED", ROOT.parent / "shared" / "recorded"))

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (FOLDER / "index.jsonl").is_file(),
        reason=f"no recorded responses in {FOLDER}; set UNDERTOW_RECORDED to a folder that holds some",
    ),
]

NOT_OURS = {
    "https://openapi.sosovalue.com/openapi/v1/etfs/NOTREAL/history": "a fund that does not exist",
    "https://openapi.sosovalue.com/openapi/v1/etfs/summary-history?country_code=US": "a request without its parameter",
    "https://openapi.sosovalue.com/openapi/v1/etfs/summary-history?symbol=BTC&country_code=US&start_date=2026-05-06": (
        "a span that the plan does not reach"
    ),
}
"""Recorded examples of errors to questions that no dataset of ours asks."""

# Rows of the recording by raw table; where fewer count, why.
ROWS = {
    "coinmetrics__asset_metrics": 4_384,
    "coinglass__liquidations": 12_047,
    "coinglass__open_interest": 13_907,
    "coinglass__funding_rates": 13_589,
    "coinglass__account_ratios": 12_516,
    "coinglass__top_trader_account_ratios": 13_415,
    "coinglass__top_trader_position_ratios": 13_415,
    "coinglass__order_book": 3_514,
    "coinglass__taker_volumes": 14_147,
    "coinglass__spot_prices": 18_254,
    "coinglass__etf_flows": 607,
    "binance_vision__um_index_klines": 12_960,
    "binance_vision__um_book_depth": 28_790,
    "binance_vision__spot_klines_1m": 183_600,
    "binance_futures__funding_rates": 21,
    "binance_futures__open_interest": 12,
    "bybit__funding_rates": 21,
    "bybit__open_interest": 8,
    "gate__contract_stats": 1,  # of 2: the hour of the other was still open
    "deribit__dvol": 34,  # of 35: the last candle was still open
    "alternative_me__fear_greed": 2_193,
    "cftc__legacy_futures": 652,
    "cftc__tff_futures": 2,
    "defillama__hacks": 470,
    "defillama__stablecoins": 6,
    "bgeometrics__lth_supply": 2_192,
    "bgeometrics__sopr": 2_192,
    "bgeometrics__realized_price": 2_192,
    "bgeometrics__exchange_reserve": 2_192,
    "ofr__financial_stress": 400,
    "sosovalue__etf_totals": 20,
    "sosovalue__etf_flows": 21,
    "sosovalue__treasury_purchases": 12,
}

# Defects that are known of these recordings: the rule that has to find each, where, and how often at least.
DEFECTS = [
    ("clock_shift", "coinmetrics__asset_metrics", "coinmetrics supply", 1),
    ("clock_shift", "bgeometrics__exchange_reserve", "bgeometrics reserve", 1),
    ("all_parts_zero", "farside__etf_flows", "eth", 11),
    ("pending", "farside__etf_flows", "btc", 1),
    ("pending", "sosovalue__etf_flows", "btc", 1),
    ("quarantined", "farside__etf_flows", "https://farside.co.uk/eth/", 1),
    ("source_failed", "farside__etf_flows", "", 1),
    ("source_failed", "sosovalue__etf_totals", "", 1),
    ("jump", "coinglass__liquidations", "btc", 1),
    ("degenerate_candles", "coinglass__open_interest", "", 7),
    ("degenerate_candles", "coinglass__funding_rates", "", 7),
    ("frozen", "coinglass__account_ratios", "", 7),
    ("frozen", "coinglass__funding_rates", "", 1),
    ("not_a_session", "coinglass__etf_flows", "btc", 1),
    ("vendor_difference", "coinglass__etf_flows", "coinglass__etf_flows against farside__etf_flows", 1),
    ("stale", "coinglass__liquidations", "", 1),
    ("gap", "binance_vision__um_index_klines", "BTCUSDT", 43),
    ("crossed_bands", "binance_vision__um_book_depth", "BTCUSDT", 1),
    ("zero_run", "binance_vision__spot_klines_1m", "USDEUSDT", 1),
    ("double_sided", "bybit__open_interest", "BTCUSDT", 1),
    ("negative", "fred__daily_series", "DCOILWTICO", 1),
    ("not_a_session", "fred__daily_series", "BAMLH0A0HYM2", 1),
    ("gap", "alternative_me__fear_greed", "", 1),
    ("unusual_weekday", "cftc__legacy_futures", "133741", 1),
    ("amount_to_check", "defillama__hacks", "", 3),
    ("listed_twice", "defillama__hacks", "", 2),
    ("no_values", "defillama__stablecoins", "", 1),
    ("no_values", "ofr__financial_stress", "", 8),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    command = ("--home", str(folder), "--market", f"recorded:{FOLDER}", "refresh")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # Two recorded refusals are failures; whatever was not recorded is none.
    failed = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("failed ")]
    assert (run.returncode, failed) == (1, ["farside.etf_flows:", "sosovalue.etf_totals:"]), run.stdout[-3000:]
    return folder / "recorded"


@pytest.fixture
def warehouse(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)


@pytest.fixture
def published(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "published" / "undertow.duckdb"), read_only=True)


def test_every_response_that_is_ours_has_come(warehouse: duckdb.DuckDBPyConnection) -> None:
    came = {sha for (sha,) in warehouse.sql("select distinct sha256 from ops.retrievals").fetchall()}
    lines = [json.loads(line) for line in (FOLDER / "index.jsonl").read_text().splitlines()]
    missing = {line["request"]["url"] for line in lines if line["sha256"] not in came}
    assert missing == set(NOT_OURS)
    assert len(lines) - len(missing) == 525


@pytest.mark.parametrize("table", ROWS)
def test_rows_are_those_of_the_recording_and_none_is_there_twice(
    warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    assert warehouse.sql(f"select count(*) from raw.{table}").fetchall() == [(ROWS[table],)]
    assert warehouse.sql(f"select count(*) from ops.restatements where table_name = '{table}'").fetchall() == [(0,)]


def test_sessions_and_observations_of_wide_tables(warehouse: duckdb.DuckDBPyConnection) -> None:
    sessions = warehouse.sql(
        "select asset, count(distinct session_date) from raw.farside__etf_flows group by asset order by asset"
    ).fetchall()
    assert sessions == [("btc", 495 + 14), ("eth", 363)]
    texts = warehouse.sql("""
        select count(*) from (from raw.fred__daily_series union all by name from raw.fred__weekly_series)
    """).fetchall()
    assert texts == [(20_671,)], "21,419 lines less those that say 'no observation'"


@pytest.mark.parametrize(("rule", "table", "entity", "count"), DEFECTS)
def test_every_known_defect_is_found_by_its_rule(
    published: duckdb.DuckDBPyConnection, rule: str, table: str, entity: str, count: int
) -> None:
    found = published.execute(
        "select count(*) from quality.findings where rule = ? and table_name = ? and starts_with(entity, ?)",
        [rule, table, entity],
    ).fetchall()[0][0]
    assert found >= count


def test_the_frozen_days_of_march_2022_are_found_in_all_seven_pairs(published: duckdb.DuckDBPyConnection) -> None:
    found = published.sql("""
        select count(distinct entity) from quality.findings
        where rule = 'frozen' and table_name = 'coinglass__account_ratios'
            and column_name = 'account_long_short_ratio' and started_at::date = '2022-03-10'
    """).fetchall()
    assert found == [(7,)]


def test_the_near_zero_day_of_december_2022_is_found(published: duckdb.DuckDBPyConnection) -> None:
    found = published.sql("""
        select measure < 0.001 from quality.findings
        where rule = 'jump' and table_name = 'coinglass__liquidations' and entity = 'btc'
            and column_name = 'long_liquidations_usd' and started_at::date = '2022-12-24'
    """).fetchall()
    assert found == [(True,)]


def test_release_days_of_the_shutdown_are_in_no_field_and_known_all_the_same(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    late = warehouse.sql("""
        select count(*) from raw.cftc__legacy_futures
        where report_date between '2025-10-07' and '2025-11-11' and _available_at < '2025-11-19'
    """).fetchall()
    assert late == [(0,)]


def test_the_committed_scorecard_is_that_of_the_recording(home: Path, tmp_path: Path) -> None:
    """Every figure of the predictors but the intervals, which a few resamples cannot give."""
    page = tmp_path / "scorecard.md"
    command = ("--home", str(home.parent), "--market", f"recorded:{FOLDER}", "scorecard", "--write-docs", str(page))
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *command],
        cwd=ROOT,
        env=os.environ
        | {
            "UNDERTOW_SCORECARD_REPLICATES": "10",
            "PYTHONPATH": os.pathsep.join(str(path) for path in (ROOT, ROOT / "dbt_project" / "python")),
        },
        capture_output=True,
        check=True,
    )
    ours, committed = _figures(page), _figures(ROOT / "docs" / "scorecard.md")
    assert ours == committed and len(committed) > 100


def _figures(page: Path) -> list[list[str]]:
    """The rows of the tables of predictors, without their intervals."""
    lines = [line.strip("| ").split(" | ") for line in page.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.split(" [")[0] for cell in cells[:5]] for cells in lines if len(cells) == len(PREDICTOR_COLUMNS)]
