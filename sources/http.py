"""The one module that opens sockets.

A `Client` belongs to one market and one dataset window: it knows whose patience it is using (`Provider.rates`), what
to call the thing that failed, and which clock stamps an answer. Everything that arrives is untrusted: sizes are
capped while streaming, and errors never repeat headers or query strings, which may carry keys.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Self, TypeVar

import httpx
from pyrate_limiter import Limiter
from pyrate_limiter import Rate as LimiterRate
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from sources.dataset import Body, Dataset, Provider, Request, Window
from sources.errors import Blocked, Failures, NotRecorded, RateLimited, Rejected, SourceError, Unreachable

MAX_BODY_BYTES = 256 * 1024 * 1024
MAX_WAIT_SECONDS = 90.0
MAX_ANSWER_SECONDS = 300.0
ATTEMPTS = 4
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
USER_AGENT = "undertow/0.1 (market-stress warehouse; self-hosted)"

_CHALLENGE = re.compile(rb"<title>\s*Just a moment\.\.\.|cf_chl_opt|Attention Required! \| Cloudflare", re.IGNORECASE)


T = TypeVar("T")


class NotHeld(httpx.ConnectError):
    """Raised by a transport that answers from a store, for a request the store holds no answer to."""


class _Retryable(Exception):
    """Internal: a failure that another attempt may cure, with the wait the server asked for."""

    def __init__(self, error: SourceError, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


class Transport:
    """A market's line to its providers: one connection pool, one limiter per provider, one clock.

    Args:
        now: the market's clock; it stamps every response.
        transport: an httpx transport that answers instead of the network, or None for the real one.
        paced: whether provider rate limits apply. A simulated or recorded provider has no patience to spend.
        base_url: if given, every request goes to this origin instead, with the real host in the path: how the
            loopback server of the simulated market is addressed.
        retry_wait: seconds before the second attempt; doubles from there, with jitter.
        timeout: of one connect, read or write.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
        paced: bool = True,
        base_url: str | None = None,
        retry_wait: float = 1.0,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.now = now
        self.paced = paced
        self.base_url = base_url
        self.retry_wait = retry_wait
        self._limiters: dict[str, Limiter] = {}
        self._lock = threading.Lock()
        self._http = httpx.Client(
            transport=transport,
            timeout=timeout,
            follow_redirects=True,
            max_redirects=5,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            verify=ssl.create_default_context(),
            # A proxy of the environment is for the world outside, not for a loopback server.
            trust_env=base_url is None,
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def client(self, dataset: Dataset, window: Window) -> Client:
        """A client that fetches `window` of `dataset`."""
        return Client(self, dataset.provider, window, where=f"{dataset.provider.name}.{dataset.name} {window}")

    def probe(self, provider: Provider) -> int:
        """Ask the provider's probe URL once and return the HTTP status.

        Raises:
            SourceError: if the provider cannot be reached or refuses.
        """
        moment = self.now()
        window = Window(moment - timedelta(days=1), moment)
        client = Client(self, provider, window, where=provider.name, attempts=1)
        return client.get(provider.probe_url).status

    def limiter(self, provider: Provider) -> Limiter:
        with self._lock:
            if provider.name not in self._limiters:
                rates = [LimiterRate(rate.requests, int(rate.seconds * 1000)) for rate in provider.rates]
                self._limiters[provider.name] = Limiter(rates)
            return self._limiters[provider.name]

    def send(self, request: httpx.Request) -> httpx.Response:
        return self._http.send(request, stream=True)

    def build(
        self, request: Request, window: Window, headers: Mapping[str, str], content: bytes | None
    ) -> httpx.Request:
        url = httpx.URL(request.url)
        if self.base_url is not None:
            origin = httpx.URL(self.base_url)
            url = url.copy_with(scheme=origin.scheme, host=origin.host, port=origin.port, path=f"/{url.host}{url.path}")
        return self._http.build_request(
            request.method,
            url,
            params=list(request.params) or None,
            headers=dict(headers),
            content=content,
            extensions={"window": window},
        )


class Client:
    """Fetches one window of one dataset. Made by `Transport.client`."""

    def __init__(
        self, transport: Transport, provider: Provider, window: Window, *, where: str, attempts: int = ATTEMPTS
    ) -> None:
        self._transport = transport
        self._provider = provider
        self._window = window
        self._where = where
        self._attempts = attempts

    @property
    def now(self) -> datetime:
        """The market's present instant."""
        return self._transport.now()

    @property
    def where(self) -> str:
        """`provider.dataset window`, for the errors a fetch raises itself."""
        return self._where

    def get(
        self,
        url: str,
        params: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
        method: str = "GET",
        content: bytes | None = None,
    ) -> Body:
        """Ask once, retrying what a retry can help.

        Args:
            url: without query string.
            params: query parameters; never a secret, they are archived.
            headers: extra headers, where keys go.
            accept: statuses that are an answer rather than a failure; a 404 can mean "not published".

        Raises:
            Unreachable, RateLimited, Blocked, Rejected: see `sources.errors`; the body, if any, is attached.
        """
        request = Request(url, tuple((name, str(value)) for name, value in (params or {}).items()), method)
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception_type(_Retryable),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(self._once, request, self._headers(headers), content, frozenset(accept))
        except _Retryable as last:
            raise last.error from None

    def gather(self, calls: Iterable[tuple[str, Callable[[], T]]]) -> Iterator[T]:
        """Make independent, labelled calls, `Provider.parallel` at a time, and yield the results in order.

        One failing call does not cost the others: failures are raised when the rest has been yielded.

        Raises:
            SourceError: the first failure, with the others named; see `sources.errors.Failures`.
        """
        failures = Failures()
        pending = iter(calls)
        with ThreadPoolExecutor(self._provider.parallel, thread_name_prefix=self._provider.name) as pool:
            # A short queue keeps memory flat: bodies wait for the parser, not the other way round.
            queue: deque[tuple[str, Future[T]]] = deque()
            for label, call in islice(pending, 2 * self._provider.parallel):
                queue.append((label, pool.submit(call)))
            is_cut_short = False
            try:
                while queue:
                    label, future = queue.popleft()
                    if failures.is_hopeless and future.cancel():
                        is_cut_short = True
                        continue
                    try:
                        result = future.result()
                    except SourceError as error:
                        failures.add(label, error)
                    else:
                        failures.succeed()
                        yield result
                    if not failures.is_hopeless:
                        for label, call in islice(pending, 1):
                            queue.append((label, pool.submit(call)))
            finally:
                for _, waiting in queue:
                    waiting.cancel()
        failures.check(is_cut_short=is_cut_short or next(pending, None) is not None)

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        # The server's wish counts where there is a server: a simulated one only plays at being tired.
        if self._transport.paced and isinstance(failure, _Retryable) and failure.retry_after is not None:
            return failure.retry_after
        base = self._transport.retry_wait
        return wait_exponential(multiplier=base, max=30.0)(state) + wait_random(0, base)(state)

    def _headers(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        own = {"User-Agent": self._provider.user_agent} if self._provider.user_agent else {}
        return {**own, **(extra or {})}

    def _acquire(self) -> None:
        if not self._transport.paced:
            return
        if not self._transport.limiter(self._provider).try_acquire(self._provider.name, timeout=MAX_WAIT_SECONDS):
            raise RateLimited(
                f"our own allowance for {self._provider.title} is used up for now",
                remedy="run again later; what was fetched so far is kept",
                where=self._where,
            )

    def _once(self, request: Request, headers: dict[str, str], content: bytes | None, accept: frozenset[int]) -> Body:
        self._acquire()
        with self._transport_errors(request):
            response = self._transport.send(self._transport.build(request, self._window, headers, content))
            try:
                payload = self._read(response)
            finally:
                response.close()
        body = Body(
            request=request,
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            content=payload,
            # A recording says itself when its answers were given.
            retrieved_at=response.extensions.get("retrieved_at", self.now),
            window=self._window,
        )
        if _is_challenge(body):
            raise self._blocked("answers with a browser challenge page", body)
        if body.status in accept:
            return body
        raise self._failure(body, response.headers)

    def _read(self, response: httpx.Response) -> bytes:
        chunks, size, deadline = [], 0, time.monotonic() + MAX_ANSWER_SECONDS
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise Rejected(
                    f"{response.url.host} sends more than {MAX_BODY_BYTES >> 20} MiB in one answer",
                    remedy="ask for a shorter window",
                    where=self._where,
                )
            # The read timeout starts again with every byte, so a server that drips needs a limit of its own.
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout(f"no end after {MAX_ANSWER_SECONDS:.0f} s")
            chunks.append(chunk)
        return b"".join(chunks)

    @contextmanager
    def _transport_errors(self, request: Request) -> Iterator[None]:
        host = httpx.URL(request.url).host
        remedy = "check the network with `undertow doctor`, then run again: nothing was lost"
        try:
            yield
        except NotHeld as error:
            remedy = "a recorded market answers only what was recorded; the other sources go on"
            raise NotRecorded(str(error), remedy=remedy, where=self._where) from None
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
            problem = f"{host} broke off in the middle of an answer ({type(error).__name__})"
            raise _Retryable(Unreachable(problem, remedy=remedy, where=self._where)) from None
        except httpx.RequestError as error:
            problem = f"{host} cannot be reached ({type(error).__name__})"
            raise _Retryable(Unreachable(problem, remedy=remedy, where=self._where)) from None
        except SourceError as error:
            error.where = error.where or self._where
            raise

    def _blocked(self, how: str, body: Body) -> Blocked:
        return Blocked(
            f"{self._provider.title} {how}",
            remedy="it refuses this address or this client; try from another network, the other sources go on",
            where=self._where,
            body=body,
        )

    def _failure(self, body: Body, headers: httpx.Headers) -> Exception:
        """The error for a status that is not an answer."""
        status, title = body.status, self._provider.title
        if status in (429, 418):
            pause = _retry_after(headers, self.now)
            error = RateLimited(
                f"{title} asks for a pause (HTTP {status})",
                retry_after=pause,
                remedy="run again later; what was fetched so far is kept",
                where=self._where,
                body=body,
            )
            # 418 is a ban for going on after 429: another attempt would only lengthen it.
            if status == 429 and (pause is None or pause <= MAX_WAIT_SECONDS):
                return _Retryable(error, pause)
            return error
        if status in (403, 451):
            return self._blocked(f"refuses (HTTP {status})", body)
        if status >= 500:
            remedy = "the provider has trouble; run again later"
            return _Retryable(
                Unreachable(f"{title} answers HTTP {status}", remedy=remedy, where=self._where, body=body)
            )
        return Rejected(
            f"{title} rejects the request (HTTP {status}): {excerpt(body)}",
            remedy="the series or parameter is not what the provider expects; see the descriptor's docs_url",
            where=self._where,
            body=body,
        )


def in_turn(series: Iterable[tuple[str, Iterator[T]]]) -> Iterator[T]:
    """Yield what several independent, labelled series of answers hold, one series after the other.

    A series that fails does not cost the others: failures are raised when the rest has been yielded.

    Raises:
        SourceError: the first failure, with the others named; see `sources.errors.Failures`.
    """
    failures = Failures()
    pending = iter(series)
    for label, answers in pending:
        answer = None
        try:
            for answer in answers:
                yield answer
        except SourceError as error:
            if error.body is answer:
                # Whoever took the answer has it already.
                error.body = None
            failures.add(label, error)
            if failures.is_hopeless:
                break
        else:
            failures.succeed()
    failures.check(is_cut_short=next(pending, None) is not None)


def excerpt(body: Body, length: int = 120) -> str:
    """The beginning of a body as one printable line, for messages."""
    text = body.content[: 4 * length].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:length]


def _is_challenge(body: Body) -> bool:
    looks_like_html = "html" in body.content_type or body.content[:64].lstrip()[:1] == b"<"
    return looks_like_html and _CHALLENGE.search(body.content[:20_000]) is not None


def _retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait as the server says: delta-seconds or an HTTP date (RFC 9110 section 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        moment: datetime = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
