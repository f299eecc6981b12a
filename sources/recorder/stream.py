"""The descriptor of a recorded feed: where it is, how it is kept alive, what its messages mean, and what it leaves out.

A `Stream` is frozen market knowledge and touches nothing: `react` says what a message is while it is recorded, `read`
makes rows of it when it is landed, years later if need be. Both are pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sources.dataset import Provider, Rate

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

LIQUIDATIONS, DEPTH = "liquidations", "depth"

_CONNECTS = Rate(10, 300.0)


class CoverageClass(StrEnum):
    """How much of what happens a feed tells."""

    ALL = "all"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Coverage:
    """What a feed tells from a day on.

    Args:
        name: the class.
        reason: why, in the words of the venue's documents as far as they say.
        since: first day it holds; None if it holds as far back as anybody knows.
    """

    name: CoverageClass
    reason: str
    since: date | None = None


class Kind(StrEnum):
    """What a message is to the recorder."""

    DATA = "data"
    ACKNOWLEDGED = "acknowledged"
    ALIVE = "alive"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Reaction:
    """What a message is, what it is answered with, and why the venue refuses if it does."""

    kind: Kind
    replies: tuple[str, ...] = ()
    reason: str = ""


ALIVE, DATA, ACKNOWLEDGED = Reaction(Kind.ALIVE), Reaction(Kind.DATA), Reaction(Kind.ACKNOWLEDGED)
UNREADABLE = Reaction(Kind.UNREADABLE)


def refused(reason: object) -> Reaction:
    return Reaction(Kind.REFUSED, reason=" ".join(str(reason).split())[:200])


@dataclass(frozen=True)
class Frame:
    """One recorded message: when it was received, and its text exactly as it came."""

    received_at: datetime
    text: str


Record = Mapping[str, Any]
"""A row as text, by canonical name; further names are fields of the venue's that nobody knows."""


@dataclass(frozen=True)
class Stream:
    """One feed of one venue.

    Args:
        venue: who sends it; its rates hold for what is asked over HTTP.
        name: unique within the venue; `<venue>/<name>` is the folder of its segments.
        kind: `liquidations` or `depth`.
        url: a websocket to listen to, or an address to ask again and again.
        docs_url: the venue's page on it.
        coverage: what it tells, oldest first.
        read: rows of one recorded message; raises KeyError, IndexError, TypeError, AttributeError or ValueError if it
            is something else.
        symbols: what it is about; empty for everything the venue lists.
        react: what a message is, while it is recorded.
        subscribe: messages that ask for it; `@now` in a message stands for the present in unix seconds.
        acknowledgements: how many messages say that it is subscribed; 0 if connecting is all there is to it.
        ping: message that keeps it alive; a websocket ping if None.
        ping_seconds: how often.
        quiet_seconds: after so long without any sign of life it counts as lost.
        headers: of the handshake.
        params: of the request, for an address that is asked.
        connects: how often a connection may be opened.
    """

    venue: Provider
    name: str
    kind: str
    url: str
    docs_url: str
    coverage: tuple[Coverage, ...]
    read: Callable[[Frame], Iterable[Record]] = field(repr=False)
    symbols: tuple[str, ...] = ()
    react: Callable[[str], Reaction] = field(default=lambda _: DATA, repr=False)
    subscribe: tuple[str, ...] = ()
    acknowledgements: int = 0
    ping: str | None = None
    ping_seconds: float = 15.0
    quiet_seconds: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    connects: Rate = _CONNECTS

    def __post_init__(self) -> None:
        where = f"stream {self.venue.name}.{self.name}"
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{where}: the name is not lower snake case")
        if self.kind not in (LIQUIDATIONS, DEPTH):
            raise ValueError(f"{where}: kind {self.kind!r} is neither {LIQUIDATIONS} nor {DEPTH}")
        if not self.url.startswith("https://" if self.kind == DEPTH else "wss://"):
            raise ValueError(f"{where}: {self.url!r} is not the kind of address it needs")
        if not self.docs_url.startswith("https://"):
            raise ValueError(f"{where}: docs_url {self.docs_url!r} is not an https address")
        since = [one.since or date.min for one in self.coverage]
        if not since or since != sorted(set(since)):
            raise ValueError(f"{where}: coverage is missing or not in order")
        if self.quiet_seconds < 2 * self.ping_seconds:
            raise ValueError(f"{where}: one lost ping would count as a lost connection")

    @property
    def label(self) -> str:
        return f"{self.venue.name}/{self.name}"

    def covers(self, day: date) -> Coverage:
        """What the feed told on a day."""
        told = [one for one in self.coverage if (one.since or date.min) <= day]
        return told[-1] if told else Coverage(CoverageClass.UNKNOWN, "before anything is known of this feed")


def decoded(text: str) -> Any:
    """A message as JSON with numbers as the text they were sent as; None if it is something else."""
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


def further(entry: Mapping[str, Any], *known: str) -> dict[str, Any]:
    """The fields of an entry that nobody knows, to be reported as novelties."""
    return {name: value for name, value in entry.items() if name not in known}


def numbered(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same records with an `event_id` each, for venues that have none.

    It is made of what the record says and a number, because two equal liquidations in one message are two; the same
    message again would be the same ones.
    """
    seen: dict[str, int] = {}
    for record in records:
        size = record.get("size_coin") or record.get("size_contracts") or record.get("size_usd")
        text = f"{record['venue_side']} {size}@{record['price']}"
        place = f"{record['symbol']} {record['occurred_ms']} {text}"
        seen[place] = seen.get(place, 0) + 1
        yield {**record, "event_id": f"{text}#{seen[place]}"}


def listed(value: Any) -> list[dict[str, Any]]:
    """`value` as a list of objects.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"{str(value)[:80]!r} where a list of objects is expected")
    return value


def levels(value: Any) -> list[tuple[str, str]]:
    """Levels of a book, `[[price, size, ...], ...]`."""
    return [(level[0], level[1]) for level in value]
