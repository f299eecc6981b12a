"""The simulated market as an httpx transport: requests are answered in this process, faults included."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import httpx

from sources.simulator import market
from sources.simulator.answers import HOSTS, Answer, Ask, Scene
from sources.simulator.faults import Fault, Faults

_PAUSES_BEFORE_FINE = 2
_CHALLENGE_PAGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>'
    '<meta name="robots" content="noindex,nofollow"></head><body><script>window._cf_chl_opt={};</script></body></html>'
)
_RESTRICTED = (
    '{"code":0,"msg":"Service unavailable from a restricted location according to \'b. Eligibility\' in '
    'https://www.binance.com/en/terms. Please contact customer service if this is an error."}'
)
_GARBAGE = b"\x00\xff\xfe\x93 this is neither text nor an archive \x80\x81\x00"


class NobodyAnswers(Exception):
    """The host does not exist in the simulated market, or a fault keeps it silent."""


class SimulatedProviders:
    """All simulated providers at an instant, with their faults. Thread safe.

    Args:
        now: the market's present instant, in UTC.
        faults: strings as listed in `sources.simulator.faults`.
        seed: the market that is simulated.

    Raises:
        OutsideMarket: if the simulated market has no such instant.
        UnknownFault: if a string names no fault.
    """

    def __init__(self, now: datetime, faults: Sequence[str] = (), seed: int = market.SEED) -> None:
        self._now = market.check_now(now)
        self._faults = Faults.parse(faults)
        self._seed = seed
        self._pauses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def respond(self, ask: Ask) -> tuple[Answer, bool]:
        """Answer a request.

        Returns:
            The response, and whether its connection breaks off half way through the body.

        Raises:
            NobodyAnswers: if no response comes at all.
        """
        if ask.host not in HOSTS:
            raise NobodyAnswers(f"the simulated market has no host {ask.host}")
        provider, answer = HOSTS[ask.host]
        faults = self._faults.on_the_way(provider)
        for fault in faults:
            if refusal := self._refusal(fault):
                return refusal, False
        response = answer(ask, Scene(market.load(self._seed), self._now, self._faults, provider))
        breaks_off = False
        for fault in faults:
            if fault.kind == "truncated":
                response = replace(response, content=response.content[: len(response.content) // 2])
            elif fault.kind == "garbage":
                response = replace(response, status=200, content=_GARBAGE)
            elif fault.kind == "empty":
                response = replace(response, status=200, content=b"")
            breaks_off = breaks_off or fault.kind == "broken_off"
        return response, breaks_off

    def _refusal(self, fault: Fault) -> Answer | None:
        if fault.kind == "dead":
            raise NobodyAnswers(f"{fault.provider} is dead")
        if fault.kind == "challenge":
            return Answer(403, "text/html; charset=UTF-8", _CHALLENGE_PAGE.encode())
        if fault.kind == "blocked":
            if fault.provider == "binance_futures":
                return Answer(451, "application/json", _RESTRICTED.encode())
            return Answer(403, "text/plain", b"Forbidden")
        if fault.kind == "rate_limited":
            with self._lock:
                self._pauses[fault.provider] += 1
                is_due = fault.is_permanent or self._pauses[fault.provider] <= _PAUSES_BEFORE_FINE
            if is_due:
                pause = "3600" if fault.is_permanent else "0"
                return Answer(429, "application/json", b'{"error":"Too Many Requests"}', {"Retry-After": pause})
        return None


class _BrokenStream(httpx.SyncByteStream):
    """Half a body, then the error of a connection that was cut."""

    def __init__(self, content: bytes) -> None:
        self._half = content[: len(content) // 2]

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class SimulatedTransport(httpx.BaseTransport):
    """Answers as the simulated providers do; arguments and errors as in `SimulatedProviders`."""

    def __init__(self, now: datetime, faults: Sequence[str] = (), seed: int = market.SEED) -> None:
        self._providers = SimulatedProviders(now, faults, seed)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if request.method not in ("GET", "POST"):
            return httpx.Response(405, request=request, content=b"Method Not Allowed")
        ask = Ask(url.host, url.path, dict(url.params), request.read())
        try:
            answer, breaks_off = self._providers.respond(ask)
        except NobodyAnswers as silence:
            raise httpx.ConnectError(str(silence), request=request) from None
        headers = {"Content-Type": answer.content_type, **(answer.headers or {})}
        if breaks_off:
            headers["Content-Length"] = str(len(answer.content))
            return httpx.Response(answer.status, headers=headers, stream=_BrokenStream(answer.content), request=request)
        return httpx.Response(answer.status, headers=headers, content=answer.content, request=request)
