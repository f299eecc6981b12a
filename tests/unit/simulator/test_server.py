"""The loopback server gives what the transport gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from sources.dataset import Window
from sources.http import Transport
from sources.registry import DATASETS
from sources.simulator import server
from sources.simulator.market import END_OF_MARKET
from sources.simulator.server import SimulatedServer
from sources.simulator.story import at
from tests.unit.simulator.simulated import EVERY_PROVIDER, client

pytestmark = pytest.mark.unit


@contextmanager
def serving(*faults: str) -> Iterator[SimulatedServer]:
    with SimulatedServer(faults=faults) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def through(running: SimulatedServer, url: str) -> httpx.Response:
    parts = httpx.URL(url)
    return httpx.get(f"{running.origin}/{parts.host}{parts.raw_path.decode()}")


def test_every_provider_answers_the_same_both_ways() -> None:
    with serving() as running:
        for url in EVERY_PROVIDER.values():
            direct, served = client().get(url), through(running, url)
            assert (served.status_code, served.content) == (direct.status_code, direct.content), url
            assert served.headers["content-type"] == direct.headers["content-type"]


def test_it_listens_on_the_loopback_address_only() -> None:
    with serving() as running:
        assert running.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "fault", ["rate_limited:fred", "blocked:fred", "challenge:fred", "truncated:fred", "garbage:fred"]
)
def test_faults_are_the_same_both_ways(fault: str) -> None:
    url = EVERY_PROVIDER["fred"]
    direct = client(END_OF_MARKET, fault).get(url)
    with serving(fault) as running:
        served = through(running, url)
    assert (served.status_code, served.content) == (direct.status_code, direct.content)
    assert served.headers.get("retry-after") == direct.headers.get("retry-after")


@pytest.mark.parametrize("fault", ["dead:fred", "broken_off:fred"])
def test_broken_connections_are_broken(fault: str) -> None:
    with serving(fault) as running, pytest.raises(httpx.RemoteProtocolError):
        through(running, EVERY_PROVIDER["fred"])


def test_a_dataset_fetched_over_the_server_is_the_same() -> None:
    dataset = DATASETS["fred__daily_series"]
    window = Window(at("2025-11-01"), at("2025-11-20"))

    def frames(transport: Transport) -> list[bytes]:
        with transport:
            return [body.content for body in dataset.fetch(window, transport.client(dataset, window))]

    def clock() -> object:
        return END_OF_MARKET

    from sources.simulator.transport import SimulatedTransport

    direct = frames(Transport(now=clock, transport=SimulatedTransport(END_OF_MARKET), paced=False))  # type: ignore[arg-type]
    with serving() as running:
        assert frames(Transport(now=clock, paced=False, base_url=running.origin)) == direct  # type: ignore[arg-type]


def test_a_wrong_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert server.main(["--port", "0", "--fault", "flood:fred"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert server.main(["--port", "0", "--now", "2030-01-01"]) == 2
    assert "runs from 2021-01-01" in capsys.readouterr().err
