"""Recorded markets: which response answers which request. The recordings are made here, with invented values."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Malformed, NotRecorded, SourceError
from sources.http import ATTEMPTS, Transport
from sources.market import UnknownMarket, open_market
from sources.recorded import RecordedTransport, Recording
from sources.registry import DATASETS
from tests.unit.sources.wire import at

COINMETRICS = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
FRED = "https://fred.stlouisfed.org/graph/fredgraph.csv"


class Recorder:
    """Writes a recording, response by response."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[dict[str, Any]] = []

    def add(
        self,
        url: str,
        content: bytes,
        covers: tuple[str, str] | None = ("2024-01-01", "2024-01-31"),
        recorded_at: str = "2024-06-01T00:00:00Z",
        *,
        is_gzipped: bool = True,
        **changes: Any,
    ) -> None:
        name = f"{len(self.lines)}.bin"
        (self.folder / name).write_bytes(gzip.compress(content) if is_gzipped else content)
        start, end = covers or (None, None)
        self.lines.append(
            {
                "provider": "p",
                "dataset": "d",
                "request": {"method": "GET", "url": url, "body": None},
                "status": 200,
                "content_type": "text/csv",
                "body": name,
                "encoding": "gzip" if is_gzipped else None,
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "recorded_at": recorded_at,
                "coverage": {"start": start, "end": end},
                "origin": "wire",
                "note": "",
                **changes,
            }
        )

    def finished(self) -> Recording:
        (self.folder / "index.jsonl").write_text("\n".join(json.dumps(line) for line in self.lines) + "\n")
        return Recording.open(self.folder)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def ask(
    recording: Recording,
    url: str,
    params: Mapping[str, object] | None = None,
    *,
    window: Window | None = None,
    now: datetime | None = None,
    dataset: Dataset = DATASETS["fred__daily_series"],
    accept: tuple[int, ...] = (200,),
) -> bytes:
    """What the very client of the live market makes of the recording's answer."""
    moment = now or at("2024-07-01")
    line = Transport(
        now=lambda: moment, transport=RecordedTransport(recording, now=moment), paced=False, retry_wait=0.01
    )
    with line:
        client = line.client(dataset, window or Window(at("2024-01-01"), at("2024-02-01")))
        return client.get(url, params, accept=accept).content


def test_a_request_is_matched_whatever_its_window_page_size_and_order(recorder: Recorder) -> None:
    recorder.add(f"{COINMETRICS}?assets=btc&metrics=PriceUSD%2CHashRate&start_time=2020-01-01&page_size=1000", b"btc")
    recorder.add(f"{COINMETRICS}?assets=eth&metrics=PriceUSD&start_time=2020-01-01&page_size=1000", b"eth")
    recording = recorder.finished()
    asked = {"page_size": 5, "metrics": "PriceUSD", "ignore_forbidden_errors": "true", "start_time": "2023-01-01"}
    assert ask(recording, COINMETRICS, {**asked, "assets": "eth"}) == b"eth"
    assert ask(recording, COINMETRICS, {"assets": "btc", **asked}) == b"btc"


def test_a_page_token_names_one_page(recorder: Recorder) -> None:
    recorder.add(f"{COINMETRICS}?assets=btc", b"first")
    recorder.add(f"{COINMETRICS}?assets=btc&next_page_token=0.abc", b"second")
    recording = recorder.finished()
    assert ask(recording, COINMETRICS, {"assets": "btc"}) == b"first"
    assert ask(recording, COINMETRICS, {"assets": "btc", "next_page_token": "0.abc"}) == b"second"
    with pytest.raises(NotRecorded):
        ask(recording, COINMETRICS, {"assets": "btc", "next_page_token": "0.xyz"})


def test_the_response_that_covers_most_of_the_window_answers(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A&cosd=2023-01-01", b"2023", ("2023-01-01", "2023-12-31"))
    recorder.add(f"{FRED}?id=A&cosd=2024-01-01", b"2024", ("2024-01-01", "2024-05-31"))
    recording = recorder.finished()
    assert ask(recording, FRED, {"id": "A"}, window=Window(at("2023-11-01"), at("2024-01-15"))) == b"2023"
    assert ask(recording, FRED, {"id": "A"}, window=Window(at("2023-12-20"), at("2024-03-01"))) == b"2024"


def test_the_exact_query_wins_only_where_it_covers_as_much(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A&cosd=x", b"exact", ("2024-01-01", "2024-01-31"))
    recorder.add(f"{FRED}?id=A&cosd=y", b"newer", ("2024-01-01", "2024-05-31"), "2024-06-02T00:00:00Z")
    recording = recorder.finished()
    january, half_year = Window(at("2024-01-01"), at("2024-02-01")), Window(at("2024-01-01"), at("2024-06-01"))
    assert ask(recording, FRED, {"id": "A", "cosd": "x"}, window=january) == b"exact"
    assert ask(recording, FRED, {"id": "A", "cosd": "z"}, window=january) == b"newer"
    assert ask(recording, FRED, {"id": "A", "cosd": "x"}, window=half_year) == b"newer"


def test_a_window_outside_everything_recorded_gets_the_newest(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A&cosd=x", b"older", recorded_at="2024-05-01T00:00:00Z")
    recorder.add(f"{FRED}?id=A&cosd=y", b"newer", recorded_at="2024-05-02T00:00:00Z")
    assert ask(recorder.finished(), FRED, {"id": "A"}, window=Window(at("2024-06-25"), at("2024-07-01"))) == b"newer"


def test_what_is_recorded_later_does_not_exist_yet(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A&cosd=w", b"early", recorded_at="2024-05-01T00:00:00Z")
    recorder.add(f"{FRED}?id=A&cosd=x", b"late", recorded_at="2024-06-01T00:00:00Z")
    recording = recorder.finished()
    assert recording.ends_at == at("2024-06-01")
    assert ask(recording, FRED, {"id": "A"}, now=at("2024-06-01")) == b"late"
    assert ask(recording, FRED, {"id": "A"}, now=at("2024-05-31")) == b"early"
    with pytest.raises(NotRecorded, match="by 2024-04-30"):
        ask(recording, FRED, {"id": "A"}, now=at("2024-04-30"))


def test_an_answer_carries_the_time_it_was_recorded_at(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A", b"text", recorded_at="2024-05-01T10:30:00Z")
    answering = RecordedTransport(recorder.finished(), now=at("2024-07-01"))
    with httpx.Client(transport=answering) as client:
        response = client.get(f"{FRED}?id=A")
    assert response.extensions["retrieved_at"] == at("2024-05-01 10:30")
    assert response.headers["content-type"] == "text/csv"


def test_nothing_recorded_is_said_at_once_and_clearly(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A", b"text")
    asked = []

    class Counting(RecordedTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return super().handle_request(request)

    answering = Counting(recorder.finished(), now=at("2024-07-01"))
    with Transport(now=lambda: at("2024-07-01"), transport=answering, paced=False) as line:
        client = line.client(DATASETS["fred__daily_series"], Window(at("2024-01-01"), at("2024-02-01")))
        with pytest.raises(NotRecorded) as caught:
            client.get(FRED, {"id": "B", "cosd": "2024-01-01"})
    assert len(asked) == 1 < ATTEMPTS
    said = str(caught.value)
    assert said.startswith("fred.daily_series 2024-01-01T00:00..2024-02-01T00:00: the recording '")
    assert "holds no response by 2024-07-01 for GET fred.stlouisfed.org/graph/fredgraph.csv?id=B" in said


def test_a_plain_http_client_sees_a_connection_error(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A", b"text")
    answering = RecordedTransport(recorder.finished(), now=at("2024-07-01"))
    with httpx.Client(transport=answering) as client, pytest.raises(httpx.ConnectError, match="holds no response"):
        client.get(f"{FRED}?id=B")


def test_a_file_the_archive_was_not_recorded_for_is_not_published(recorder: Recorder) -> None:
    recorder.add("https://data.binance.vision/data/a.zip", b"PK", is_gzipped=False)
    recording = recorder.finished()
    assert ask(recording, "https://data.binance.vision/data/a.zip") == b"PK"
    assert ask(recording, "https://data.binance.vision/data/b.zip", accept=(404,)) == b""


def test_a_recorded_refusal_is_a_refusal(recorder: Recorder) -> None:
    page = b"<html><title>Just a moment...</title></html>"
    recorder.add("https://farside.co.uk/eth/", page, None, status=403, content_type="text/html")
    with pytest.raises(SourceError, match="challenge") as caught:
        ask(recorder.finished(), "https://farside.co.uk/eth/")
    assert caught.value.body is not None
    assert caught.value.body.retrieved_at == at("2024-06-01")


def test_one_missing_series_does_not_cost_the_others(recorder: Recorder) -> None:
    dataset = DATASETS["fred__daily_series"]
    for series_id in ("DGS2", "DCOILWTICO"):
        recorder.add(f"{FRED}?id={series_id}", f"observation_date,{series_id}\n2024-01-02,1.5\n".encode())
    now = at("2024-07-01")
    answering = RecordedTransport(recorder.finished(), now=now)
    window, kept = Window(at("2024-01-01"), at("2024-02-01")), []
    line = Transport(now=lambda: now, transport=answering, paced=False, retry_wait=0.01)
    with line, pytest.raises(NotRecorded) as caught:
        for body in dataset.fetch(window, line.client(dataset, window)):
            kept.append(body.request.param("id"))
    assert kept == ["DGS2", "DCOILWTICO"], "however many in a row are missing"
    assert "VIXCLS: " in str(caught.value)
    assert len(caught.value.others) == 6


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_bytes(gzip.compress(b"other")), "not the one its index describes"),
        (lambda path: path.write_bytes(b"not gzip"), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-12]), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_damaged_body_is_malformed(recorder: Recorder, damage: Any, problem: str) -> None:
    recorder.add(f"{FRED}?id=A", b"text" * 100)
    recording = recorder.finished()
    damage(recorder.folder / "0.bin")
    with pytest.raises(Malformed, match=problem) as caught:
        ask(recording, FRED, {"id": "A"})
    assert str(caught.value).startswith("fred.daily_series")


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        (None, "holds no recording: index.jsonl: No such file"),
        ("", "lists no responses"),
        ("\n\n", "lists no responses"),
        ("not json\n", "line 1 is broken"),
        ('{"request": {}}\n', "line 1 is broken"),
        ("[]\n", "line 1 is broken"),
    ],
)
def test_a_folder_that_holds_no_recording_is_an_unknown_market(tmp_path: Path, index: str | None, problem: str) -> None:
    if index is not None:
        (tmp_path / "index.jsonl").write_text(index)
    with pytest.raises(UnknownMarket, match=problem):
        Recording.open(tmp_path)


def test_a_missing_folder_is_an_unknown_market(tmp_path: Path) -> None:
    with pytest.raises(UnknownMarket, match="holds no recording"):
        open_market(f"recorded:{tmp_path / 'nowhere'}")


@pytest.mark.parametrize(
    "changes",
    [
        {"recorded_at": "2024-05-01T10:30:00"},
        {"recorded_at": "yesterday"},
        {"coverage": {"start": "2024-02-30", "end": "2024-03-01"}},
        {"coverage": None},
        {"body": "../outside.bin"},
        {"request": {"method": "GET"}},
    ],
)
def test_a_broken_line_is_named(recorder: Recorder, changes: dict[str, Any]) -> None:
    recorder.add(f"{FRED}?id=A", b"text")
    recorder.add(f"{FRED}?id=B", b"text", **changes)
    with pytest.raises(UnknownMarket, match="line 2 is broken"):
        recorder.finished()


def test_a_recorded_market_ends_with_its_newest_response(recorder: Recorder) -> None:
    recorder.add(f"{FRED}?id=A", b"text", recorded_at="2024-05-01T00:00:00Z")
    recorder.finished()
    market = open_market(f"recorded:{recorder.folder}")
    assert (market.name, market.is_simulated, market.now()) == ("recorded", False, at("2024-05-01"))
    assert open_market(f"recorded:{recorder.folder}", now=at("2024-04-01")).now() == at("2024-04-01")
