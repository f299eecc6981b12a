"""Where the time of a refresh goes, on this machine, as ratios to the work itself.

    python -m tests.bench [--scales 1 10] [--keep DIR]

On the simulated market: a warehouse that knows everything but the last day is refreshed with nothing new, then with
one new day. The same work is then done without the house around it, in the same run of this program: the same bodies
through the same parsers, the same SQL through DuckDB alone, a plain copy of the published bytes. At scale 10 every raw
table holds ten times the history (the same rows again, shifted into the past). Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from orchestration.settings import Settings
from sources.archive import Archive
from sources.registry import DATASETS

EVE, DAY = "2025-12-05T01:00:00+00:00", "2025-12-06T01:00:00+00:00"
_SHIFT_DAYS = 1827
_REFRESH = """
import json
from orchestration.automation import run_refresh
from orchestration.settings import Settings
result = run_refresh(Settings.load())
parts = {part: getattr(result, part + "_seconds") for part in ("fetch", "parse", "land", "dbt", "publish")}
print(json.dumps({"run_id": result.run_id, "rows": result.new_row_count, "build": result.build.status} | parts))
"""


def settings_at(home: Path, now: str) -> Settings:
    return Settings.load(home=home, market="simulated", now=now)


def refresh(settings: Settings) -> dict[str, float | str]:
    """One `refresh` in a process of its own, from interpreter start to exit."""
    started = time.perf_counter()
    environment = os.environ | dict(settings.environment())
    run = subprocess.run([sys.executable, "-c", _REFRESH], env=environment, capture_output=True, text=True, check=True)
    said: dict[str, float | str] = json.loads(run.stdout.strip().splitlines()[-1])
    return said | {"wall": time.perf_counter() - started}


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def parse_again(settings: Settings, run_id: str) -> None:
    """The bodies of a run through the same parsers, without Dagster."""
    for dataset in DATASETS.values():
        archive = Archive(settings.archive_path, dataset)
        for entry in archive.entries():
            if entry.run_id == run_id and not entry.is_companion and entry.status == 200:
                dataset.conform(dataset.parse(archive.load(entry)))


def compiled_models(settings: Settings, scratch: Path) -> list[tuple[str, str]]:
    """(materialisation, SQL) of every model, parents first."""
    environment = os.environ | {"UNDERTOW_WAREHOUSE": str(settings.warehouse_path)}
    project = str(settings.dbt_project_path)
    where = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(scratch)]
    subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", "compile", *where, "--log-path", str(scratch)],
        env=environment,
        check=True,
    )
    nodes = json.loads((scratch / "manifest.json").read_text())["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter({name: set(node["depends_on"]["nodes"]) for name, node in models.items()}).static_order()
    return [(models[name]["config"]["materialized"], models[name]["compiled_code"]) for name in order if name in models]


def run_sql(warehouse: Path, models: list[tuple[str, str]]) -> None:
    """The SQL of every table through DuckDB alone, results thrown away; views cost nothing until they are read."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.sql("set TimeZone = 'UTC'")
        for materialised, sql in models:
            if materialised != "view":
                connection.sql(f"create or replace temp table result as {sql}")


def multiply(warehouse: Path, factor: int) -> None:
    """Give every raw table `factor` times its history."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.sql("set TimeZone = 'UTC'")
        for dataset in DATASETS.values():
            for number in range(1, factor):
                back = f"interval '{number * _SHIFT_DAYS} days'"
                connection.sql(f"""
                    insert into raw.{dataset.table} by name
                    select * replace (
                        cast({dataset.time_column} - {back} as {
                    connection.sql(f"select typeof({dataset.time_column}) from raw.{dataset.table} limit 1").fetchall()[
                        0
                    ][0]
                }) as {dataset.time_column},
                        _available_at - {back} as _available_at
                    )
                    from raw.{dataset.table}
                    where _vintage_at is not null and {dataset.time_column} >= date '2020-12-31'
                """)


def measure(home: Path, scale: int) -> None:
    eve, day = settings_at(home, EVE), settings_at(home, DAY)
    if scale > 1:
        multiply(eve.warehouse_path, scale)
    # A home at a new path makes dbt read its project again, once.
    refresh_forced(eve)
    idle = refresh(eve)
    new = refresh(day)
    with tempfile.TemporaryDirectory() as folder:
        models = compiled_models(day, Path(folder))
        copy = Path(folder) / "warehouse.duckdb"
        shutil.copyfile(day.warehouse_path, copy)
        pure_dbt = timed(lambda: run_sql(copy, models))
        pure_parse = timed(lambda: parse_again(day, str(new["run_id"])))
        published = day.published_path.joinpath("undertow.duckdb").resolve()
        pure_publish = timed(lambda: shutil.copyfile(published, Path(folder) / "copy.duckdb"))
    with duckdb.connect(str(day.warehouse_path), read_only=True) as connection:
        (rows,) = connection.sql(
            "select sum(estimated_size) from duckdb_tables() where schema_name = 'raw'"
        ).fetchall()[0]
    print(f"\nhistory x{scale}: {rows:,.0f} raw rows")
    print(f"  refresh, nothing new     {idle['wall']:6.1f} s   (dbt: {idle['build']})")
    print(f"  refresh, one new day     {new['wall']:6.1f} s   {new['rows']:,} new rows")
    work = 0.0
    for part, pure in (
        ("fetch", None),
        ("parse", pure_parse),
        ("land", None),
        ("dbt", pure_dbt),
        ("publish", pure_publish),
    ):
        seconds = float(new[part])
        work += seconds
        against = f"   {seconds / pure:5.1f} x the work alone ({pure:.2f} s)" if pure else ""
        print(f"    {part:<10} {seconds:6.2f} s{against}")
    print(f"    {'the rest':<10} {float(new['wall']) - work:6.2f} s   interpreter, imports, Dagster's own bookkeeping")


def refresh_forced(settings: Settings) -> None:
    code = _REFRESH.replace("run_refresh(Settings.load())", "run_refresh(Settings.load(), force=True)")
    environment = os.environ | dict(settings.environment())
    subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 10], help="multiples of the history")
    parser.add_argument("--keep", type=Path, help="folder for the homes, kept afterwards")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.keep or Path(scratch)
        base = root / "base"
        if not base.exists():
            print(f"first load, all history: {refresh(settings_at(base, EVE))['wall']:.1f} s", flush=True)
        for scale in arguments.scales:
            home = root / f"x{scale}"
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(base, home, symlinks=True)
            measure(home, scale)


if __name__ == "__main__":
    main()
