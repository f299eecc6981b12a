"""The main job of the README, whole: the demo runs, and what it leaves behind is what the README and the method say."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.dbt import oracle

ROOT = Path(__file__).resolve().parents[2]
CLOSE = 1e-9


def undertow(home: Path, *arguments: str, market: str = "simulated") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env=os.environ | {"UNDERTOW_HOME": str(home), "UNDERTOW_MARKET": market},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def said(home: Path) -> str:
    run = undertow(home, "demo")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout


@pytest.fixture
def published(home: Path, said: str) -> duckdb.DuckDBPyConnection:
    assert said
    connection = duckdb.connect(str(home / "simulated" / "published" / "undertow.duckdb"), read_only=True)
    connection.sql("set TimeZone = 'UTC'")
    return connection


@pytest.mark.timeout(900)
def test_demo_says_what_it_must(said: str) -> None:
    for part in ("SIMULATED", "CMSI", "2025-12-05", "changed since", "Coverage", "undertow.duckdb", "Try next"):
        assert part in said, part
    assert len(re.findall(r"^ +undertow ", said.split("Try next")[1], re.M)) == 3


def test_index_equals_a_second_computation_on_every_day(published: duckdb.DuckDBPyConnection) -> None:
    expected = oracle.compute(
        published.sql("from marts.stress_observations").pl(),
        published.sql("from marts.stress_register").pl(),
        ["flows", "derivatives", "liquidity", "price_volatility", "onchain_defi", "macro"],
    )
    prints = dict(published.sql("select date, cmsi from marts.stress_index_daily").fetchall())
    assert prints.keys() == expected.index.keys() and len(prints) > 1200
    assert max(abs(prints[day] - float(expected.index[day]["value"])) for day in prints) < CLOSE
    changes = published.sql("select date, term, pillar_i, pillar_j, points from marts.stress_changes_daily").fetchall()
    assert {row[:4] for row in changes} == expected.changes.keys()
    assert max(abs(row[4] - expected.changes[row[:4]]) for row in changes) < CLOSE
    parts = published.sql("select date, indicator, points from marts.stress_indicator_contributions_daily").fetchall()
    assert max(abs(points - expected.indicator_contributions[day, name]) for day, name, points in parts) < CLOSE


def test_every_day_is_printed_once_and_can_be_followed_to_the_archive(
    home: Path, published: duckdb.DuckDBPyConnection
) -> None:
    kinds = published.sql("select basis, count(*), max(date) from marts.stress_index_prints group by all").fetchall()
    live, reconstructed = sorted(kinds)
    assert live == ("live", 1, date(2025, 12, 5))
    assert reconstructed[1] > 1200
    assert published.sql("select count(*) from marts.cmsi_latest where is_restated").fetchall() == [(0,)]
    lines = (home / "simulated" / "archive" / "_prints" / "cmsi.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 1 + reconstructed[1], "the columns, and a line for each day"
    followed = published.sql(
        "select indicator, sum(row_count), sum(body_count) from evidence('2025-11-04') group by all"
    ).fetchall()
    assert len(followed) == 24
    assert all(rows > 0 and bodies > 0 for _, rows, bodies in followed), followed
    for indicator in ("oi_speed_7d", "etf_outflow_intensity_5s", "vix"):
        found = json.loads(undertow(home, "why", "2025-11-04", "--indicator", indicator, "--json").stdout)
        assert {body["archive"] for body in found["bodies"]} == {"verified"}, indicator
        assert all(body["method"] and body["url"] and body["path"] for body in found["bodies"]), indicator


def test_autumn_reads_as_it_should(published: duckdb.DuckDBPyConnection) -> None:
    regimes = dict(published.sql("select date, regime from marts.stress_index_daily").fetchall())
    for month, day in ((10, 10), (10, 11), (11, 4), (11, 5), (11, 20), (11, 21)):
        assert regimes[date(2025, month, day)] == "severe", (month, day)
    # Elsewhere: most months without a severe day, at most one in ten days severe before the autumn.
    (severe_months, months, severe_ratio) = published.sql("""
        select
            count(distinct strftime(date, '%Y-%m')) filter (where regime = 'severe'),
            count(distinct strftime(date, '%Y-%m')),
            avg(case when regime = 'severe' then 1.0 else 0 end)
        from marts.stress_index_daily where date < '2025-10-01'
    """).fetchall()[0]
    assert severe_months <= 5 and months >= 38 and severe_ratio < 0.1


def test_story_s_figures_can_be_asked_for(published: duckdb.DuckDBPyConnection) -> None:
    """The dated public figures of the autumn, by SQL, from what was landed through the providers' formats."""
    ask = published.sql
    (high,) = ask("select high_usd from marts.fct_prices_daily where asset = 'btc' and date = '2025-10-06'").fetchall()[
        0
    ]
    assert 125_000 < high < 127_500
    low, fall = ask("""
        select low_usd, return_pct from marts.fct_prices_daily where asset = 'btc' and date = '2025-11-04'
    """).fetchall()[0]
    assert low < 99_500 and -9 < fall < -5
    (ether,) = ask("select low_usd from marts.fct_prices_daily where asset = 'eth' and date = '2025-11-04'").fetchall()[
        0
    ]
    assert 2_950 < ether < 3_150
    venue, market = ask("""
        select min(hours.low_quote), min(days.price_usd)
        from marts.fct_stablecoin_venue_prices_hourly as hours
        inner join marts.fct_stablecoins_daily as days using (symbol, date)
        where symbol = 'USDe' and date = '2025-10-10'
    """).fetchall()[0]
    assert 0.6 < venue < 0.7 and market > 0.97
    (november,) = ask("""
        select sum(net_flow_usd) from marts.fct_etf_flow_totals
        where asset = 'btc' and session_date between '2025-11-01' and '2025-11-30'
    """).fetchall()[0]
    assert -4.1e9 < november < -3.0e9
    (sold,) = ask("""
        select max(lth_supply_btc) - min(lth_supply_btc) from marts.fct_holders_daily
        where date between '2025-10-01' and '2025-11-10'
    """).fetchall()[0]
    assert 350_000 < sold < 480_000
    (loss,) = ask(
        "select loss_usd from marts.fct_hacks where name ilike '%balancer%' and hacked_on = '2025-11-03'"
    ).fetchall()[0]
    assert 100e6 < loss < 130e6
    ((fear,),) = ask(
        "select min(fear_greed_index) from marts.fct_sentiment_daily where date >= '2025-11-15'"
    ).fetchall()
    assert fear <= 15


def test_every_claim_has_a_verdict_and_its_query_gives_its_value(published: duckdb.DuckDBPyConnection) -> None:
    ledger = published.sql("from marts.claims_ledger").pl()
    assert ledger.height == 40 and ledger["verdict"].null_count() == 0 and ledger["is_simulated"].all()
    verdicts = dict(ledger.select("claim", "verdict").iter_rows())
    # What the simulation was told, it shows; what it was not told, it does not.
    assert {verdicts[claim] for claim in ("0.3", "1.10", "1.14")} == {"holds"}
    assert (verdicts["1.15"], verdicts["0.17"], verdicts["0.12"]) == ("contradicted", "opinion", "unproven")
    readings = published.sql("select claim, definition, value, query from marts.claims_readings").fetchall()
    assert len(readings) > 50
    for claim, definition, value, query in readings:
        (found,) = published.sql(query).fetchall()[0]
        assert found == pytest.approx(value, rel=1e-12), (claim, definition)


def test_outlook_answers_every_day(published: duckdb.DuckDBPyConnection) -> None:
    (answers,) = published.sql("""
        select list(variable || ' ' || answer order by variable) from marts.outlook_daily where date = '2025-11-21'
    """).fetchall()[0]
    assert answers == ["etf_flows_stabilised no", "institutions_back no", "leverage_cleared no"]


def test_simulated_is_written_on_everything(published: duckdb.DuckDBPyConnection) -> None:
    assert published.sql("select market, is_simulated from meta.about").fetchall() == [("simulated", True)]
    assert published.sql("select distinct market from marts.stress_index_daily").fetchall() == [("simulated",)]
    bare = published.sql("""
        select schema_name, table_name from duckdb_tables()
        where schema_name in ('marts', 'meta', 'quality') and (comment is null or comment not like '[SIMULATED]%')
    """).fetchall()
    assert bare == []


def _readme_commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    return [
        line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.startswith("undertow")
    ]


def test_readme_has_commands() -> None:
    assert len(_readme_commands()) >= 10


@pytest.mark.parametrize("command", _readme_commands())
def test_readme_commands_run(home: Path, said: str, command: str) -> None:
    """Every command the README shows; those for the live market and the UI as far as they go without a network."""
    assert said
    name, *arguments = shlex.split(command)
    assert name == "undertow"
    if arguments[0] in ("--market", "dev"):
        arguments = [*[one for one in arguments if one not in ("--market", "live")], "--help"]
    run = undertow(home, *arguments)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.strip()
