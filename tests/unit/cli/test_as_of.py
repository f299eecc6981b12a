"""What people type to look back, and what they are told when it cannot be done."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from orchestration.cli.as_of import parse_instant
from orchestration.cli.mistakes import Mistake
from tests.unit.cli.conftest import Undertow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-04", "2025-11-05T00:30:00"),
        ("2024-02-28", "2024-02-29T00:30:00"),
        ("2025-11-04 00:30", "2025-11-04T00:30:00"),
        ("2025-11-04T00:30:00Z", "2025-11-04T00:30:00"),
        ("2025-11-04 00:30:00+02:00", "2025-11-03T22:30:00"),
    ],
)
def test_instants_are_utc_and_days_end_at_their_cut_off(text: str, expected: str) -> None:
    assert parse_instant(text) == datetime.fromisoformat(expected).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["", "yesterday noon", "2025-13-01", "04.11.2025"])
def test_what_is_no_instant_says_how_to_write_one(text: str) -> None:
    with pytest.raises(Mistake, match="2025-11-04 00:30"):
        parse_instant(text)


@pytest.mark.parametrize(
    "arguments",
    [["as-of", "2025-11-04"], ["sql", "--as-of", "2025-11-04", "select 1"], ["why", "--as-of", "2025-11-04"]],
)
def test_without_a_warehouse_there_is_nothing_to_look_back_at(
    undertow: Undertow, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr("orchestration.as_of.compiled_project", lambda _: None)
    answer = undertow(*arguments)
    assert answer.code == 1
    assert "undertow refresh" in answer.error_line


def test_the_future_cannot_be_looked_back_at(undertow: Undertow) -> None:
    answer = undertow("as-of", "2031-01-01 00:00")
    assert answer.code == 2
    assert "has not come yet" in answer.error_line


def test_a_rebuild_says_what_it_is_made_of(undertow: Undertow) -> None:
    assert undertow("rebuild").code == 2
    answer = undertow("rebuild", "--from-archive")
    assert answer.code == 1
    assert "there is no archive" in answer.err


def test_nothing_is_left_of_a_rebuild_that_could_not_begin(undertow: Undertow, home: Path) -> None:
    undertow("rebuild", "--from-archive")
    assert [path.name for path in (home / "simulated").glob("rebuild-*")] == []
