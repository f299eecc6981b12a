"""Listening: one task per stream, which connects, keeps the connection alive, writes what comes, and starts again.

A connection counts as long as there are signs of life: any message, or the answer to a ping. What breaks it is written
as a gap from the last of them on, and tried again after a pause that doubles, with jitter, and never more often than
the venue allows. Books are asked for through `sources.http`; websockets are opened here and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from sources.archive import Archive
from sources.dataset import Body, Dataset, Request, Window
from sources.errors import RateLimited, SourceError
from sources.http import USER_AGENT, Client, Transport
from sources.recorder.segments import CONNECTED, GAP, CannotRecord, SegmentWriter, closed_segments
from sources.recorder.spool import SPOOL_URL
from sources.recorder.stream import DEPTH, Kind, Reaction, Stream

MAX_FRAME_BYTES = 4 << 20
OPEN_SECONDS = 15.0
ACKNOWLEDGE_SECONDS = 15.0
ALIVE_SECONDS = 60.0
_CLOSE_SECONDS = 2.0
_STEADY_SECONDS = 60.0
_PRUNE_SECONDS = 3600.0

T = TypeVar("T")

_LOST = (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, TimeoutError, EOFError)

_log = logging.getLogger(__name__)

# Every lost connection of a night is in the segments; the library would write each of them a second time.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


class Refused(Exception):
    """The venue says no: to a subscription, or to going on."""


@dataclass
class Status:
    """How a stream stands, for whoever watches.

    Args:
        state: `connecting`, `connected` or `gap`.
        reason: why there is a gap.
        frame_count: messages kept.
        message_count: messages of any kind.
        last_message_at: when the last message of any kind came.
        reconnect_count: attempts to connect after the first.
    """

    state: str = "connecting"
    reason: str = ""
    frame_count: int = 0
    message_count: int = 0
    last_message_at: datetime | None = None
    reconnect_count: int = 0


@dataclass(frozen=True)
class Options:
    """How recording is done.

    Args:
        root: the spool.
        max_age: how long a segment is.
        book_seconds: how often a book is asked for.
        keep: how long a segment stays in the spool once every dataset that reads it has it in its archive.
        archive: the market's archive.
        base_url: where to connect instead of the venues, for rehearsals: `ws://127.0.0.1:port`, then venue and stream.
        backoff: seconds of the first pause after a failure, and of the longest.
        tick_seconds: how often clocks are looked at.
    """

    root: Path
    max_age: timedelta = timedelta(minutes=30)
    book_seconds: float = 60.0
    keep: timedelta = timedelta(days=7)
    archive: Path | None = None
    base_url: str | None = None
    backoff: tuple[float, float] = (1.0, 60.0)
    tick_seconds: float = 1.0


@dataclass
class _Pace:
    """Times of the last attempts, so that a venue is never called more often than it allows."""

    requests: int
    seconds: float
    attempts: deque[float] = field(default_factory=deque)

    def delay(self, now: float) -> float:
        """Seconds to wait before the next attempt."""
        while self.attempts and now - self.attempts[0] >= self.seconds:
            self.attempts.popleft()
        return self.attempts[0] + self.seconds - now if len(self.attempts) >= self.requests else 0.0


class Recorder:
    """Records streams until it is told to stop.

    Args:
        streams: what to record.
        options: how.
        transport: through which books are asked for, and whose clock stamps everything.
        datasets: who reads segments: they may be removed when all of these have them.
    """

    def __init__(
        self, streams: Iterable[Stream], options: Options, transport: Transport, datasets: Iterable[Dataset] = ()
    ) -> None:
        self._streams = tuple(streams)
        self._options = options
        self._transport = transport
        self._datasets = tuple(datasets)
        self.status: Mapping[str, Status] = {stream.label: Status() for stream in self._streams}

    def now(self) -> datetime:
        """The present, by the clock that stamps what is recorded."""
        return self._transport.now()

    async def run(self) -> None:
        """Record until cancelled. Every segment is closed when this returns.

        Raises:
            sources.recorder.segments.CannotRecord: the spool cannot be written any more.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for stream in self._streams:
                    listener = _Listener(stream, self._options, self._transport, self.status[stream.label])
                    group.create_task(listener.run(), name=stream.label)
                if self._options.archive is not None:
                    group.create_task(self._prune_often(), name="prune")
        except BaseExceptionGroup as failures:
            # A full disk is met by every stream at once, and needs to be said once.
            raise next((one for one in failures.exceptions if isinstance(one, CannotRecord)), failures) from None

    async def _prune_often(self) -> None:
        while True:
            try:
                await _in_thread(self.prune)
            except OSError as error:
                # What cannot be removed now can be in an hour; listening is what must not end.
                _log.warning("old segments cannot be removed: %s", error)
            await asyncio.sleep(_PRUNE_SECONDS)

    def prune(self) -> int:
        """Remove segments that are old enough and in the archive of every dataset that reads them; return how many.

        The newest of a stream stays: it says since when there is a gap, the next time somebody starts.
        """
        if self._options.archive is None or not self._datasets:
            return 0
        archives = {dataset.name: Archive(self._options.archive, dataset) for dataset in self._datasets}
        streams = {stream.label: stream for stream in self._streams}
        removed = 0
        for segment, following in pairwise([*closed_segments(self._options.root), None]):
            if segment is None or following is None or following.path.parent != segment.path.parent:
                continue
            stream = streams.get(f"{segment.venue}/{segment.stream}")
            if stream is None or self._transport.now() - segment.started_at < self._options.keep:
                continue
            url = f"{SPOOL_URL}/{segment.venue}/{segment.stream}/{segment.name}"
            wanted = {stream.kind: Request(url), "coverage": Request(url, (("part", "events"),))}
            if all(name in archives and archives[name].holds(request) for name, request in wanted.items()):
                segment.path.unlink(missing_ok=True)
                removed += 1
        return removed


class _Listener:
    """Records one stream."""

    def __init__(self, stream: Stream, options: Options, transport: Transport, status: Status) -> None:
        self._stream = stream
        self._options = options
        self._transport = transport
        self._status = status
        self._writer = SegmentWriter(options.root, stream, max_age=options.max_age)
        self._pace = _Pace(stream.connects.requests, stream.connects.seconds)
        self._alive_at = transport.now()
        self._told_alive_at = self._alive_at

    async def run(self) -> None:
        """Record until cancelled, then close the segment.

        Raises:
            CannotRecord: the spool cannot be written. What is in the open segment stays for the next start.
        """
        self._writer.start(self._now())
        listen = self._ask if self._stream.kind == DEPTH else self._listen
        tasks = [asyncio.ensure_future(self._tick()), asyncio.ensure_future(self._again_and_again(listen))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._end(*tasks)
            self._writer.stop(self._now(), self._alive_at)
            raise
        await self._end(*tasks)
        self._writer.abandon()
        for task in done:
            task.result()

    async def _end(self, *tasks: asyncio.Future[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _now(self) -> datetime:
        return self._transport.now()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._options.tick_seconds)
            now = self._now()
            is_connected = self._status.state == CONNECTED
            if is_connected and (self._alive_at - self._told_alive_at).total_seconds() >= ALIVE_SECONDS:
                self._told_alive_at = self._alive_at
                self._writer.event(self._alive_at, "alive")
            self._writer.tick(now, self._alive_at)

    async def _again_and_again(self, listen: Callable[[], Awaitable[str]]) -> None:
        first, longest = self._options.backoff
        failures = 0
        while True:
            await asyncio.sleep(self._pace.delay(time.monotonic()))
            self._pace.attempts.append(time.monotonic())
            started = time.monotonic()
            pause: float | None = None
            try:
                reason = await listen()
            except _LOST as error:
                reason = _said(error)
            except Refused as error:
                reason = str(error)
            except SourceError as error:
                reason = error.problem
                pause = error.retry_after if isinstance(error, RateLimited) else None
            self._lost(reason)
            failures = 1 if time.monotonic() - started >= _STEADY_SECONDS else failures + 1
            self._status.reconnect_count += 1
            doubled = min(longest, first * 2.0 ** min(failures - 1, 16))
            await asyncio.sleep(max(pause or 0.0, doubled * random.uniform(0.5, 1.5)))

    def _lost(self, reason: str) -> None:
        if self._status.state == CONNECTED:
            self._writer.lost(self._now(), self._alive_at, reason)
        else:
            self._writer.failed(self._now(), reason)
        self._status.state, self._status.reason = GAP, reason

    def _subscribed(self) -> None:
        now = self._now()
        self._alive_at = self._told_alive_at = now
        self._writer.subscribed(now)
        self._status.state, self._status.reason = CONNECTED, ""

    def _take(self, text: str) -> Reaction:
        """Write a message as what it is."""
        now = self._now()
        reaction = self._stream.react(text)
        if self._stream.kind != DEPTH or reaction.kind is Kind.DATA:
            # A venue that answers without a book shows none: what is known of the book ends with the one before.
            self._alive_at = now
        self._status.message_count += 1
        self._status.last_message_at = now
        if reaction.kind is Kind.DATA:
            self._writer.frame(now, text)
            self._status.frame_count += 1
        elif reaction.kind is Kind.UNREADABLE:
            self._writer.unread(now, text)
        else:
            self._writer.count()
        if reaction.kind is Kind.REFUSED:
            raise Refused(f"the venue says: {reaction.reason}")
        return reaction

    async def _listen(self) -> str:
        """Listen to a websocket until it ends."""
        stream = self._stream
        url = stream.url
        if self._options.base_url is not None:
            url = f"{self._options.base_url}/{stream.label}"
        async with connect(
            url,
            additional_headers=dict(stream.headers),
            user_agent_header=USER_AGENT,
            open_timeout=OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            # Signs of life are kept here, where they also bound what is written.
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            proxy=None if self._options.base_url is not None else True,
        ) as socket:
            for message in stream.subscribe:
                await socket.send(self._filled(message))
            if not stream.acknowledgements:
                self._subscribed()
            pinging = asyncio.ensure_future(self._ping(socket))
            try:
                return await self._hear(socket, stream.acknowledgements)
            finally:
                await self._end(pinging)

    async def _hear(self, socket: ClientConnection, missing: int) -> str:
        """Take messages until there is no sign of life any more; return why that is."""
        stream = self._stream
        deadline = time.monotonic() + ACKNOWLEDGE_SECONDS
        alive, last = time.monotonic(), self._alive_at
        while True:
            if self._alive_at != last:
                alive, last = time.monotonic(), self._alive_at
            until = min(alive + stream.quiet_seconds, deadline if missing else float("inf"))
            try:
                # Unlike `wait_for` of Python 3.11, this never takes a message for an answer to being cancelled.
                async with asyncio.timeout(max(0.01, min(until - time.monotonic(), 1.0))):
                    message = await socket.recv()
            except TimeoutError:
                if missing and time.monotonic() >= deadline:
                    return f"no answer to the subscription within {ACKNOWLEDGE_SECONDS:.0f} s"
                if time.monotonic() >= alive + stream.quiet_seconds and self._alive_at == last:
                    return f"no sign of life for {stream.quiet_seconds:.0f} s"
                continue
            text = message if isinstance(message, str) else message.decode("utf-8", "replace")
            reaction = self._take(text)
            for reply in reaction.replies:
                await socket.send(self._filled(reply))
            if reaction.kind is Kind.ACKNOWLEDGED and missing:
                missing -= 1
                if not missing:
                    self._subscribed()

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(self._stream.ping_seconds)
            if self._stream.ping is not None:
                await socket.send(self._filled(self._stream.ping))
            else:
                await (await socket.ping())
                self._alive_at = self._now()

    def _filled(self, message: str) -> str:
        return message.replace("@now", str(int(self._now().timestamp())))

    async def _ask(self) -> str:
        """Ask for a book again and again until that fails."""
        # Spread over the interval, so that the venues' books are not all asked for in the same second.
        await asyncio.sleep(random.uniform(0.0, min(5.0, self._options.book_seconds / 2)))
        due = time.monotonic()
        while True:
            text = (await _in_thread(self._get)).content.decode("utf-8", "replace")
            if self._status.state != CONNECTED and self._stream.react(text).kind is Kind.DATA:
                self._subscribed()
            if self._take(text).kind is Kind.UNREADABLE:
                return "the answer is no book"
            due = max(due + self._options.book_seconds, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _get(self) -> Body:
        now = self._now()
        window = Window(now - timedelta(minutes=1), now)
        client = Client(self._transport, self._stream.venue, window, where=self._stream.label, attempts=1)
        return client.get(self._stream.url, self._stream.params)


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of blocking work. Unlike an executor's, its thread is not waited for when everything else has ended: a
    request under way may take half a minute."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def hand_over(give: Callable[[], None]) -> None:
        if not result.done():
            give()

    def run() -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the one who waits gets it
            give = partial(result.set_exception, error)
        else:
            give = partial(result.set_result, found)
        try:
            loop.call_soon_threadsafe(hand_over, give)
        except RuntimeError:
            pass  # The loop has ended, and nobody waits any more.

    threading.Thread(target=run, daemon=True, name="recorder").start()
    return await result


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
