"""An archive that says whether it holds the answer to a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sources.archive import Archive
from sources.dataset import UTC, Body, Request, Window
from sources.providers.recorder import LIQUIDATION_EVENTS

NOW = datetime(2024, 7, 10, tzinfo=UTC)
ONE, OTHER = Request("https://recorder.invalid/a/b/1"), Request("https://recorder.invalid/a/b/1", (("part", "events"),))


def body(request: Request, content: bytes = b"{}", *companions: Body) -> Body:
    return Body(request, 200, "", content, NOW, Window(NOW - timedelta(days=1), NOW), companions)


def test_what_was_stored_is_held_by_this_archive_and_the_next(tmp_path: Path) -> None:
    archive = Archive(tmp_path, LIQUIDATION_EVENTS)
    assert not archive.holds(ONE)
    archive.store(body(ONE), "run-1")
    for looking in (archive, Archive(tmp_path, LIQUIDATION_EVENTS)):
        assert looking.holds(ONE)
        assert not looking.holds(OTHER), "the parameters are part of the request"


def test_evidence_and_companions_are_no_answers(tmp_path: Path) -> None:
    archive = Archive(tmp_path, LIQUIDATION_EVENTS)
    archive.store(body(ONE), "run-1", error="Malformed: no")
    archive.store(body(Request("https://recorder.invalid/c"), b"[]", body(OTHER, b"x")), "run-1")
    assert not archive.holds(ONE)
    assert not archive.holds(OTHER)
