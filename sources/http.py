"""The one module that opens sockets to ask for something; `sources.recorder.session` is the only one that listens.

A `Client` belongs to one market and one dataset window: it knows whose patience it is using (`Provider.rates`), what
to call the thing that failed, and which clock stamps an answer. Everything that arrives is untrusted: sizes are
capped while streaming, and errors never repeat headers or query strings, which may carry keys.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Protocol, Self, TypeVar, runtime_checkable

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
PRESENT = timedelta(hours=1)
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
USER_AGENT = "undertow/0.1 (market-stress warehouse; self-hosted)"

_CHALLENGE = re.compile(rb"<title>\s*Just a moment\.\.\.|cf_chl_opt|Attention Required! \| Cloudflare", re.IGNORECASE)


T = TypeVar("T")

KEYLESS = "no-key-wanted"
"""Stands in for a key where none is wanted."""

_ALLOWANCE_HEADERS = (
    "x-ratelimit-remaining",
    "ratelimit-remaining",
    "x-ratelimit-limit",
    "x-mbx-used-weight-1m",
    "x-bapi-limit-status",
    "x-gate-ratelimit-requests-remain",
    "api-key-use-limit",
    "api-key-max-limit",
)

# httpx logs every address with its query, where some providers want their key.
logging.getLogger("httpx").setLevel(logging.WARNING)


@runtime_checkable
class Holding(Protocol):
    """A transport that holds answers and knows which of them nobody has been given yet."""

    def further_windows(self) -> Sequence[Window]:
        """See `Transport.further_windows`."""


class NotHeld(httpx.ConnectError):
    """Raised by a transport that answers from a store, for a request the store holds no answer to."""


@dataclass(frozen=True)
class _Envelope:
    """What travels with a request: headers, and the secrets that are kept nowhere."""

    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    secret_params: Mapping[str, str] = field(default_factory=dict)
    secret_url: str | None = None

    @property
    def secrets(self) -> list[str]:
        """What must not be repeated."""
        found = [*self.secret_headers.values(), *self.secret_params.values(), self.secret_url or ""]
        return [secret for secret in found if secret and secret != KEYLESS]


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
        needs_keys: whether this market's providers want their keys; a simulated or recorded one does not.
        mounts: transports that answer for single origins, such as `all://recorder.invalid`.
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
        needs_keys: bool = True,
        mounts: Mapping[str, httpx.BaseTransport] | None = None,
    ) -> None:
        self.needs_keys = needs_keys
        self.now = now
        self.paced = paced
        self.base_url = base_url
        self.retry_wait = retry_wait
        self._limiters: dict[str, Limiter] = {}
        self._allowances: dict[str, str] = {}
        self._lock = threading.Lock()
        self._answering = transport
        self._http = httpx.Client(
            transport=transport,
            mounts=mounts,
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

    def client(self, dataset: Dataset, window: Window, held: Callable[[Request], bool] | None = None) -> Client:
        """A client that fetches `window` of `dataset`.

        Args:
            held: whether the answer to a request is in the archive; see `Client.holds`.
        """
        return Client(
            self,
            dataset.provider,
            window,
            where=f"{dataset.provider.name}.{dataset.name} {window}",
            key_variable=dataset.needs_key,
            held=held,
        )

    def key(self, variable: str) -> str | None:
        """The provider key in an environment variable; None if there is none, a stand-in where none is wanted."""
        found = os.environ.get(variable, "").strip()
        return found or (None if self.needs_keys else KEYLESS)

    def further_windows(self) -> Sequence[Window]:
        """Windows that hold answers nobody has been given yet, of the series that were asked for since the last call.

        Providers give what they are asked for and this is empty. A recording may hold several answers to one request,
        from different times, and a single look at the whole history sees one of them.
        """
        return self._answering.further_windows() if isinstance(self._answering, Holding) else ()

    def note_allowance(self, provider: Provider, headers: httpx.Headers) -> None:
        """Remember what a response says of how much may still be asked."""
        said = [f"{name}: {headers[name][:40]}" for name in _ALLOWANCE_HEADERS if name in headers]
        if said:
            with self._lock:
                self._allowances[provider.name] = ", ".join(said)

    def allowance(self, provider: Provider) -> str | None:
        """What the provider last said of how much may still be asked; None if it never did."""
        with self._lock:
            return self._allowances.get(provider.name)

    def probe(self, provider: Provider) -> int:
        """Ask the provider's probe URL once and return the HTTP status.

        Raises:
            SourceError: if the provider cannot be reached or refuses.
        """
        moment = self.now()
        window = Window(moment - timedelta(days=1), moment)
        client = Client(self, provider, window, where=provider.name, attempts=1)
        if provider.probe_content:
            document = json.loads(provider.probe_content)
            return client.post(provider.probe_url, document, accept=provider.probe_statuses).status
        return client.get(provider.probe_url, accept=provider.probe_statuses).status

    def limiter(self, provider: Provider) -> Limiter:
        with self._lock:
            if provider.name not in self._limiters:
                rates = [LimiterRate(rate.requests, int(rate.seconds * 1000)) for rate in provider.rates]
                self._limiters[provider.name] = Limiter(rates)
            return self._limiters[provider.name]

    def send(self, request: httpx.Request, *, follow_redirects: bool) -> httpx.Response:
        return self._http.send(request, stream=True, follow_redirects=follow_redirects)

    def build(
        self, request: Request, window: Window, headers: Mapping[str, str], params: Mapping[str, str], url: httpx.URL
    ) -> httpx.Request:
        if self.base_url is not None:
            origin = httpx.URL(self.base_url)
            url = url.copy_with(scheme=origin.scheme, host=origin.host, port=origin.port, path=f"/{url.host}{url.path}")
        return self._http.build_request(
            request.method,
            url,
            params=[*request.params, *params.items()] or None,
            headers=dict(headers),
            content=request.content.encode() if request.content else None,
            extensions={"window": window},
        )


class Client:
    """Fetches one window of one dataset. Made by `Transport.client`."""

    def __init__(
        self,
        transport: Transport,
        provider: Provider,
        window: Window,
        *,
        where: str,
        attempts: int = ATTEMPTS,
        key_variable: str | None = None,
        held: Callable[[Request], bool] | None = None,
    ) -> None:
        self._held = held
        self._key_variable = key_variable
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
    def reaches_present(self) -> bool:
        """Whether the window reaches to now: only then is an answer about now an answer to it.

        A live clock has moved on since the window was cut, and an earlier series of the same fetch may have taken long.
        """
        return self._window.end >= self.now - PRESENT

    @property
    def where(self) -> str:
        """`provider.dataset window`, for the errors a fetch raises itself."""
        return self._where

    @property
    def key(self) -> str:
        """The key of a dataset that needs one.

        Raises:
            Rejected: the environment variable that the descriptor names holds none.
        """
        variable = self._key_variable or ""
        found = self._transport.key(variable) if variable else None
        if found is None:
            raise Rejected(
                f"{self._provider.title} wants a key and {variable or 'no variable'} holds none",
                remedy=f"set {variable} in the environment",
                where=self._where,
            )
        return found

    def holds(self, url: str, params: Mapping[str, object] | None = None) -> bool:
        """Whether the answer to a request is in the archive already, for answers that never change once they exist."""
        return self._held is not None and self._held(_request_for(url, params))

    def option(self, variable: str) -> str | None:
        """A setting of the environment that a provider can do without; only a market that asks the world has any."""
        return os.environ.get(variable, "").strip() or None if self._transport.needs_keys else None

    def get(
        self,
        url: str,
        params: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
        secret_headers: Mapping[str, str] | None = None,
        secret_params: Mapping[str, str] | None = None,
    ) -> Body:
        """Ask once, retrying what a retry can help.

        Args:
            url: without query string.
            params: query parameters; never a secret, they are archived.
            headers: extra headers.
            accept: statuses that are an answer rather than a failure; a 404 can mean "not published".
            secret_headers: headers with a key. They are sent, never kept, and not sent on to where a redirect leads.
            secret_params: the same for a key that the provider wants in the query.

        Raises:
            Unreachable, RateLimited, Blocked, Rejected: see `sources.errors`; the body, if any, is attached.
        """
        request = _request_for(url, params)
        return self._ask(request, _Envelope(headers or {}, secret_headers or {}, secret_params or {}), accept)

    def post(
        self,
        url: str,
        document: object,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
        secret_headers: Mapping[str, str] | None = None,
        secret_url: str | None = None,
    ) -> Body:
        """The same with a JSON document, which is archived as part of the request.

        Args:
            url: where to, as it is archived.
            document: what is sent, as JSON.
            secret_url: where it really goes, if that address holds a key.
        """
        content = json.dumps(document, separators=(",", ":"))
        request = Request(url, (), "POST", content)
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._ask(request, _Envelope(sent, secret_headers or {}, {}, secret_url), accept)

    def _ask(self, request: Request, envelope: _Envelope, accept: Collection[int]) -> Body:
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception_type(_Retryable),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(self._once, request, envelope, frozenset(accept))
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

    def _headers(self, envelope: _Envelope) -> dict[str, str]:
        own = {"User-Agent": self._provider.user_agent} if self._provider.user_agent else {}
        return {**own, **envelope.headers, **envelope.secret_headers}

    def _acquire(self) -> None:
        if not self._transport.paced:
            return
        if not self._transport.limiter(self._provider).try_acquire(self._provider.name, timeout=MAX_WAIT_SECONDS):
            raise RateLimited(
                f"our own allowance for {self._provider.title} is used up for now",
                remedy="run again later; what was fetched so far is kept",
                where=self._where,
            )

    def _once(self, request: Request, envelope: _Envelope, accept: frozenset[int]) -> Body:
        self._acquire()
        with self._transport_errors(request):
            url = httpx.URL(envelope.secret_url or request.url)
            built = self._transport.build(request, self._window, self._headers(envelope), envelope.secret_params, url)
            response = self._transport.send(built, follow_redirects=not envelope.secrets)
            try:
                payload = self._read(response)
            finally:
                response.close()
        self._transport.note_allowance(self._provider, response.headers)
        for secret in envelope.secrets:
            # Providers repeat a rejected key in what they say about it.
            payload = payload.replace(secret.encode(), b"[key]")
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


def _request_for(url: str, params: Mapping[str, object] | None) -> Request:
    return Request(url, tuple((name, str(value)) for name, value in (params or {}).items()))


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
