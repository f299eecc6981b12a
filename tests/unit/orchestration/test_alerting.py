"""Alerts get to whoever is to be told: once, with evidence, and again when a sink was dead."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from orchestration import alerting
from orchestration.alerting import AlertSettings, Delivery, deliver, rehearse
from orchestration.settings import BadSettings, Settings

NOW = datetime(2025, 11, 6, 1, tzinfo=timezone.utc)
SECRET = "T0KEN"


@dataclass
class Hook:
    """A web server on this machine that takes what is posted."""

    statuses: list[int] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    url: str = ""


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.statuses.pop(0) if found.statuses else 200
            if status == 200:
                found.taken.append(json.loads(body))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}/hooks/{SECRET}"
        yield found
        server.shutdown()


@dataclass
class Post:
    """A mail server on this machine."""

    messages: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False
    port: int = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 the library's name
        if self.refuses:
            return "554 not here"
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def post() -> Iterator[Post]:
    found = Post()

    def whoever(*_: object) -> AuthResult:
        return AuthResult(success=True)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found.port = free.getsockname()[1]
    controller = Controller(
        found, hostname="127.0.0.1", port=found.port, authenticator=whoever, auth_require_tls=False, auth_required=False
    )
    controller.start()
    yield found
    controller.stop()


@dataclass
class Desk:
    """A market home whose published alerts a test decides."""

    settings: Settings
    environment: pytest.MonkeyPatch

    def publish(self, *alerts: dict[str, Any], day: str = "2025-11-05", is_simulated: bool = True) -> None:
        folder = self.settings.published_path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "undertow.duckdb").unlink(missing_ok=True)
        with duckdb.connect(str(folder / "undertow.duckdb")) as connection:
            connection.execute("create schema marts; create schema meta")
            connection.execute(
                "create table meta.about as select ? as is_simulated, cast(? as date) as last_closed_date",
                [is_simulated, day],
            )
            connection.execute(
                """
                create table marts.fct_alerts (
                    alert_key varchar, rule varchar, subject varchar, severity varchar, title varchar, opened_on date,
                    last_on date, closed_on date, is_open boolean, evidence varchar, latest_evidence varchar,
                    coverage double, market varchar, meaning varchar, action varchar, method_version varchar
                )
                """
            )
            for one in alerts:
                names = ", ".join(one)
                marks = ", ".join("?" for _ in one)
                connection.execute(f"insert into marts.fct_alerts ({names}) values ({marks})", list(one.values()))

    def deliver(self, *, dry: bool = False) -> Delivery:
        return deliver(self.settings, AlertSettings.load(), now=NOW, dry=dry)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(alerting, "_PAUSE_SECONDS", 0.01)
    return Desk(Settings.load(home=tmp_path, market="simulated"), monkeypatch)


def alert(opened: str = "2025-11-04", last: str = "2025-11-05", **changes: Any) -> dict[str, Any]:
    rule, subject = changes.get("rule", "severe_stress"), changes.get("subject", "cmsi")
    return {
        "alert_key": f"{rule}/{subject}/{opened}",
        "rule": rule,
        "subject": subject,
        "severity": "critical",
        "title": "Severe market stress",
        "opened_on": opened,
        "last_on": last,
        "closed_on": None,
        "is_open": True,
        "evidence": "CMSI 70.1, percentile 99",
        "latest_evidence": "CMSI 40.0, percentile 70",
        "coverage": 1.0,
        "market": "simulated",
        "meaning": "The index is in its severe regime",
        "action": "Run `undertow why`",
        "method_version": "cmsi-1.0",
        **changes,
    }


def test_every_sink_is_told_once(desk: Desk, hook: Hook, post: Post, tmp_path: Path) -> None:
    path = tmp_path / "told" / "alerts.jsonl"
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.environment.setenv("UNDERTOW_ALERT_SMTP", f"smtp://127.0.0.1:{post.port}")
    desk.environment.setenv("UNDERTOW_ALERT_MAIL_TO", "desk@example.org, night@example.org")
    desk.environment.setenv("UNDERTOW_ALERT_FILE", str(path))
    desk.publish(alert())
    assert [sink for _, sink in desk.deliver().sent] == ["webhook", "mail", "file"]
    assert desk.deliver().sent == ()

    (posted,) = hook.taken
    assert posted["alert_key"] == "severe_stress/cmsi/2025-11-04"
    assert posted["text"].startswith("[SIMULATED] critical: Severe market stress")
    assert (posted["evidence"], posted["coverage"], posted["event"]) == ("CMSI 70.1, percentile 99", 1.0, "opened")
    (mailed,) = post.messages
    assert mailed["To"] == "desk@example.org, night@example.org"
    assert mailed["Subject"].startswith("[SIMULATED] critical")
    for part in ("CMSI 70.1", "Coverage of the index: 100 %.", "Run `undertow why`.", "simulated: no figure"):
        assert part in mailed.get_content(), part
    assert [json.loads(line)["alert_key"] for line in path.read_text().splitlines()] == [posted["alert_key"]]


def test_the_end_is_told_to_whoever_was_told_of_the_beginning(desk: Desk, hook: Hook) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.publish(alert())
    desk.deliver()
    over = {"is_open": False, "closed_on": "2025-11-08", "last": "2025-11-05"}
    desk.publish(alert(**over), alert("2025-09-01", "2025-09-03", is_open=False), day="2025-11-08")
    (found,) = desk.deliver().sent
    assert found[0].event == "closed"
    assert hook.taken[-1]["text"] == (
        "[SIMULATED] over: Severe market stress (cmsi), since 2025-11-04, last on 2025-11-05\nCMSI 40.0, percentile 70"
    )
    assert desk.deliver().sent == ()


def test_a_restated_first_day_is_no_new_alert_and_a_later_episode_is(desk: Desk, hook: Hook) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.publish(alert("2025-11-04"))
    desk.deliver()
    desk.publish(alert("2025-11-03"))
    assert desk.deliver().sent == ()
    desk.publish(alert("2025-11-03", is_open=False), alert("2025-11-20", "2025-11-20"), day="2025-11-20")
    assert [found.event for found, _ in desk.deliver().sent] == ["closed", "opened"]
    desk.publish(alert("2025-11-03"), alert("2025-11-04", subject="flows", rule="pillar_alarm"))
    assert [found.subject for found, _ in desk.deliver().sent] == ["flows"]


def test_a_dead_sink_costs_the_others_nothing_and_is_told_later(desk: Desk, hook: Hook, tmp_path: Path) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.environment.setenv("UNDERTOW_ALERT_FILE", str(tmp_path / "alerts.jsonl"))
    desk.publish(alert(), alert(rule="pillar_alarm", subject="flows"))
    hook.statuses = [503] * 3
    first = desk.deliver()
    assert [sink for _, sink in first.sent] == ["file", "file"]
    assert first.problems == ("webhook: it answers with status 503",)
    assert (first.waiting, hook.asked) == (2, 3)
    second = desk.deliver()
    assert ([sink for _, sink in second.sent], second.problems) == (["webhook", "webhook"], ())


@pytest.mark.parametrize(
    ("statuses", "asked", "is_told"), [([503, 429], 3, True), ([404], 1, False), ([302], 1, False)]
)
def test_asks_again_only_where_that_can_help(
    desk: Desk, hook: Hook, statuses: list[int], asked: int, is_told: bool
) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.publish(alert())
    hook.statuses = list(statuses)
    delivery = desk.deliver()
    assert hook.asked == asked
    assert bool(delivery.sent) is is_told
    assert SECRET not in " ".join(delivery.problems)


def test_secrets_stay_out_of_errors(desk: Desk, post: Post) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", f"http://127.0.0.1:9/{SECRET}")
    desk.environment.setenv("UNDERTOW_ALERT_SMTP", f"smtp://me:{SECRET}@127.0.0.1:{post.port}")
    desk.environment.setenv("UNDERTOW_ALERT_MAIL_TO", "desk@example.org")
    desk.publish(alert())
    delivery = desk.deliver()
    said = " ".join(delivery.problems)
    assert "webhook: " in said
    assert "mail: the server offers no encryption, and a password is not sent in the clear" in said
    assert SECRET not in said + repr(AlertSettings.load()) + repr(AlertSettings.load().sinks())
    assert post.messages == []


def test_a_mail_server_that_refuses_is_said(desk: Desk, post: Post) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_SMTP", f"smtp://127.0.0.1:{post.port}")
    desk.environment.setenv("UNDERTOW_ALERT_MAIL_TO", "desk@example.org")
    desk.publish(alert())
    post.refuses = True
    assert desk.deliver().problems == ("mail: the mail server answers with status 554",)
    post.refuses = False
    assert len(desk.deliver().sent) == 1


def test_a_torn_ledger_line_costs_one_repetition_at_most(desk: Desk, hook: Hook) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.publish(alert(), alert(rule="pillar_alarm", subject="flows"))
    desk.deliver()
    ledger = desk.settings.market_home / "alerts" / "delivered.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert len(desk.deliver().sent) == 1
    assert desk.deliver().sent == ()


def test_only_what_is_severe_enough_and_nothing_in_a_dry_run(desk: Desk, hook: Hook) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    desk.environment.setenv("UNDERTOW_ALERT_SEVERITY", "critical")
    desk.publish(alert(), alert(rule="pillar_alarm", subject="flows", severity="warning"), is_simulated=False)
    assert [found.rule for found, _ in desk.deliver(dry=True).sent] == ["severe_stress"]
    assert hook.asked == 0
    assert desk.deliver().sent[0][0].headline == "critical: Severe market stress (cmsi) on 2025-11-04"


def test_a_rehearsal_is_not_remembered(desk: Desk, hook: Hook) -> None:
    desk.environment.setenv("UNDERTOW_ALERT_WEBHOOK", hook.url)
    for _ in range(2):
        assert rehearse(AlertSettings.load(), "simulated", True, date(2025, 11, 5)) == []
    assert len(hook.taken) == 2


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WEBHOOK", f"http://example.org/{SECRET}", "https://"),
        ("WEBHOOK", "nonsense", "https://"),
        ("SMTP", f"https://{SECRET}@example.org", "smtp://"),
        ("SMTP", "smtp://127.0.0.1:25", "MAIL_TO"),
        ("SEVERITY", "loud", "critical"),
    ],
)
def test_a_bad_setting_is_one_line_without_its_content(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"UNDERTOW_ALERT_{variable}", value)
    with pytest.raises(BadSettings, match=said) as raised:
        AlertSettings.load()
    assert f"UNDERTOW_ALERT_{variable}" in str(raised.value)
    assert SECRET not in str(raised.value) and "\n" not in str(raised.value)
