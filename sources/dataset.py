"""The descriptor: everything the house knows about one dataset, said once.

Asset key, group, table, landing, checks, freshness, schedule, dbt source and catalogue page all derive from the
`Dataset` declared in its provider's file. Descriptors are frozen and validate themselves when they are made, so a
mistake is an import error that names the fault and never a surprise at three in the morning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from sources.errors import Malformed

if TYPE_CHECKING:
    from sources.http import Client

UTC = timezone.utc
UTC_DATETIME = pl.Datetime("us", "UTC")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ALLOWED_DTYPES = (pl.String, pl.Float64, pl.Int64, pl.Boolean, pl.Date, UTC_DATETIME)

SUBJECTS = (
    "flows",
    "institutions",
    "leverage",
    "liquidity",
    "prices",
    "volatility",
    "holders",
    "defi",
    "macro",
    "sentiment",
)
"""The groups of the asset graph: what the data is about, in the words of the desk."""


class Licence(StrEnum):
    """What a provider's terms let a user do with the data. The catalogue and the export guard read it."""

    PUBLIC_DOMAIN = "public-domain"
    ATTRIBUTION = "attribution"
    NON_COMMERCIAL = "non-commercial"
    NO_REDISTRIBUTION = "no-redistribution"


@dataclass(frozen=True)
class Rate:
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds <= 0:
            raise ValueError(f"rate of {self.requests} requests in {self.seconds} s allows nothing")


@dataclass(frozen=True)
class Provider:
    """A vendor: who they are, on what terms, and how hard they may be asked.

    Args:
        name: lower-case identifier, the file name below `providers/`.
        title: as the vendor writes itself.
        homepage: documentation entry point.
        licence: the class of the vendor's terms.
        rates: limits per host, all of which hold at once.
        parallel: how many requests may be under way at once.
        probe_url: a small request by which `undertow doctor` sees whether the vendor answers from here.
        user_agent: what to call ourselves where the usual name goes unanswered.
        probe_content: JSON document to post to `probe_url`, for a provider that is only asked by POST.
        probe_statuses: statuses that say it answers; without its key a provider may say 401 to the probe.
    """

    name: str
    title: str
    homepage: str
    licence: Licence
    probe_url: str
    rates: tuple[Rate, ...] = (Rate(5, 1.0),)
    parallel: int = 1
    user_agent: str | None = None
    probe_content: str = ""
    probe_statuses: tuple[int, ...] = (200,)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"provider name {self.name!r} is not lower snake case")
        if not self.rates or self.parallel < 1:
            raise ValueError(f"provider {self.name}: needs at least one rate and one request at a time")
        for name, url in (("homepage", self.homepage), ("probe_url", self.probe_url)):
            if not url.startswith("https://"):
                raise ValueError(f"provider {self.name}: {name} {url!r} is not an https address")


@dataclass(frozen=True)
class Window:
    """A half-open span of time in UTC, `[start, end)`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if value.tzinfo is None or value.utcoffset() != timedelta(0):
                raise ValueError(f"window {name} {value!r} is not in UTC")
        if self.end <= self.start:
            raise ValueError(f"window is empty: {self.start:%Y-%m-%d %H:%M} .. {self.end:%Y-%m-%d %H:%M}")

    @classmethod
    def of_days(cls, first: date, last: date) -> Window:
        """The window that covers the days `first` to `last`, both included."""
        return cls(at_midnight(first), at_midnight(last + timedelta(days=1)))

    def days(self) -> Iterator[date]:
        """Every UTC day the window touches, oldest first."""
        day = self.start.date()
        while at_midnight(day) < self.end:
            yield day
            day += timedelta(days=1)

    def months(self) -> Iterator[date]:
        """The first day of every month the window touches, oldest first."""
        month = self.start.date().replace(day=1)
        while at_midnight(month) < self.end:
            yield month
            month = (month + timedelta(days=32)).replace(day=1)

    def split(self, step: timedelta | None) -> Iterator[Window]:
        """Consecutive windows of at most `step` that together are this one; itself if `step` is None."""
        if step is None:
            yield self
            return
        start = self.start
        while start < self.end:
            yield Window(start, min(start + step, self.end))
            start += step

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%dT%H:%M}..{self.end:%Y-%m-%dT%H:%M}"


@dataclass(frozen=True)
class Request:
    """What was asked, without secrets: keys travel beside it and are never kept.

    Args:
        url: without query string, user or key.
        params: query parameters.
        method: HTTP method.
        content: the document that was sent, for providers that are asked by POST.
    """

    url: str
    params: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    content: str = ""

    def param(self, name: str) -> str:
        """The value of a query parameter; an empty string if it was not sent."""
        return dict(self.params).get(name, "")

    @property
    def series(self) -> str:
        """What is asked about, whatever part of it: the request without its window, page size and order."""
        asked = "&".join(f"{name}={value}" for name, value in sorted(identifying(self.params)))
        return " ".join(filter(None, (self.method, self.url + (f"?{asked}" if asked else ""), self.content)))


_NOT_IDENTIFYING = frozenset(
    {
        *("start", "end", "start_time", "end_time", "startTime", "endTime", "start_timestamp", "end_timestamp"),
        *("startday", "endday", "start_date", "end_date", "cosd", "coed", "from", "to", "since", "until"),
        *("page_size", "pageSize", "limit", "$limit", "count", "paging_from", "sort", "order", "$order"),
        *("metrics", "ignore_unsupported_errors", "ignore_forbidden_errors", "null_as_zero", "pretty"),
    }
)
_SAME_AS_ABSENT = frozenset({("$offset", "0")})


def identifying(params: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those query parameters that say what is asked about, less those that say which part of it, how much and how.

    Page tokens identify: they name one page.
    """
    return tuple(pair for pair in params if pair[0] not in _NOT_IDENTIFYING and pair not in _SAME_AS_ABSENT)


@dataclass(frozen=True)
class Body:
    """One response as it came: the unit that is archived and parsed.

    Args:
        request: what was asked.
        status: HTTP status.
        content_type: as the server says; not trusted.
        content: the decoded bytes.
        retrieved_at: when it was received, by the market's clock.
        window: the window it was fetched for.
        companions: further responses that this one cannot be read without, such as a checksum file.
    """

    request: Request
    status: int
    content_type: str
    content: bytes
    retrieved_at: datetime
    window: Window
    companions: tuple[Body, ...] = ()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def text(self) -> str:
        """The content as UTF-8.

        Raises:
            Malformed: if it is not UTF-8.
        """
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Malformed(f"body is not UTF-8 text: {error.reason} at byte {error.start}", body=self) from None


@dataclass(frozen=True)
class Column:
    """A column of the raw table. Units live in the name (`_usd`, `_btc`, `_pct`, `_ratio`, `_at`, ...)."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    description: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"column name {self.name!r} is not lower snake case")
        if self.dtype not in _ALLOWED_DTYPES:
            raise ValueError(f"column {self.name}: {self.dtype} is not one of the types raw tables use")
        if not self.description.endswith("."):
            raise ValueError(f"column {self.name}: the description is not a sentence")


@dataclass(frozen=True)
class Cadence:
    """When new rows are due and how long old ones may still move.

    Args:
        cron: when to ask, UTC.
        lag: how long after the end of a period its figure can be known.
        revised_for: how far back a refresh asks again for restated values.
        stale_after: age of the newest period at which the dataset counts as stale.
        calendar: `utc` where every day has a value, `nyse` where only sessions have one.
    """

    cron: str
    lag: timedelta
    revised_for: timedelta
    stale_after: timedelta
    calendar: str = "utc"

    def __post_init__(self) -> None:
        if len(self.cron.split()) != 5:
            raise ValueError(f"cron {self.cron!r} does not have five fields")
        if self.calendar not in ("utc", "nyse"):
            raise ValueError(f"calendar {self.calendar!r} is neither utc nor nyse")
        if min(self.lag, self.revised_for) < timedelta(0) or self.stale_after <= timedelta(0):
            raise ValueError("lag, revised_for and stale_after cannot be negative")

    @property
    def frequency(self) -> str:
        """`hourly`, `daily` or `weekly`: the schedule this dataset belongs to."""
        _, hour, day_of_month, _, day_of_week = self.cron.split()
        if hour == "*" or "/" in hour or "," in hour:
            return "hourly"
        if day_of_month == "*" and day_of_week.isdigit():
            return "weekly"
        return "daily"


@dataclass(frozen=True)
class Dataset:
    """One dataset of one provider.

    `fetch(window, client)` is the only impure function: it yields response bodies. `parse(body)` is pure and returns
    a frame with at least the declared columns; further columns are upstream novelties, which landing records and
    reports but does not store (the archive has them).

    Args:
        provider: the vendor.
        name: dataset name, unique within the provider.
        subject: group of the asset graph, one of `SUBJECTS`.
        description: what it is, in one or two sentences.
        grain: "one row per ...".
        columns: declared columns, in table order.
        key: columns that identify a row; never null.
        time_column: Date or UTC datetime column that says which period a row is about (its start, or the instant).
        period: length of the period that starts at `time_column`; zero for instants.
        cadence: when it is due.
        starts_on: first day of history that the provider has.
        chunk: largest window a backfill asks for at once; None if an answer always holds the whole history.
        fetch: see above.
        parse: see above.
        docs_url: the provider's page on it.
        available_at: Polars expression over the declared columns for the instant from which a row could be known, where
            `end of period + lag` is not the truth (release calendars, vendor completion stamps).
        can_be_empty: whether an answer without rows is normal (an event list, a day not yet published).
        needs_key: environment variable with the key (or the contact a provider insists on), if there is no way without.
        retired: reason, if the provider no longer serves it.
    """

    provider: Provider
    name: str
    subject: str
    description: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time_column: str
    period: timedelta
    cadence: Cadence
    starts_on: date
    fetch: Callable[[Window, Client], Iterator[Body]] = field(repr=False)
    parse: Callable[[Body], pl.DataFrame] = field(repr=False)
    docs_url: str
    chunk: timedelta | None = None
    available_at: pl.Expr | None = field(default=None, repr=False, compare=False)
    can_be_empty: bool = False
    needs_key: str | None = None
    retired: str | None = None

    def __post_init__(self) -> None:
        where = f"dataset {self.provider.name}.{self.name}"
        names = [column.name for column in self.columns]
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{where}: the name is not lower snake case")
        if self.subject not in SUBJECTS:
            raise ValueError(f"{where}: subject {self.subject!r} is not one of {', '.join(SUBJECTS)}")
        if len(set(names)) != len(names):
            raise ValueError(f"{where}: a column is declared twice")
        if missing := [name for name in self.key if name not in names]:
            raise ValueError(f"{where}: key columns not declared: {', '.join(missing)}")
        if not self.key:
            raise ValueError(f"{where}: has no key")
        if self.time_column not in self.key:
            raise ValueError(f"{where}: time column {self.time_column!r} is not part of the key")
        if self.schema[self.time_column] not in (pl.Date, UTC_DATETIME):
            raise ValueError(f"{where}: time column {self.time_column!r} is neither a date nor a UTC datetime")
        if not self.grain.startswith("one row per"):
            raise ValueError(f"{where}: the grain does not start with 'one row per'")
        if not self.description.endswith("."):
            raise ValueError(f"{where}: the description is not a sentence")
        if self.period < timedelta(0):
            raise ValueError(f"{where}: the period is negative")
        if self.chunk is not None and self.chunk <= timedelta(0):
            raise ValueError(f"{where}: the chunk is not positive")
        if not self.docs_url.startswith("https://"):
            raise ValueError(f"{where}: docs_url {self.docs_url!r} is not an https address")
        if self.available_at is not None and (unknown := set(self.available_at.meta.root_names()) - set(names)):
            raise ValueError(f"{where}: available_at uses columns not declared: {', '.join(sorted(unknown))}")

    @property
    def table(self) -> str:
        """The one string that names the thing end to end: table, asset, dbt source, staging model."""
        return f"{self.provider.name}__{self.name}"

    @property
    def schema(self) -> Mapping[str, pl.DataType | type[pl.DataType]]:
        return {column.name: column.dtype for column in self.columns}

    @property
    def licence(self) -> Licence:
        return self.provider.licence

    @property
    def history(self) -> datetime:
        """The first instant a backfill asks for."""
        return at_midnight(self.starts_on)

    def period_end(self) -> pl.Expr:
        """Expression for the end of the period a row is about; a NYSE session ends at 16:00 New York time."""
        start = pl.col(self.time_column)
        if self.cadence.calendar == "nyse":
            close = start.cast(pl.Datetime("us")).dt.offset_by("16h")
            return close.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
        if self.schema[self.time_column] == pl.Date:
            start = start.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return start + pl.duration(microseconds=self.period // timedelta(microseconds=1))

    def knowable_at(self) -> pl.Expr:
        """Expression for the instant from which a row could be known by anyone who asked."""
        usual = self.period_end() + pl.duration(microseconds=self.cadence.lag // timedelta(microseconds=1))
        if self.available_at is None:
            return usual
        return pl.coalesce(self.available_at, usual)

    def empty(self) -> pl.DataFrame:
        """A frame of the declared columns without rows: what an unpublished file parses to."""
        return pl.DataFrame(schema=dict(self.schema))

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the declared columns of a parsed frame, in order.

        Raises:
            Malformed: a declared column is missing or has another type, or a key value is null.
        """
        if missing := [name for name in self.schema if name not in frame.columns]:
            raise Malformed(f"declared columns are missing: {', '.join(missing)}", where=self.table)
        for name, dtype in self.schema.items():
            if frame.schema[name] != dtype:
                raise Malformed(f"column {name} is {frame.schema[name]}, declared {dtype}", where=self.table)
        frame = frame.select(list(self.schema))
        if nulls := [name for name in self.key if frame[name].null_count()]:
            raise Malformed(f"key columns hold nulls: {', '.join(nulls)}", where=self.table)
        return frame

    def novelties(self, frame: pl.DataFrame) -> tuple[str, ...]:
        """Names of upstream columns that the descriptor does not declare."""
        return tuple(name for name in frame.columns if name not in self.schema)


def at_midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time.min, UTC)
