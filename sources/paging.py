"""Following a series page by page, for the two ways in which providers cut it.

Pages are handed on before anyone looks at them, so that they are kept whatever they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sources.dataset import Body, Window
from sources.errors import Malformed

Ask = Callable[[datetime, datetime], Body]
"""Asks for the span from the first instant to before the second."""

Times = Callable[[Body], list[datetime]]
"""The instants of the rows in a page, in any order; empty for a page without rows."""


def forward(window: Window, ask: Ask, times: Times, *, page_size: int, step: timedelta | None = None) -> Iterator[Body]:
    """Pages of a provider that gives the oldest rows of what is asked for: each from after the newest of the last.

    Args:
        window: the span to follow.
        ask: asks for one page.
        times: reads the instants of a page; raises what is wrong with it.
        page_size: rows of a full page; a page with fewer ends the span that was asked for.
        step: the longest span to ask for at once; the whole window if not given.

    Raises:
        Malformed: a full page does not reach beyond the one before.
    """
    start = window.start
    while start < window.end:
        end = window.end if step is None else min(start + step, window.end)
        body = ask(start, end)
        yield body
        moments = times(body)
        newest = max(moments, default=None)
        if newest is not None and newest < start:
            # Older than what was asked for: the provider has nothing newer.
            if len(moments) >= page_size and step is None:
                raise Malformed("a full page does not reach beyond the one before", body=body)
            return
        if len(moments) >= page_size and newest is not None:
            start = newest + timedelta(milliseconds=1)
        elif newest is not None:
            start = max(end, newest + timedelta(milliseconds=1))
        else:
            start = end


def backward(window: Window, ask: Ask, times: Times, *, page_size: int) -> Iterator[Body]:
    """Pages of a provider that gives the newest rows of what is asked for: each up to the oldest of the last.

    Args: as for `forward`.

    Raises:
        Malformed: a full page does not reach further back than the one before.
    """
    end = window.end
    while window.start < end:
        body = ask(window.start, end)
        yield body
        moments = times(body)
        if len(moments) < page_size:
            return
        oldest = min(moments)
        if oldest >= end:
            raise Malformed("a full page does not reach further back than the one before", body=body)
        end = oldest


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds of an instant, the time unit of most exchanges."""
    return int(moment.timestamp() * 1000)
