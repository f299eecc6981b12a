"""Following series forwards and backwards: nothing twice, nothing lost, no endless loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from sources.dataset import Body, Request, Window
from sources.errors import Malformed
from sources.paging import backward, forward
from tests.unit.sources.wire import NOW, at

HOUR = timedelta(hours=1)
START = at("2024-01-01")
WINDOW = Window(START, START + 100 * HOUR)


def page(moments: list[datetime]) -> Body:
    content = json.dumps([moment.isoformat() for moment in moments]).encode()
    return Body(Request("https://example.com"), 200, "application/json", content, NOW, WINDOW)


def times(body: Body) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in json.loads(body.content)]


def provider(moments: list[datetime], size: int, *, newest: bool) -> Callable[[datetime, datetime], Body]:
    def ask(start: datetime, end: datetime) -> Body:
        found = [moment for moment in moments if start <= moment < end]
        return page(found[-size:] if newest else found[:size])

    return ask


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95])
@pytest.mark.parametrize("step", [None, 7 * HOUR, 30 * HOUR])
def test_forward_gives_every_row_once(count: int, step: timedelta | None) -> None:
    moments = [START + n * HOUR for n in range(count)]
    bodies = forward(WINDOW, provider(moments, 10, newest=False), times, page_size=10, step=step)
    assert [moment for body in bodies for moment in times(body)] == moments


def test_forward_goes_over_gaps_longer_than_a_step() -> None:
    moments = [START + HOUR, START + 80 * HOUR]
    bodies = list(forward(WINDOW, provider(moments, 10, newest=False), times, page_size=10, step=5 * HOUR))
    assert [moment for body in bodies for moment in times(body)] == moments


def test_forward_stops_at_a_provider_that_only_has_older_rows() -> None:
    stale = page([START - HOUR])
    assert len(list(forward(WINDOW, lambda *_: stale, times, page_size=10, step=HOUR))) == 1


def test_forward_stops_at_a_provider_that_repeats_itself() -> None:
    same = page([START + n * HOUR for n in range(10)])
    bodies = []
    with pytest.raises(Malformed, match="does not reach beyond"):
        for body in forward(WINDOW, lambda *_: same, times, page_size=10):
            bodies.append(body)
    assert len(bodies) == 2, "the second page is kept as evidence"


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95])
def test_backward_gives_every_row_once(count: int) -> None:
    moments = [START + n * HOUR for n in range(count)]
    bodies = backward(WINDOW, provider(moments, 10, newest=True), times, page_size=10)
    assert sorted(moment for body in bodies for moment in times(body)) == moments


def test_backward_stops_at_a_provider_that_repeats_itself() -> None:
    same = page([START + n * HOUR for n in range(10)])
    with pytest.raises(Malformed, match="further back"):
        list(backward(Window(START - HOUR, START + 5 * HOUR), lambda *_: same, times, page_size=10))
