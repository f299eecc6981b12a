"""`undertow doctor`: finds what is wrong, says what to do, and its exit code says whether to."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from orchestration.cli import doctor
from orchestration.publishing.published import Published
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from sources.errors import Unreachable
from sources.http import Transport
from sources.registry import PROVIDERS
from tests.unit.cli.conftest import Answer, Undertow


def states(answer: Answer) -> dict[str, str]:
    return {row["subject"]: row["state"] for row in json.loads(answer.out)}


def test_all_is_well_in_a_fresh_simulated_home(undertow: Undertow) -> None:
    answer = undertow("doctor", "--json")
    assert answer.code == 0
    found = states(answer)
    assert {provider.title for provider in PROVIDERS.values()} <= set(found)
    assert "problem" not in found.values()
    assert found["warehouse"] == found["published"] == "note"
    shown = undertow("doctor")
    assert "Nothing needs doing." in shown.out
    assert "run `undertow refresh`" in shown.out


def test_a_provider_that_refuses_or_is_dead_is_a_problem(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTOW_FAULTS", "blocked:binance_futures,dead:farside")
    answer = undertow("doctor", "--json")
    assert answer.code == 1
    rows = {row["subject"]: row for row in json.loads(answer.out)}
    refused = rows[PROVIDERS["binance_futures"].title]
    assert refused["state"] == "problem"
    assert "another network" in refused["remedy"]
    dead = rows[PROVIDERS["farside"].title]
    assert dead["state"] == "problem"
    assert "check the network" in dead["remedy"]
    assert rows[PROVIDERS["fred"].title]["state"] == "ok"


def test_a_provider_that_never_answers_does_not_keep_the_doctor(
    undertow: Undertow, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    never = threading.Event()
    ask = Transport.probe

    def probe(transport: Transport, provider: object) -> int:
        if provider is PROVIDERS["deribit"]:
            never.wait(30)
            raise Unreachable("gave up")
        return ask(transport, provider)  # type: ignore[arg-type]

    monkeypatch.setattr(Transport, "probe", probe)
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 3.0)
    answer = undertow("doctor", "--json")
    never.set()
    rows = {row["subject"]: row for row in json.loads(answer.out)}
    assert answer.code == 1
    assert rows[PROVIDERS["deribit"].title]["detail"] == "does not answer within 3 s; no row yet"
    assert [row["state"] for row in rows.values()].count("problem") == 1


def test_a_bug_in_a_probe_is_not_taken_for_silence(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(_transport: Transport, _provider: object) -> int:
        raise KeyError("broken")

    monkeypatch.setattr(Transport, "probe", probe)
    with pytest.raises(KeyError, match="broken"):
        undertow("doctor")


def test_a_market_whose_clock_stands_at_midnight_can_be_probed(
    undertow: Undertow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERTOW_NOW", "2025-11-05T00:00:00+00:00")
    assert undertow("doctor").code == 0


def test_what_was_not_recorded_is_nothing_to_act_on(undertow: Undertow, tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    recording.mkdir()
    content = b"invented"
    (recording / "body").write_bytes(content)
    line = {
        "provider": "p",
        "dataset": "d",
        "request": {"method": "GET", "url": "https://nobody.example/series", "body": None},
        "status": 200,
        "content_type": "text/plain",
        "body": "body",
        "encoding": None,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "recorded_at": "2024-06-01T00:00:00Z",
        "coverage": {"start": None, "end": None},
    }
    (recording / "index.jsonl").write_text(json.dumps(line) + "\n")
    answer = undertow("doctor", "--json", "--market", f"recorded:{recording}")
    assert answer.code == 0, answer
    found = states(answer)
    assert {found[provider.title] for provider in PROVIDERS.values()} == {"note"}


def test_a_full_disk_is_a_problem(undertow: Undertow, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12 - 10**8, 10**8))
    answer = undertow("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["disk"] == "problem"


def test_a_home_that_cannot_be_written_is_a_problem(undertow: Undertow, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    answer = undertow("doctor", "--json", "--home", in_the_way)
    assert answer.code == 1
    assert states(answer)["home"] == "problem"


def test_a_broken_publication_is_a_problem(undertow: Undertow, published: Published) -> None:
    assert states(undertow("doctor", "--json"))["published"] == "ok"
    published.database.resolve().write_bytes(b"not a database" * 1000)
    answer = undertow("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["published"] == "problem"


def test_a_link_that_leads_nowhere_is_a_problem(undertow: Undertow, published: Published) -> None:
    shutil.rmtree(published.versions_folder)
    answer = undertow("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["published"] == "problem"


def test_a_broken_warehouse_is_a_problem(undertow: Undertow, home: Path) -> None:
    (home / "simulated").mkdir()
    (home / "simulated" / "warehouse.duckdb").write_bytes(b"not a database" * 1000)
    answer = undertow("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["warehouse"] == "problem"


def test_a_warehouse_that_is_being_written_is_worth_a_note(undertow: Undertow, home: Path) -> None:
    import os
    import subprocess
    import sys

    settings = Settings.load()
    with Warehouse(settings).connect("a first look"):
        pass
    code = (
        "import time\n"
        "from orchestration.settings import Settings\n"
        "from orchestration.warehouse import Warehouse\n"
        "with Warehouse(Settings.load()).connect('landing everything'):\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ}
    ) as writing:
        try:
            assert writing.stdout is not None
            assert writing.stdout.readline() == "writing\n"
            answer = undertow("doctor", "--json")
        finally:
            writing.kill()
    rows = {row["subject"]: row for row in json.loads(answer.out)}
    assert answer.code == 0
    assert rows["warehouse"]["state"] == "note"
    assert "landing everything" in rows["warehouse"]["detail"]
