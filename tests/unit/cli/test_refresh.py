"""What a refresh shows while it works and says at its end; the work itself is tested elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.automation import RefreshResult
from orchestration.cli import refresh
from orchestration.landing import DatasetReport
from orchestration.progress import Observer
from orchestration.publishing.published import Published
from orchestration.settings import Settings
from orchestration.transform import Build
from sources.dataset import Window
from tests.small_warehouse import LAST_DAY
from tests.unit.cli.conftest import Answer, Undertow

Pretend = Callable[..., tuple[Answer, dict[str, object]]]
FAILURE = "farside.etf_flows 2025-11-01T00:00..2025-12-01T00:00: [bold]no[/bold] (HTTP 403) (try another network)"


def result_of(*reports: DatasetReport, build: Build | None = None, because: str | None = None) -> RefreshResult:
    return RefreshResult(
        run_id="run-1",
        datasets=reports,
        build=build or Build("built", seconds=1.5, node_count=3),
        publication=None,
        not_published_because=because,
        seconds=2.5,
        publish_seconds=0.25,
    )


@pytest.fixture
def pretend(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Runs a command whose refresh gives a made result."""

    def run(result: RefreshResult, *arguments: str) -> tuple[Answer, dict[str, object]]:
        asked: dict[str, object] = {}

        def run_refresh(settings: Settings, **options: object) -> RefreshResult:
            asked.update(options, market=settings.market)
            return result

        def run_backfill(settings: Settings, table: str, window: Window, **options: object) -> RefreshResult:
            asked.update(options, table=table, window=window)
            return result

        monkeypatch.setattr("orchestration.automation.run_refresh", run_refresh)
        monkeypatch.setattr("orchestration.automation.run_backfill", run_backfill)
        return undertow(*arguments), asked

    return run


def test_options_reach_the_run(pretend: Pretend) -> None:
    _, asked = pretend(result_of(), "refresh", "--since", "2025-11-01", "--only", "fred", "--force")
    assert asked["since"] == datetime(2025, 11, 1, tzinfo=timezone.utc)
    assert asked["only"] == ["fred__daily_series", "fred__weekly_series"]
    assert asked["force"] is True


def test_a_backfill_covers_both_its_days(pretend: Pretend) -> None:
    answer, asked = pretend(result_of(), "backfill", "farside.etf_flows", "2025-10-01..2025-10-31")
    assert answer.code == 0
    assert asked["table"] == "farside__etf_flows"
    assert str(asked["window"]) == "2025-10-01T00:00..2025-11-01T00:00"


def test_all_went_well(pretend: Pretend, published: Published) -> None:
    reports = (
        DatasetReport("farside__etf_flows", status="landed", new_row_count=1200, changed_row_count=3),
        DatasetReport("fred__daily_series", status="unchanged"),
    )
    answer, _ = pretend(result_of(*reports), "refresh")
    assert answer.code == 0
    assert "SIMULATED" in answer.out
    assert "2 datasets: 1 landed, 1 unchanged; 1,200 new rows, 3 restated" in answer.out
    with published.connect() as connection:
        ((cmsi,),) = connection.execute("select cmsi from index_between($1, $1)", [LAST_DAY]).fetchall()
    assert f"CMSI {cmsi:.1f} " in answer.out
    assert str(LAST_DAY) in answer.out
    assert "Without" not in answer.out
    assert "failed" not in answer.out


@pytest.mark.usefixtures("published")
def test_a_failed_dataset_is_named_and_so_is_what_the_index_did(pretend: Pretend) -> None:
    reports = (
        DatasetReport("farside__etf_flows", status="failed", errors=[FAILURE, "another"]),
        DatasetReport("fred__daily_series", status="landed", new_row_count=5),
    )
    answer, _ = pretend(result_of(*reports), "refresh")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("failed ")]
    # Said once, with its window and its remedy, and not read as markup.
    assert line == f"failed farside.etf_flows: {FAILURE.removeprefix('farside.etf_flows ')} (and 1 more)"
    assert "has every input" in answer.out
    assert "undertow doctor" in answer.out


def test_a_failed_check_says_what_failed_and_that_readers_keep_what_they_have(pretend: Pretend) -> None:
    build = Build("failed", problems=("stress_index_daily: [a] adds up: 3 rows",))
    answer, _ = pretend(result_of(build=build, because="the build did not pass its checks"), "refresh")
    assert answer.code == 1
    assert "dbt stress_index_daily: [a] adds up: 3 rows" in answer.out
    assert "not published: the build did not pass its checks" in answer.out
    assert "nothing is published yet" in answer.out


@pytest.mark.usefixtures("published")
def test_demo_explains_the_newest_print(pretend: Pretend) -> None:
    answer, asked = pretend(result_of(), "demo")
    assert answer.code == 0
    assert asked["market"] == "simulated"
    lines = answer.out.splitlines()
    assert any(line.startswith("SIMULATED") for line in lines)
    total = next(line for line in lines if line.startswith("CMSI ") and "100 %" in line)
    printed = next(line for line in lines if line.startswith("CMSI ") and "coverage" in line)
    assert f"{float(total.split()[1]):.1f}" == printed.split()[1]
    terms = [float(line.split()[-1]) for line in lines if " moved " in line or "smaller terms" in line]
    change = next(line for line in lines if line.startswith("CMSI ") and " to " in line)
    assert sum(terms) == pytest.approx(float(change.split()[-1]), abs=0.02)
    assert sum(line.strip().startswith("undertow ") for line in lines) == 3
    assert "6 of 6 pillars and 12 of 12 inputs count." in answer.out


def test_demo_is_simulated_whatever_the_environment_says(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_MARKET", "live")
    _, asked = pretend(result_of(DatasetReport("fred__daily_series", status="failed", errors=["x"])), "demo")
    assert asked["market"] == "simulated"


def tell(observer: Observer) -> None:
    """A run in which one dataset fails and one test finds something."""
    window = Window(datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2025, 2, 1, tzinfo=timezone.utc))
    observer.waiting("waiting for the warehouse: process 1")
    observer.dataset_started("farside__etf_flows", 2)
    observer.window_landed("farside__etf_flows", 1, 2, window, 100)
    observer.window_landed("farside__etf_flows", 2, 2, window, 100)
    observer.dataset_finished("farside__etf_flows", "landed", 200, 1.25, None)
    observer.dataset_started("fred__daily_series", 1)
    observer.dataset_finished("fred__daily_series", "failed", 0, 0.5, "fred.daily_series 2025: [red]dead[/red]")
    observer.build_started(2)
    observer.node_finished("stg_farside__etf_flows", 1, 2, "success")
    observer.node_finished("adds_up[x]", 2, 2, "fail")
    observer.build_finished("failed", 3.0)
    observer.not_published("the build did not pass")
    observer.published(Path("/home/[me]/undertow.duckdb"), 35, 1000)


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    out = Console(file=io.StringIO(), width=80)
    tell(refresh.LineObserver(out, 2))
    written = out.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in written
    lines = [" ".join(line.split()) for line in written.splitlines()]
    assert lines == [
        "waiting for the warehouse: process 1",
        "1/2 farside.etf_flows landed 200 rows 1.2 s",
        "2/2 fred.daily_series failed 0 rows 0.5 s 2025: [red]dead[/red]",
        "dbt: 2 models, seeds and tests",
        "dbt: adds_up[x]: fail",
        "dbt: failed in 3.0 s",
        "not published: the build did not pass",
        "published 35 tables, 1,000 rows: /home/[me]/undertow.duckdb",
    ]


def test_progress_is_bars_on_a_terminal() -> None:
    out = Console(file=io.StringIO(), width=100, force_terminal=True)
    with refresh._bars(out) as progress:
        tell(refresh.BarObserver(out, 2, progress))
        shown = [task.description for task in progress.tasks]
        assert [(task.completed, task.total) for task in progress.tasks] == [(2, 2), (2, 2)]
    assert shown == ["datasets", "dbt"]
    written = out.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]dead[/red]" in written
    assert "2/2" in written
