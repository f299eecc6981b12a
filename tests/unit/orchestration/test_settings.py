"""Settings load with an empty environment, and a bad value is one line that names the variable."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from orchestration.settings import BadSettings, Settings, provider_key


def test_an_empty_environment_is_the_live_market_in_the_checkout() -> None:
    settings = Settings.load()
    assert settings.market_name == "live"
    assert settings.home == Path(__file__).resolve().parents[3] / ".undertow"
    assert settings.now is None
    assert settings.threads >= 1


def test_every_market_has_its_own_home(tmp_path: Path) -> None:
    markets = ("live", "simulated", f"recorded:{tmp_path}")
    homes = {Settings.load(home=tmp_path, market=market).market_home for market in markets}
    assert homes == {tmp_path / "live", tmp_path / "simulated", tmp_path / "recorded"}


def test_all_paths_lie_in_the_market_home(tmp_path: Path) -> None:
    settings = Settings.load(home=tmp_path, market="simulated")
    paths = (
        settings.archive_path,
        settings.warehouse_path,
        settings.published_path,
        settings.dagster_home,
        settings.target_path,
        settings.locks_path,
    )
    assert all(path.is_relative_to(tmp_path / "simulated") for path in paths)
    assert len(set(paths)) == len(paths)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNDERTOW_HOME", str(tmp_path))
    monkeypatch.setenv("UNDERTOW_MARKET", "simulated")
    monkeypatch.setenv("UNDERTOW_NOW", "2025-03-01T12:00:00+02:00")
    monkeypatch.setenv("UNDERTOW_FAULTS", "dead:fred, garbage:farside")
    settings = Settings.load()
    assert settings.now == datetime(2025, 3, 1, 10, tzinfo=timezone.utc)
    assert settings.faults == ("dead:fred", "garbage:farside")


def test_another_process_loads_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings.load(
        home=tmp_path, market="simulated", now="2025-03-01", faults=("dead:fred",), threads=3, memory_limit="1GB"
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == settings


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"UNDERTOW_MARKET": "dreamed"}, "UNDERTOW_MARKET=dreamed: use live, simulated or recorded:DIR"),
        ({"UNDERTOW_MARKET": "recorded"}, "UNDERTOW_MARKET=recorded"),
        ({"UNDERTOW_NOW": "yesterday", "UNDERTOW_MARKET": "simulated"}, "UNDERTOW_NOW=yesterday"),
        ({"UNDERTOW_NOW": "2025-01-01"}, "UNDERTOW_NOW sets the clock of a simulated or recorded market"),
        ({"UNDERTOW_FAULTS": "dead:fred"}, "UNDERTOW_FAULTS only exist in the simulated market"),
        ({"UNDERTOW_MEMORY_LIMIT": "lots"}, "UNDERTOW_MEMORY_LIMIT=lots: write a size such as 4GB"),
        ({"UNDERTOW_THREADS": "0"}, "UNDERTOW_THREADS=0"),
    ],
)
def test_a_bad_value_is_one_line(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        Settings.load()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_blank_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_MARKET", "")
    monkeypatch.setenv("ACME_API_KEY", "  ")
    assert Settings.load().market == "live"
    assert provider_key("ACME_API_KEY") is None
