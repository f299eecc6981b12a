"""What a simulated provider is given and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sources.simulator.faults import Faults
from sources.simulator.state import DAYS, ORIGIN, State, day_at


@dataclass(frozen=True)
class Ask:
    """A parsed request; `content` is what was posted."""

    host: str
    path: str
    params: Mapping[str, str]
    content: bytes = b""

    def document(self) -> dict[str, Any]:
        """The JSON object that was posted; an empty one if it is something else."""
        try:
            found = json.loads(self.content or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Answer:
    """A finished response."""

    status: int
    content_type: str
    content: bytes
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Scene:
    """The market at an instant, seen through one provider.

    Args:
        state: everything that happens.
        now: the present; nothing published later may be told.
        faults: faults that are switched on.
        provider: whose answer is asked for.
    """

    state: State
    now: datetime
    faults: Faults
    provider: str

    @cached_property
    def whole_days(self) -> int:
        """How many whole days of the state have passed."""
        return min(max((self.now - ORIGIN) // timedelta(days=1), 0), DAYS)

    def factor(self, day: date) -> float:
        return self.faults.restatement(self.provider, day)

    def is_missing(self, day: date) -> bool:
        return self.faults.is_missing(self.provider, day)

    @property
    def has_new_column(self) -> bool:
        return self.faults.has_new_column(self.provider)

    def shown(self, count: int) -> list[tuple[int, date]]:
        """Positions and days of the first `count` days of the state, without missing ones."""
        return [(index, day) for index in range(count) if not self.is_missing(day := day_at(index))]


def as_json(payload: object, status: int = 200, *, indent: str | int | None = None) -> Answer:
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(payload, separators=separators, indent=indent)
    return Answer(status, "application/json", text.encode())


def not_found(ask: Ask) -> Answer:
    """What a web server says of a path it does not have."""
    page = f"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><p>{ask.path}</p></body></html>"
    return Answer(404, "text/html; charset=UTF-8", page.encode())
