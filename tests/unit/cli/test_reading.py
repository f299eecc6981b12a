"""`undertow why`, `status` and `sources` on a small published market."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.cli.why import path_in_manifest, state_in_archive
from orchestration.publishing.published import Published
from orchestration.publishing.snapshot import publish_file
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from sources.registry import DATASETS
from tests import small_warehouse
from tests.small_warehouse import BODY, BODY_SHA256, FIRST_DAY, GAP_DAY, INDICATORS, LAST_DAY, NOW, RESTATED_DAY
from tests.unit.cli.conftest import Undertow


@pytest.mark.usefixtures("published")
class TestWhy:
    def test_json_adds_up(self, undertow: Undertow) -> None:
        answer = undertow("why", LAST_DAY, "--json")
        assert answer.code == 0
        said = json.loads(answer.out)
        assert said["is_printed"] is True
        assert said["is_simulated"] is True
        pillars, cmsi = said["pillars"], said["index"]["cmsi"]
        assert sum(pillar["points"] for pillar in pillars) == pytest.approx(cmsi, abs=1e-9)
        for pillar in pillars:
            inputs = sum(row["points"] for row in pillar["indicators"])
            assert inputs == pytest.approx(pillar["points"], abs=1e-9)
        assert {row["indicator"] for pillar in pillars for row in pillar["indicators"]} == set(INDICATORS)
        change = said["change"]
        assert change["previous_date"] == str(LAST_DAY - timedelta(days=1))
        assert change["previous_cmsi"] + change["points"] == pytest.approx(cmsi, abs=1e-9)
        assert sum(row["points"] for row in change["terms"]) == pytest.approx(change["points"], abs=1e-9)

    def test_tree_shows_values_dates_and_ages(self, undertow: Undertow) -> None:
        answer = undertow("why", LAST_DAY)
        assert answer.code == 0
        assert "SIMULATED" in answer.out
        assert f"of {LAST_DAY}" in answer.out
        assert f"since {LAST_DAY - timedelta(days=1)}" in answer.out
        # A title is not markup.
        assert "Hack losses [30 days]" in answer.out

    def test_newest_print_is_the_default(self, undertow: Undertow) -> None:
        assert json.loads(undertow("why", "--json").out)["date"] == str(LAST_DAY)

    def test_yesterday_is_by_the_markets_clock(self, undertow: Undertow) -> None:
        assert json.loads(undertow("why", "yesterday", "--json").out)["date"] == str(LAST_DAY)

    def test_a_carried_input_says_how_old_it_is(self, undertow: Undertow) -> None:
        saturday = next(day for day in (LAST_DAY - timedelta(days=back) for back in range(8)) if day.weekday() == 5)
        answer = undertow("why", saturday)
        assert "carried for 1 d" in answer.out

    def test_a_day_without_print_says_why(self, undertow: Undertow) -> None:
        answer = undertow("why", GAP_DAY, "--json")
        assert answer.code == 0
        said = json.loads(answer.out)
        assert said["is_printed"] is False
        assert said["index"] is None
        assert said["change"] is None
        assert said["reason"].startswith("3 of the 4 pillars that a print needs count: ")
        assert "flows has 0 % of its weight fresh" in said["reason"]
        missing = {k for k, (pillar, _, _) in INDICATORS.items() if pillar in ("flows", "derivatives", "liquidity")}
        assert {row["indicator"] for row in said["missing"]} == missing
        assert said["not_in_panel"] == []
        shown = undertow("why", GAP_DAY)
        assert f"{GAP_DAY}: no print, 3 of the 4 pillars" in shown.out
        assert "missing: usable 4 d ago is too old" in shown.out

    def test_the_day_after_has_nothing_to_compare_with(self, undertow: Undertow) -> None:
        answer = undertow("why", GAP_DAY + timedelta(days=1))
        assert "No print on the day before" in answer.out

    def test_a_day_that_is_not_over(self, undertow: Undertow) -> None:
        said = json.loads(undertow("why", LAST_DAY + timedelta(days=1), "--json").out)
        assert said["reason"] == (
            f"the day is not over by the market's clock; the last day that can be printed is {LAST_DAY}"
        )

    def test_a_day_before_the_history(self, undertow: Undertow) -> None:
        said = json.loads(undertow("why", "2015-01-01", "--json").out)
        assert "not enough" in said["reason"] or f"the first ranks are of {FIRST_DAY}" in said["reason"]

    @pytest.mark.parametrize("day", ["2025-13-01", "tomorrowish", "20251", "2025-11-31", ""])
    def test_what_is_no_day(self, undertow: Undertow, day: str) -> None:
        answer = undertow("why", day)
        assert answer.code == 2
        assert "is not a day; write it as 2025-11-04" in answer.error_line


@pytest.mark.usefixtures("published")
class TestStatus:
    def test_json(self, undertow: Undertow, published: Published) -> None:
        answer = undertow("status", "--json")
        assert answer.code == 0
        said = json.loads(answer.out)
        assert (said["market"], said["is_simulated"]) == ("simulated", True)
        assert said["index"]["date"] == str(LAST_DAY)
        assert said["coverage"] == 1.0
        assert said["under_way"] is None
        assert Path(said["paths"]["database"]) == published.database
        current = published.current()
        assert current is not None
        assert said["published"]["version"] == current.name
        assert said["published"]["row_count"] == current.row_count
        assert {row["table"] for row in said["datasets"]} == set(DATASETS)

    def test_freshness_is_by_the_markets_clock(self, undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
        def states() -> dict[str, str]:
            return {row["table"]: row["state"] for row in json.loads(undertow("status", "--json").out)["datasets"]}

        monkeypatch.setenv("UNDERTOW_NOW", NOW.isoformat())
        now = states()
        assert now["binance_vision__um_metrics"] == "fresh"
        assert now["farside__etf_flows"] == "stale"
        assert now["fred__daily_series"] == "failed"
        assert now["defillama__hacks"] == "never"
        monkeypatch.setenv("UNDERTOW_NOW", (NOW + timedelta(days=30)).isoformat())
        assert states()["binance_vision__um_metrics"] == "stale"

    def test_says_simulated_and_what_failed_without_reading_markup(self, undertow: Undertow) -> None:
        answer = undertow("status")
        assert answer.code == 0
        assert answer.out.startswith("SIMULATED")
        assert "[red]FRED[/red] cannot be reached" in answer.out

    def test_answers_while_the_warehouse_is_locked_by_a_writer(self, undertow: Undertow, home: Path) -> None:
        code = (
            "import sys, time, duckdb\n"
            "from orchestration.settings import Settings\n"
            "from orchestration.warehouse import Warehouse\n"
            "with Warehouse(Settings.load()).connect('landing everything'):\n"
            "    print('writing', flush=True)\n"
            "    time.sleep(60)\n"
        )
        root = Path(__file__).resolve().parents[3]
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ}
        ) as writing:
            try:
                assert writing.stdout is not None
                assert writing.stdout.readline() == "writing\n"
                said = json.loads(undertow("status", "--json").out)
                assert said["index"]["date"] == str(LAST_DAY)
                assert said["under_way"].startswith(f"landing everything (process {writing.pid}")
                assert undertow("why").code == 0
                assert undertow("sql", "select 1").code == 0
            finally:
                writing.kill()
        # Its signature is still there, but nobody holds the lock.
        assert Warehouse(Settings.load()).holder() is not None
        assert json.loads(undertow("status", "--json").out)["under_way"] is None


def test_status_before_anything_is_published(undertow: Undertow) -> None:
    answer = undertow("status", "--json")
    assert answer.code == 0
    said = json.loads(answer.out)
    assert said["index"] is None
    assert said["published"] is None
    assert said["no_index_reason"] == "nothing is published yet: run `undertow refresh`"
    assert {row["state"] for row in said["datasets"]} == {"never"}
    assert "nothing is published yet" in undertow("status").out


def republish(home: Path, *changes: str) -> None:
    """Publish the small market with changes to its marts."""
    small_warehouse.build(home / "warehouse.duckdb")
    with duckdb.connect(home / "warehouse.duckdb") as connection:
        for change in changes:
            connection.execute(change)
    folder = Published(home / "simulated" / "published")
    publish_file(home / "warehouse.duckdb", folder, now=NOW, is_simulated=True, keep=5)


def test_an_input_that_never_entered_the_panel_is_named(undertow: Undertow, home: Path) -> None:
    republish(
        home,
        "delete from marts.stress_indicators_daily where indicator = 'vix'",
        "delete from marts.stress_indicator_contributions_daily where indicator = 'vix'",
    )
    assert json.loads(undertow("why", LAST_DAY, "--json").out)["not_in_panel"] == ["vix"]
    assert "Not in the index yet, for want of history: VIX." in undertow("why", LAST_DAY).out


@pytest.mark.usefixtures("published")
class TestTrace:
    """`why --indicator`: from the print to the archived response."""

    def keep_body(self, home: Path, content: bytes = BODY) -> None:
        path = home / "simulated" / "archive" / "fred" / "daily_series" / "2025-12-05" / "body.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

    def test_walks_from_the_print_to_the_body_and_hashes_it_again(self, undertow: Undertow, home: Path) -> None:
        self.keep_body(home)
        found = json.loads(undertow("why", LAST_DAY, "--indicator", "vix", "--json").out)
        assert found["print"]["first_basis"] == "live"
        assert found["pillar"]["pillar"] == "macro"
        assert found["indicator"]["points"] is not None
        (body,) = found["bodies"]
        assert (body["table_name"], body["series"], body["row_count"]) == ("fred__daily_series", "VIXCLS", 1)
        assert (body["body_sha256"], body["archive"], body["is_later"]) == (BODY_SHA256, "verified", False)
        assert found["restated"] == []
        shown = undertow("why", LAST_DAY, "--indicator", "vix").out
        for part in (
            "live",
            "macro",
            "vix = f(inputs)",
            "GET https://fred.test/csv?id=[VIXCLS]",
            BODY_SHA256,
            "verified",
        ):
            assert part in shown

    def test_a_body_whose_file_was_not_noted_is_found_by_its_line_in_the_manifest(self, home: Path) -> None:
        self.keep_body(home)
        archive = home / "simulated" / "archive"
        assert path_in_manifest(archive, "fred__daily_series", 1) is None
        manifest = archive / "fred" / "daily_series" / "manifest.jsonl"
        manifest.write_text('{"path": "2025-12-04/a.csv"}\n{"path": "2025-12-05/body.csv"}\n')
        path = path_in_manifest(archive, "fred__daily_series", 2)
        assert path == "fred/daily_series/2025-12-05/body.csv"
        assert state_in_archive(archive, path, BODY_SHA256) == "verified"
        assert path_in_manifest(archive, "fred__daily_series", 3) is None
        assert path_in_manifest(archive, "fred__daily_series", None) is None

    @pytest.mark.parametrize(("content", "state"), [(b"other", "differs"), (None, "absent")])
    def test_says_if_the_body_is_not_what_was_archived(
        self, undertow: Undertow, home: Path, content: bytes | None, state: str
    ) -> None:
        if content is not None:
            self.keep_body(home, content)
        (body,) = json.loads(undertow("why", LAST_DAY, "--indicator", "vix", "--json").out)["bodies"]
        assert body["archive"] == state

    def test_what_was_restated_since_stands_beside_the_print(self, undertow: Undertow) -> None:
        found = json.loads(undertow("why", RESTATED_DAY, "--indicator", "vix", "--json").out)
        assert found["print"]["difference"] == pytest.approx(1.5)
        assert [body["is_later"] for body in found["bodies"]] == [False, True]
        assert [row["value_after"] for row in found["restated"]] == ["18.25"]
        shown = undertow("why", RESTATED_DAY, "--indicator", "vix").out
        assert "reconstructed at" in shown and "(+1.50)" in shown and "17.5 became 18.25" in shown

    def test_of_a_day_without_print_says_so(self, undertow: Undertow) -> None:
        assert "never printed" in undertow("why", GAP_DAY, "--indicator", "vix").out

    def test_an_unknown_input_is_a_mistake_that_names_the_known_ones(self, undertow: Undertow) -> None:
        answer = undertow("why", LAST_DAY, "--indicator", "vixx")
        assert answer.code == 2
        assert "vixx" in answer.error_line and "rv7_shock, vix" in answer.error_line

    def test_an_input_without_part_in_the_day_is_a_mistake(self, undertow: Undertow) -> None:
        assert "no part" in undertow("why", "2015-01-01", "--indicator", "vix").error_line


@pytest.mark.usefixtures("published")
def test_why_says_what_became_of_the_first_print(undertow: Undertow) -> None:
    assert "First print" in undertow("why", LAST_DAY).out
    assert "; now" not in undertow("why", LAST_DAY).out
    assert "(+1.50)" in undertow("why", RESTATED_DAY).out
    found = json.loads(undertow("why", RESTATED_DAY, "--json").out)
    assert found["print"]["is_restated"] is True
    assert [(row["indicator"], row["row_count"], row["later_row_count"]) for row in found["evidence"]] == [
        ("vix", 1, 1)
    ]


def test_a_newest_print_that_is_not_of_the_last_day_says_why(undertow: Undertow, home: Path) -> None:
    republish(
        home,
        f"delete from marts.stress_index_daily where date = '{LAST_DAY}'",
        f"update marts.stress_pillars_daily set is_usable = pillar < 'm' where date = '{LAST_DAY}'",
    )
    said = json.loads(undertow("status", "--json").out)
    assert said["index"]["date"] == str(LAST_DAY - timedelta(days=1))
    assert said["no_index_reason"].startswith(f"no print on {LAST_DAY}: 3 of the 4 pillars that a print needs count")
    shown = undertow("status").out
    assert str(LAST_DAY - timedelta(days=1)) in shown
    assert f"no print on {LAST_DAY}" in shown


def test_status_without_any_print_says_why(undertow: Undertow, home: Path) -> None:
    republish(home, "delete from marts.stress_index_daily", "update marts.stress_pillars_daily set is_usable = false")
    said = json.loads(undertow("status", "--json").out)
    assert said["index"] is None
    assert said["no_index_reason"].startswith(f"no print on {LAST_DAY}: 0 of the 4 pillars")


@pytest.mark.parametrize("command", [("why",), ("sql", "select 1"), ("sql",)])
def test_reading_before_anything_is_published_is_one_line(undertow: Undertow, command: tuple[str, ...]) -> None:
    answer = undertow(*command)
    assert answer.code == 1
    assert "nothing is published for the simulated market" in answer.error_line
    assert "undertow refresh" in answer.error_line


@pytest.mark.usefixtures("published")
def test_a_missing_publication_names_the_markets_that_have_one(undertow: Undertow) -> None:
    answer = undertow("why", "--market", "live")
    assert answer.code == 1
    assert "there is one for simulated, see --market" in answer.error_line


@pytest.mark.usefixtures("published")
def test_sources_lists_the_register(undertow: Undertow) -> None:
    rows = json.loads(undertow("sources", "--json").out)
    assert {row["table"] for row in rows} == set(DATASETS)
    by_table = {row["table"]: row for row in rows}
    flows = by_table["farside__etf_flows"]
    assert flows["cron"] == DATASETS["farside__etf_flows"].cadence.cron
    assert flows["licence"] == "no-redistribution"
    assert flows["last_landed_at"] == NOW.isoformat()
    assert by_table["defillama__hacks"]["last_landed_at"] is None
    shown = undertow("sources")
    assert shown.code == 0
    assert "farside.etf_flows" in shown.out
    assert "never" in shown.out


def test_sources_needs_no_publication(undertow: Undertow) -> None:
    answer = undertow("sources", "--json")
    assert answer.code == 0
    assert {row["state"] for row in json.loads(answer.out)} == {"never"}
