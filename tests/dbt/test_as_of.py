"""Looking back on noise: what was known at an instant, the look-ahead proof, and what a vanished source does."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.as_of import _DONE_BY, CUT_OFF_MINUTES, TIMELESS, Cut, Engine, Node, Project, compiled_project
from orchestration.as_of import cutoff_of as cutoff
from orchestration.proof import prove_day, proving_models
from orchestration.settings import Settings
from orchestration.warehouse import OPS_TABLES
from sources.registry import DATASETS

DAYS = (date(2023, 4, 17), date(2025, 3, 9), date(2025, 10, 20))
GONE_ON = date(2025, 6, 1)
GONE_AT = datetime(2025, 6, 1, 12, tzinfo=timezone.utc)
# What the house itself did and when; it says nothing about the market.
DIARY = {"landing_runs", "sources", "dataset_health", "stg_ops__landings", "body_days", "bodies"}
NAMES = [
    "stress_index_daily",
    "stress_indicators_daily",
    "stress_pillars_daily",
    "stress_changes_daily",
    "stress_indicator_contributions_daily",
]


@pytest.fixture(scope="module")
def project(noise: Settings) -> Project:
    return compiled_project(noise)


@pytest.fixture(scope="module")
def index_models(project: Project) -> list[Node]:
    return proving_models(project, is_everything=False)


@pytest.fixture(scope="module")
def engine(noise: Settings, project: Project) -> Iterator[Engine]:
    with Engine(project, noise.warehouse_path, DATASETS) as made:
        yield made


def test_the_cut_off_is_the_project_s(noise: Settings) -> None:
    text = (noise.dbt_project_path / "dbt_project.yml").read_text()
    assert f"cutoff_minutes: {CUT_OFF_MINUTES}\n" in text


def test_every_table_of_ops_is_cut_or_timeless() -> None:
    assert set(OPS_TABLES) <= set(_DONE_BY) | TIMELESS


def test_days_are_what_was_known_at_their_cut_off(engine: Engine, project: Project) -> None:
    models = proving_models(project, is_everything=True)
    assert "fct_indicators_daily" in {model.name for model in models}
    for day in DAYS:
        proof = prove_day(engine, models, day)
        assert proof.looked_ahead == () and proof.restated == (), [str(one) for one in proof.looked_ahead[:3]]
        assert proof.row_count > 1000
        assert proof.largest < 1e-12


def test_sharing_the_hourly_models_changes_nothing(noise: Settings, project: Project, engine: Engine) -> None:
    # Which body a row came from is the house's own diary, and counted by runs, not by hours.
    names = [node.name for node in project.nodes.values() if node.kind == "incremental" and node.schema != "meta"]
    assert len(names) == 2
    with Engine(project, noise.warehouse_path, DATASETS, sharing="none") as alone:
        # Noon: a day is known in part.
        for instant in (datetime(2024, 2, 10, 12, tzinfo=timezone.utc), None):
            for each in (engine, alone):
                each.compute(names, Cut(instant))
            for name in names:
                query = f"from intermediate.{name} order by symbol, hour_started_at"
                query += ", band_pct" if "depth" in name else ""
                rows = engine.connection.sql(query).fetchall()
                assert rows and rows == alone.connection.sql(query).fetchall(), (name, instant)


def test_the_market_is_not_told_from_the_house_s_diary(project: Project) -> None:
    """When the house read something says nothing about when it could be known; the windows read do."""
    (diary,) = [key for key, node in project.nodes.items() if node.name == "stg_ops__landings"]
    readers = {node.name for node in project.nodes.values() if diary in node.parents and node.schema != "meta"}
    assert readers == set()


def test_every_model_keeps_to_the_variable(noise: Settings, project: Project) -> None:
    """Raw cut by rows, and raw whole with var('as_of') set, give the same everywhere but in the house's diary."""
    instant = cutoff(DAYS[1])
    names = [node.name for node in project.nodes.values() if node.kind != "seed"]
    found = []
    for cut in (Cut(instant), Cut(instant, by_variable=True)):
        with Engine(project, noise.warehouse_path, DATASETS, sharing="built") as one:
            one.compute(names, cut)
            found.append({name: _content(one.connection, project.by_name(name)) for name in names})
    by_rows, by_variable = found
    differing = {name for name in names if by_rows[name] != by_variable[name]}
    assert differing <= DIARY | {"about"}
    assert sum(count > 0 for count, _ in by_rows.values()) > 60


def _content(connection: duckdb.DuckDBPyConnection, node: Node) -> tuple[int, int]:
    # Which row of raw is the newest shows in figures; its address there does not matter.
    ((count, digest),) = connection.sql(
        f"select count(*), coalesce(sum(hash(rows)::hugeint), 0) from {node.relation} as rows"
    ).fetchall()
    return count, digest


@pytest.fixture
def copy(noise: Settings, tmp_path: Path) -> Path:
    path = tmp_path / noise.warehouse_path.name
    shutil.copyfile(noise.warehouse_path, path)
    return path


def _built(project: Project, warehouse: Path, models: list[Node]) -> None:
    """Put into a warehouse what a build of a project would make of its rows."""
    with Engine(project, warehouse, DATASETS) as engine:
        engine.compute([model.name for model in models], Cut())
        frames = {model.relation: engine.connection.sql(f"from {model.relation}").to_arrow_table() for model in models}
    with duckdb.connect(str(warehouse)) as connection:
        for relation, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f"delete from {relation}")
            connection.execute(f"insert into {relation} by name from frame")
            connection.unregister("frame")


def test_a_planted_look_ahead_is_found(project: Project, copy: Path, index_models: list[Node]) -> None:
    (one,) = [key for key, node in project.nodes.items() if node.name == "int_indicator__vix"]
    honest = project.nodes[one]
    ahead = f"""
        select
            observed_date,
            coalesce(lead(value) over (order by observed_date), value) as value,
            available_at
        from ({honest.sql})
    """
    planted = Project({**project.nodes, one: replace(honest, sql=ahead)}, "planted")
    _built(planted, copy, index_models)
    with Engine(planted, copy, DATASETS) as engine:
        proofs = [prove_day(engine, index_models, day) for day in DAYS]
    assert all(proof.looked_ahead for proof in proofs)
    assert any("vix" in (one.now or one.then or ()) for one in proofs[0].looked_ahead)
    assert not any(proof.restated for proof in proofs)


def test_a_restated_figure_is_told_apart(project: Project, copy: Path, index_models: list[Node]) -> None:
    """A figure changed after the cut-off changes the print; that is no look-ahead, and the day says which figure."""
    day = DAYS[2]
    with duckdb.connect(str(copy)) as connection:
        connection.sql("set TimeZone = 'UTC'")
        connection.execute(
            """
            insert into raw.fred__daily_series
            select * replace (
                value * 3 as value,
                timestamptz '2025-12-06 02:00:00+00' as _vintage_at,
                timestamptz '2025-12-06 02:00:00+00' as _available_at,
                'observed' as _available_basis
            )
            from raw.fred__daily_series
            where series_id = 'VIXCLS' and observed_on between ? and ?
            """,
            [date(2025, 10, 1), date(2025, 10, 20)],
        )
    _built(project, copy, index_models)
    with Engine(project, copy, DATASETS) as engine:
        proof = prove_day(engine, index_models, day)
        untouched = prove_day(engine, index_models, DAYS[1])
    assert proof.looked_ahead == ()
    assert proof.restated
    assert proof.sources is not None and list(proof.sources) == ["fred__daily_series"]
    assert proof.sources["fred__daily_series"][0] >= 8
    assert untouched.looked_ahead == untouched.restated == ()


# Vanished sources


def _register(noise: Settings) -> dict[str, tuple[str, set[str]]]:
    """Indicator -> pillar, and the datasets it is made of."""
    with open(noise.dbt_project_path / "seeds" / "stress_register.csv", newline="") as lines:
        return {
            row["indicator"]: (row["pillar"], set(re.split(r",\s*", row["inputs"]))) for row in csv.DictReader(lines)
        }


def _sources() -> list[Any]:
    """Every provider behind the index; in the soak also the datasets of those that have several."""
    path = Path(__file__).parents[2] / "dbt_project" / "seeds" / "stress_register.csv"
    with open(path, newline="") as lines:
        tables = sorted({table for row in csv.DictReader(lines) for table in re.split(r",\s*", row["inputs"])})
    providers = [table.partition("__")[0] for table in tables]
    single = [table for table in tables if providers.count(table.partition("__")[0]) > 1]
    return sorted(set(providers)) + [pytest.param(table, marks=pytest.mark.soak) for table in single]


@pytest.fixture(scope="module")
def built_engine(noise: Settings, project: Project) -> Iterator[Engine]:
    with Engine(project, noise.warehouse_path, DATASETS, sharing="built") as made:
        yield made


@pytest.mark.parametrize("source", _sources())
def test_a_vanished_source_never_passes_for_calm(noise: Settings, built_engine: Engine, source: str) -> None:
    tables = [table for table in DATASETS if source in (table, table.partition("__")[0])]
    assert tables
    built_engine.compute(NAMES, Cut(vanished=dict.fromkeys(tables, GONE_AT)))
    ask = built_engine.connection.sql
    fed = {name: pillar for name, (pillar, inputs) in _register(noise).items() if inputs & set(tables)}
    affected = ", ".join(f"'{name}'" for name in fed)

    # Other inputs are what they are.
    assert (
        ask(f"""
        select indicator, date, z from warehouse.marts.stress_indicators_daily where indicator not in ({affected})
        except select indicator, date, z from marts.stress_indicators_daily
    """).fetchall()
        == []
    )

    # Wherever the index is lower than with the source, or gone, an input of it is older than it would be, or missing.
    silent = ask(f"""
        with worse as (
            select house.date
            from warehouse.marts.stress_index_daily as house
            left join marts.stress_index_daily as now using (date)
            where coalesce(now.cmsi, -1) < house.cmsi - 1e-9
        )

        select date from worse
        where date not in (
            select house.date
            from warehouse.marts.stress_indicators_daily as house
            inner join marts.stress_indicators_daily as now using (date, indicator)
            where indicator in ({affected})
                and (now.age_days > house.age_days or now.observed_date < house.observed_date or not now.is_fresh)
        )
        order by date
    """).fetchall()
    assert [day for (day,) in silent if not _is_memory(built_engine, day, affected)] == []

    # A missing input is named by the print, and has neither points nor a rank.
    unnamed = ask("""
        select index_days.date, indicators.indicator
        from marts.stress_index_daily as index_days
        inner join marts.stress_indicators_daily as indicators using (date)
        where not indicators.is_fresh and (
            not list_contains(index_days.stale_inputs, indicators.indicator) or indicators.z is not null
            or exists (
                from marts.stress_indicator_contributions_daily as points
                where points.date = indicators.date and points.indicator = indicators.indicator
            )
        )
    """).fetchall()
    assert unnamed == []

    # On the day on which it goes missing the change says so, as a term of composition of its pillar or of the index.
    left = ask(f"""
        select today.date, today.indicator, today.pillar
        from marts.stress_indicators_daily as today
        inner join marts.stress_indicators_daily as yesterday
            on today.indicator = yesterday.indicator and yesterday.date = today.date - 1
        inner join marts.stress_index_daily as index_today on today.date = index_today.date
        inner join marts.stress_index_daily as index_before on index_before.date = today.date - 1
        inner join marts.stress_pillars_daily as scores
            on scores.date = yesterday.date and scores.pillar = today.pillar and scores.is_usable
        where yesterday.is_fresh and not today.is_fresh and today.indicator in ({affected})
            and today.date >= '{GONE_ON}'
    """).fetchall()
    for day, indicator, pillar in left:
        terms = ask(f"""
            select term, pillar_i from marts.stress_changes_daily
            where date = '{day}' and (pillar_i = '{pillar}' or (term = 'composition' and pillar_i = ''))
        """).fetchall()
        is_usable = ask(f"""
            select is_usable from marts.stress_pillars_daily where date = '{day}' and pillar = '{pillar}'
        """).fetchall() == [(True,)]
        assert ("composition", pillar if is_usable else "") in terms, (day, indicator, terms)
        assert is_usable or ("level", pillar) not in terms, (day, indicator)


def _is_memory(engine: Engine, day: date, affected: str) -> bool:
    """Whether every input is as fresh as with the source, measured by what is left of it.

    Two things may then still move the index a little: another source has taken over, which the input's observation
    shows, and the correlations remember days that were missing.
    """
    ((count,),) = engine.connection.sql(f"""
        select count(*)
        from warehouse.marts.stress_indicators_daily as house
        left join marts.stress_indicators_daily as now using (date, indicator)
        where date = '{day}' and indicator in ({affected}) and house.is_fresh
            and not coalesce(now.is_fresh and now.observed_date >= house.observed_date, false)
    """).fetchall()
    return bool(count == 0)
