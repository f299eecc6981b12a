"""A recorded market: responses kept in a folder, answered to the very requests the live market gets.

`<folder>/index.jsonl` holds one JSON object per response (request, status, file, hash, coverage, when it was recorded).
A request is matched by method, host, path and the parameters that say which series is meant. Parameters that say which
part of it (window, page size, order, the list of metrics) are not compared, because nobody records a request for every
window; instead the answer is the response that covers most of the span that the request names, or of the window it is
made for. Page tokens do identify: they name one page.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from sources.dataset import Window, identifying
from sources.errors import Malformed
from sources.http import NotHeld
from sources.market import UnknownMarket

_STARTS = ("start_time", "startTime", "start_timestamp", "start", "startday", "start_date", "cosd", "from", "since")
_ENDS = ("end_time", "endTime", "end_timestamp", "end", "endday", "end_date", "coed", "to", "until")
_ABSENT_IS_404 = frozenset({"data.binance.vision"})
"""Hosts that hold files: what was not recorded looks as if it had not been published."""


@dataclass(frozen=True)
class Recorded:
    """One recorded response.

    Args:
        params: the query, sorted.
        covers: the days it holds data for, or None if it holds none.
        path: of the stored body.
        is_gzipped: whether the stored body is compressed.
        sha256: of the body as it was received.
    """

    params: tuple[tuple[str, str], ...]
    status: int
    content_type: str
    recorded_at: datetime
    covers: Window | None
    path: Path
    is_gzipped: bool
    sha256: str

    def read(self) -> bytes:
        """The body as it was received.

        Raises:
            Malformed: the file is missing, damaged, or not the one the index describes.
        """
        remedy = "fetch the recording again, whole"
        try:
            content = self.path.read_bytes()
            content = gzip.decompress(content) if self.is_gzipped else content
        except (OSError, EOFError) as error:
            raise Malformed(f"recorded body {self.path.name} cannot be read: {error}", remedy=remedy) from None
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Malformed(f"recorded body {self.path.name} is not the one its index describes", remedy=remedy)
        return content


_Series = tuple[str, str, str, tuple[tuple[str, str], ...]]


class Recording:
    """The responses of a folder, by the series they answer for. Made by `open`.

    Args:
        folder: where they are, for messages.
        responses: responses by series, see `_series`.
    """

    def __init__(self, folder: Path, responses: Mapping[_Series, list[Recorded]]) -> None:
        self.folder = folder
        self._responses = responses

    def siblings(self, series: _Series, now: datetime) -> list[Recorded]:
        """All responses for a series that existed at `now`."""
        return [recorded for recorded in self._responses.get(series, ()) if recorded.recorded_at <= now]

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """Read the index of a folder; bodies are read when they are asked for.

        Raises:
            UnknownMarket: there is no such folder or index, or the index cannot be read.
        """
        index = folder / "index.jsonl"
        try:
            lines = index.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise UnknownMarket(f"{folder} holds no recording: index.jsonl: {reason}") from None
        responses: dict[_Series, list[Recorded]] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                series, recorded = _entry(folder, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UnknownMarket(f"{index}, line {number} is broken: {error!r}") from None
            responses.setdefault(series, []).append(recorded)
        if not responses:
            raise UnknownMarket(f"{index} lists no responses")
        return cls(folder, responses)

    @property
    def ends_at(self) -> datetime:
        """When the newest response was recorded."""
        return max(recorded.recorded_at for held in self._responses.values() for recorded in held)

    def find(self, request: httpx.Request, window: Window | None, now: datetime) -> Recorded | None:
        """The response that covers most of what is asked for, of those for this series that existed at `now`.

        That is the span the request names, or else `window`. Among equals the one to exactly this query wins, then the
        newest.
        """
        params = _sorted_params(request.url)
        span = _span_of(request.url, now) or window

        def merit(recorded: Recorded) -> tuple[timedelta, bool, datetime]:
            return _overlap(recorded.covers, span), recorded.params == params, recorded.recorded_at

        return max(self.siblings(series_of(request), now), key=merit, default=None)


def _entry(folder: Path, row: Mapping[str, object]) -> tuple[_Series, Recorded]:
    request, coverage = row["request"], row["coverage"]
    if not isinstance(request, dict) or not isinstance(coverage, dict):
        raise TypeError("request and coverage must be objects")
    path = (folder / str(row["body"])).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"body {row['body']} lies outside the folder")
    url = httpx.URL(str(request["url"]))
    recorded_at = datetime.fromisoformat(str(row["recorded_at"]))
    if recorded_at.tzinfo is None:
        raise ValueError("recorded_at has no time zone")
    covers = None
    if coverage["start"] is not None:
        covers = Window.of_days(date.fromisoformat(coverage["start"]), date.fromisoformat(coverage["end"]))
    posted = request.get("body") or ""
    return _series(str(request["method"]), url, str(posted)), Recorded(
        params=_sorted_params(url),
        status=int(str(row["status"])),
        content_type=str(row["content_type"]),
        recorded_at=recorded_at.astimezone(UTC),
        covers=covers,
        path=path,
        is_gzipped=row["encoding"] == "gzip",
        sha256=str(row["sha256"]),
    )


def _sorted_params(url: httpx.URL) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(url.params.multi_items()))


def _series(method: str, url: httpx.URL, content: str) -> _Series:
    """What a request is about, whatever part of it is asked for."""
    named = identifying(_sorted_params(url))
    return method.upper(), url.host, url.path, (*named, *((("", content),) if content else ()))


def series_of(request: httpx.Request) -> _Series:
    return _series(request.method, request.url, request.content.decode("utf-8", "replace"))


def _span_of(url: httpx.URL, now: datetime) -> Window | None:
    """The span a request names: unix seconds, milliseconds or ISO days and instants; None if it names no start."""
    params = dict(url.params.multi_items())
    start = next((moment for name in _STARTS if (moment := _moment(params.get(name, "")))), None)
    end = next((moment for name in _ENDS if (moment := _moment(params.get(name, "")))), None)
    if start is None:
        return None
    # A day that is named as the last one is meant whole.
    end = (end or now) + timedelta(days=1)
    return Window(start, end) if start < end else None


def _moment(text: str) -> datetime | None:
    try:
        if text.isdigit() and len(text) in (9, 10, 12, 13):
            return datetime.fromtimestamp(int(text) / (1000 if len(text) > 10 else 1), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _overlap(covers: Window | None, window: Window | None) -> timedelta:
    if covers is None or window is None:
        return timedelta(0)
    return max(timedelta(0), min(covers.end, window.end) - max(covers.start, window.start))


class RecordedTransport(httpx.BaseTransport):
    """Answers from a recording instead of the network.

    Args:
        recording: where the answers are.
        now: responses recorded later do not exist yet.
    """

    def __init__(self, recording: Recording, *, now: datetime) -> None:
        self._recording = recording
        self._now = now
        self._given: set[Path] = set()
        self._asked: set[_Series] = set()
        self._lock = threading.Lock()

    def further_windows(self) -> Sequence[Window]:
        """Windows of the responses nobody has been given yet, of the series asked for since the last call."""
        with self._lock:
            asked, self._asked = self._asked, set()
            waiting = [
                one.covers
                for series in asked
                for one in self._recording.siblings(series, self._now)
                if one.covers is not None and one.path not in self._given
            ]
        return sorted(set(waiting), key=lambda window: window.start)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            NotHeld: nothing was recorded for the series.
            Malformed: the recorded body is missing or damaged.
        """
        window = request.extensions.get("window")
        request.read()
        series = series_of(request)
        recorded = self._recording.find(request, window, self._now)
        with self._lock:
            self._asked.add(series)
            if recorded is not None:
                self._given.add(recorded.path)
        if recorded is None:
            if request.url.host in _ABSENT_IS_404:
                return httpx.Response(404, headers={"content-type": "text/plain"}, request=request)
            method, host, path, named = series
            query = "&".join(f"{name}={value}" if name else value for name, value in named)
            raise NotHeld(
                f"the recording '{self._recording.folder.name}' holds no response by {self._now:%Y-%m-%d} for"
                f" {method} {host}{path}{'?' if query else ''}{query}"
            )
        return httpx.Response(
            recorded.status,
            headers={"content-type": recorded.content_type},
            content=recorded.read(),
            request=request,
            extensions={"retrieved_at": recorded.recorded_at},
        )
