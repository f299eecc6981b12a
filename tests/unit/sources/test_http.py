"""The HTTP client against a real server on loopback: what is tried again, what is not, and what it is called."""

from __future__ import annotations

import gzip
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from sources import http
from sources.dataset import UTC, Licence, Provider, Rate, Request, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, Unreachable
from sources.http import Client, Transport, in_turn

NOW = datetime(2024, 7, 10, 12, tzinfo=UTC)
WINDOW = Window(datetime(2024, 7, 1, tzinfo=UTC), NOW)
URL = "https://provider.example/data/series"
CHALLENGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"

Answer = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int = 200, content: bytes = b"{}", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


class Server(ThreadingHTTPServer):
    """Gives the scripted answers, one after the other; the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Answer] = deque()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.posted: list[bytes] = []
        self.under_way = 0
        self.most_under_way = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.requests.append((self.path, dict(self.headers)))
            server.under_way += 1
            server.most_under_way = max(server.most_under_way, server.under_way)
            answer = server.script.popleft() if len(server.script) > 1 else server.script[0]
        try:
            answer(self)
        finally:
            with server.lock:
                server.under_way -= 1

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=partial(running.serve_forever, poll_interval=0.01), daemon=True)
        thread.start()
        yield running
        running.shutdown()


def provider(**changes: Any) -> Provider:
    fields: dict[str, Any] = {
        "name": "example",
        "title": "Example & Co",
        "homepage": "https://provider.example",
        "licence": Licence.ATTRIBUTION,
        "probe_url": "https://provider.example/ping?small=1",
        "rates": (Rate(1000, 1.0),),
    }
    return Provider(**{**fields, **changes})


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[..., Client]]:
    lines: list[Transport] = []

    def connected(vendor: Provider | None = None, **options: Any) -> Client:
        fields: dict[str, Any] = {"now": lambda: NOW, "base_url": server.url, "retry_wait": 0.01}
        lines.append(Transport(**{**fields, **options}))
        return Client(lines[-1], vendor or provider(), WINDOW, where="example.series 2024-07")

    yield connected
    for line in lines:
        line.close()


def test_an_answer_is_kept_as_it_came(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(content=b'{"a": 1}', Content_Type="application/json"))
    body = connect().get(URL, {"id": "X", "limit": 5})
    assert server.requests[0][0] == "/provider.example/data/series?id=X&limit=5"
    assert (body.request.url, body.request.params) == (URL, (("id", "X"), ("limit", "5")))
    assert (body.status, body.content_type, body.content) == (200, "application/json", b'{"a": 1}')
    assert (body.retrieved_at, body.window) == (NOW, WINDOW)


def test_a_compressed_answer_is_kept_decoded(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(content=gzip.compress(b"plain"), Content_Encoding="gzip"))
    assert connect().get(URL).content == b"plain"


def test_our_name_is_said_unless_the_provider_wants_another(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply())
    connect().get(URL)
    connect(provider(user_agent="curl/8")).get(URL)
    assert [headers["User-Agent"] for _, headers in server.requests] == [http.USER_AGENT, "curl/8"]


def test_server_trouble_is_tried_again(server: Server, connect: Callable[..., Client]) -> None:
    server.script.extend([reply(500), reply(503), reply(content=b"fine")])
    assert connect().get(URL).content == b"fine"
    assert len(server.requests) == 3


def test_lasting_server_trouble_is_unreachable_and_keeps_the_answer(
    server: Server, connect: Callable[..., Client]
) -> None:
    server.script.append(reply(502, b"bad gateway"))
    with pytest.raises(Unreachable, match="Example & Co answers HTTP 502") as caught:
        connect().get(URL)
    assert len(server.requests) == http.ATTEMPTS
    assert caught.value.body is not None
    assert caught.value.body.content == b"bad gateway"
    assert str(caught.value).startswith("example.series 2024-07: ")


def test_a_pause_asked_for_in_seconds_is_kept(server: Server, connect: Callable[..., Client]) -> None:
    server.script.extend([reply(429, Retry_After="1"), reply(content=b"fine")])
    started = time.monotonic()
    assert connect().get(URL).content == b"fine"
    assert 1.0 <= time.monotonic() - started < 5.0


def test_a_pause_asked_for_as_a_date_is_counted_by_the_markets_clock(
    server: Server, connect: Callable[..., Client]
) -> None:
    until = format_datetime(NOW + timedelta(minutes=30), usegmt=True)
    server.script.append(reply(429, Retry_After=until))
    with pytest.raises(RateLimited) as caught:
        connect().get(URL)
    assert caught.value.retry_after == 1800


def test_a_pause_longer_than_a_run_waits_is_not_waited_for(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(429, Retry_After="3600"))
    started = time.monotonic()
    with pytest.raises(RateLimited, match="asks for a pause") as caught:
        connect().get(URL)
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1
    assert time.monotonic() - started < 1.0


def test_a_pause_of_no_known_length_is_tried_again_a_few_times(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(429, b"slow down", Retry_After="soon"))
    with pytest.raises(RateLimited) as caught:
        connect().get(URL)
    assert caught.value.retry_after is None
    assert len(server.requests) == http.ATTEMPTS


def test_a_simulated_provider_does_not_make_anyone_wait(server: Server, connect: Callable[..., Client]) -> None:
    server.script.extend([reply(429, Retry_After="60"), reply(content=b"fine")])
    started = time.monotonic()
    assert connect(paced=False).get(URL).content == b"fine"
    assert time.monotonic() - started < 5.0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(451, b'{"code":0,"msg":"Service unavailable from a restricted location"}'), "HTTP 451"),
        (reply(403, b"Request blocked."), "HTTP 403"),
        (reply(403, CHALLENGE, Content_Type="text/html"), "challenge"),
        (reply(503, CHALLENGE, Content_Type="text/html"), "challenge"),
        (reply(200, CHALLENGE), "challenge"),
    ],
)
def test_a_refusal_is_blocked_and_not_tried_again(
    server: Server, connect: Callable[..., Client], answer: Answer, said: str
) -> None:
    server.script.append(answer)
    with pytest.raises(Blocked, match=said) as caught:
        connect().get(URL)
    assert len(server.requests) == 1
    assert caught.value.body is not None


def test_json_that_mentions_a_challenge_is_no_challenge(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(
        reply(content=b'{"title": "<title>Just a moment...</title>"}', Content_Type="application/json")
    )
    assert connect().get(URL).status == 200


def test_a_wrong_request_is_rejected_with_the_answer_in_one_line(
    server: Server, connect: Callable[..., Client]
) -> None:
    server.script.append(reply(400, b'{"error_code":400,\n"error_message":"Bad Request.  The series does not exist."}'))
    with pytest.raises(Rejected, match="The series does not exist") as caught:
        connect().get(URL)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


def test_not_found_can_be_an_answer(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(404, b"NoSuchKey"))
    assert connect().get(URL, accept=(200, 404)).status == 404
    with pytest.raises(Rejected, match="HTTP 404"):
        connect().get(URL)


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 300)
    handler.close_connection = True


def test_an_answer_cut_off_is_tried_again_and_never_handed_on(server: Server, connect: Callable[..., Client]) -> None:
    server.script.extend([cut_off, reply(content=b"whole")])
    assert connect().get(URL).content == b"whole"
    server.script.clear()
    server.script.append(cut_off)
    with pytest.raises(Unreachable, match="broke off in the middle"):
        connect().get(URL)


def test_an_answer_that_does_not_decompress_is_tried_again(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(content=b"not gzip at all", Content_Encoding="gzip"))
    with pytest.raises(Unreachable, match="broke off"):
        connect().get(URL)
    assert len(server.requests) == http.ATTEMPTS


def test_a_server_that_says_nothing_is_unreachable(server: Server, connect: Callable[..., Client]) -> None:
    released = threading.Event()

    def say_nothing(_: BaseHTTPRequestHandler) -> None:
        released.wait(10)

    server.script.append(say_nothing)
    with pytest.raises(Unreachable, match=r"cannot be reached \(ReadTimeout"):
        connect(timeout=httpx.Timeout(0.1)).get(URL)
    released.set()


def test_a_server_that_drips_is_given_up_on(
    server: Server, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.02)

    monkeypatch.setattr(http, "MAX_ANSWER_SECONDS", 0.1)
    server.script.append(drip)
    started = time.monotonic()
    with pytest.raises(Unreachable):
        connect(timeout=httpx.Timeout(5.0)).get(URL)
    assert time.monotonic() - started < 4.0


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_that_is_too_large_is_stopped(
    server: Server, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, compressed: bool
) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1 << 20)
    content = b"0" * (3 << 20)
    packed = gzip.compress(content)
    assert len(packed) < 1 << 20
    server.script.append(reply(content=packed, Content_Encoding="gzip") if compressed else reply(content=content))
    with pytest.raises(Rejected, match="more than 1 MiB"):
        connect().get(URL)
    assert len(server.requests) == 1


def test_nobody_at_home_is_unreachable(connect: Callable[..., Client]) -> None:
    with Server() as closed:
        address = closed.url
    with pytest.raises(Unreachable, match=r"provider\.example cannot be reached \(ConnectError"):
        connect(base_url=address).get(URL)


def test_a_redirect_that_leads_round_is_unreachable(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(302, Location=f"{server.url}/round"))
    with pytest.raises(Unreachable, match="TooManyRedirects"):
        connect().get(URL)


def test_neither_keys_nor_queries_appear_in_errors_or_requests(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(500))
    with pytest.raises(Unreachable) as caught:
        connect().get(URL, {"id": "SERIES"}, headers={"X-Api-Key": "s3cret"})
    assert server.requests[0][1]["X-Api-Key"] == "s3cret"
    assert "s3cret" not in f"{caught.value!s} {caught.value.body!r}"
    assert "SERIES" not in str(caught.value)


def test_a_provider_is_not_asked_faster_than_it_allows(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply())
    client = connect(provider(rates=(Rate(2, 0.5),)))
    started = time.monotonic()
    for _ in range(5):
        client.get(URL)
    assert time.monotonic() - started >= 1.0


def test_the_allowance_is_shared_by_all_datasets_of_a_provider(
    server: Server, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_WAIT_SECONDS", 0.05)
    server.script.append(reply())
    vendor = provider(rates=(Rate(1, 3600.0),))
    first = connect(vendor)
    first.get(URL)
    other = Client(first._transport, vendor, WINDOW, where="example.other")
    with pytest.raises(RateLimited, match="allowance for Example & Co is used up"):
        other.get(URL)
    assert len(server.requests) == 1


def test_every_rate_of_every_provider_is_one_the_limiter_takes() -> None:
    from sources.registry import PROVIDERS

    with Transport(now=lambda: NOW) as line:
        for vendor in PROVIDERS.values():
            assert line.limiter(vendor).try_acquire(vendor.name)


def test_gathered_answers_come_in_order_and_not_more_at_once_than_allowed(
    server: Server, connect: Callable[..., Client]
) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.02)
        reply(content=handler.path.encode())(handler)

    server.script.append(slow)
    client = connect(provider(parallel=3))
    bodies = client.gather((str(n), partial(client.get, f"{URL}/{n}")) for n in range(12))
    assert [body.content.decode().rpartition("/")[2] for body in bodies] == [str(n) for n in range(12)]
    assert 2 <= server.most_under_way <= 3


def test_gathering_less_than_everything_leaves_the_rest_unasked(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply())
    client = connect(provider(parallel=2))
    bodies = client.gather((str(n), partial(client.get, f"{URL}/{n}")) for n in range(100))
    next(bodies)
    bodies.close()  # type: ignore[attr-defined]
    assert len(server.requests) < 10


def test_giving_up_keeps_what_was_under_way_and_says_what_was_not_asked(connect: Callable[..., Client]) -> None:
    client = connect(provider(parallel=4))
    asked: list[int] = []
    is_under_way = threading.Event()

    def call(number: int) -> int:
        asked.append(number)
        if number < 3:
            is_under_way.wait(10)
            raise Unreachable("no answer")
        is_under_way.set()
        time.sleep(0.2)
        return number

    kept = []
    with pytest.raises(Unreachable) as caught:
        for one in client.gather((f"file {number}", partial(call, number)) for number in range(100)):
            kept.append(one)
    assert kept == sorted(set(asked) - {0, 1, 2}), "each answer that came was handed on"
    assert kept
    assert len(asked) < 20, "of 100"
    assert str(caught.value).startswith("file 0: no answer; the rest was not asked any more; also failed: file 1: ")


def test_nothing_is_said_of_a_rest_where_there_is_none() -> None:
    def refuse() -> str:
        raise RateLimited("slow down")

    with pytest.raises(RateLimited) as caught:
        list(in_turn([("a", iter("1")), ("b", (refuse() for _ in range(1)))]))
    assert str(caught.value) == "b: slow down"


def test_a_fault_in_our_own_code_is_not_taken_for_a_failure_of_the_provider(connect: Callable[..., Client]) -> None:
    def broken() -> str:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        list(connect().gather([("x", broken)]))
    with pytest.raises(KeyError):
        list(in_turn([("x", (broken() for _ in range(1)))]))


def test_series_in_turn_name_every_failure_and_keep_every_answer() -> None:
    def series(name: str) -> Iterator[str]:
        yield f"{name}1"
        if name in "bd":
            raise Malformed(f"{name} broke", where="example.series")
        yield f"{name}2"

    kept = []
    with pytest.raises(Malformed) as caught:
        for one in in_turn((name, series(name)) for name in "abcd"):
            kept.append(one)
    assert kept == ["a1", "a2", "b1", "c1", "c2", "d1"]
    assert str(caught.value) == "example.series: b: b broke; also failed: d: d broke"


def test_a_recorded_answer_keeps_the_time_it_was_recorded_at() -> None:
    then = NOW - timedelta(days=30)
    answering = httpx.MockTransport(lambda _: httpx.Response(200, extensions={"retrieved_at": then}))
    with Transport(now=lambda: NOW, transport=answering, paced=False) as line:
        assert Client(line, provider(), WINDOW, where="x").get(URL).retrieved_at == then


def test_a_probe_asks_once(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(500))
    line = connect()._transport
    with pytest.raises(Unreachable):
        line.probe(provider())
    assert [path for path, _ in server.requests] == ["/provider.example/ping?small=1"]
    server.script.append(reply())
    server.script.popleft()
    assert line.probe(provider()) == 200


# Keys ---------------------------------------------------------------------------------------------------------------

KEY = "s3cr3t-of-the-user"


def test_a_key_is_sent_and_kept_nowhere(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(content=f'{{"you sent": "{KEY}"}}'.encode()))
    body = connect().get(URL, {"symbol": "BTC"}, secret_headers={"X-Key": KEY}, secret_params={"api_key": KEY})
    ((path, headers),) = server.requests
    assert headers["X-Key"] == KEY
    assert f"api_key={KEY}" in path
    assert KEY not in repr(body), "a provider may repeat it: it is taken out before anybody keeps the answer"
    assert body.request.params == (("symbol", "BTC"),)
    assert body.content == b'{"you sent": "[key]"}'


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_key_is_in_no_error(server: Server, connect: Callable[..., Client], status: int) -> None:
    server.script.append(reply(status, content=f"invalid key {KEY}".encode(), Retry_After="3600"))
    with pytest.raises((Rejected, Blocked, RateLimited, Unreachable)) as caught:
        connect().get(URL, secret_params={"api_key": KEY})
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.body)


def test_a_key_does_not_follow_a_redirect(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(302, Location="http://127.0.0.1:1/elsewhere"))
    with pytest.raises(Rejected, match="302"):
        connect().get(URL, secret_headers={"X-Key": KEY})
    assert len(server.requests) == 1


def test_a_key_is_in_no_log(server: Server, connect: Callable[..., Client], caplog: pytest.LogCaptureFixture) -> None:
    server.script.append(reply())
    with caplog.at_level("INFO"):
        connect().get(URL, secret_params={"api_key": KEY})
    assert KEY not in caplog.text


def test_an_address_with_a_key_is_asked_and_another_kept(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply())
    body = connect().post(
        "https://rpc.example", {"method": "eth_blockNumber"}, secret_url=f"https://rpc.example/v3/{KEY}"
    )
    assert server.requests[0][0] == f"/rpc.example/v3/{KEY}"
    assert KEY not in repr(body)
    assert body.request.url == "https://rpc.example"


def test_a_posted_document_is_part_of_the_request(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply())
    body = connect().post(URL, {"type": "meta", "coins": ["BTC"]})
    assert server.posted == [b'{"type":"meta","coins":["BTC"]}']
    assert body.request.method == "POST"
    assert body.request.content == '{"type":"meta","coins":["BTC"]}'
    assert body.request.series.endswith(body.request.content)


def test_a_missing_key_names_its_variable(connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXAMPLE_KEY", raising=False)
    client = Client(connect()._transport, provider(), WINDOW, where="example.series", key_variable="EXAMPLE_KEY")
    with pytest.raises(Rejected, match="EXAMPLE_KEY"):
        _ = client.key
    monkeypatch.setenv("EXAMPLE_KEY", f" {KEY} ")
    assert client.key == KEY


def test_what_may_still_be_asked_is_remembered(server: Server, connect: Callable[..., Client]) -> None:
    server.script.append(reply(X_RateLimit_Remaining="41", X_Secret="no"))
    vendor = provider()
    client = connect(vendor)
    assert client._transport.allowance(vendor) is None
    client.get(URL)
    assert client._transport.allowance(vendor) == "x-ratelimit-remaining: 41"


def test_a_series_is_the_same_whatever_part_of_it_is_asked_for() -> None:
    whole = Request(URL, (("symbol", "BTC"), ("start", "1"), ("limit", "500"), ("$offset", "0")))
    part = Request(URL, (("limit", "10"), ("symbol", "BTC")))
    other = Request(URL, (("symbol", "ETH"),))
    assert whole.series == part.series == f"GET {URL}?symbol=BTC"
    assert other.series != whole.series


@pytest.mark.parametrize(("ended_ago", "expected"), [(0, True), (59, True), (61, False), (60 * 24 * 30, False)])
def test_a_window_reaches_the_present_although_the_clock_goes_on(
    connect: Callable[..., Client], ended_ago: int, expected: bool
) -> None:
    end = NOW - timedelta(minutes=ended_ago)
    client = Client(connect()._transport, provider(), Window(end - timedelta(days=1), end), where="example.series")
    assert client.reaches_present is expected
