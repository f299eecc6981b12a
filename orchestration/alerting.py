"""Alerts leave the house: what `marts.fct_alerts` says is open and new goes to every sink that is configured, once.

What was delivered stands in `alerts/delivered.jsonl` of the market home, one line per alert, event and sink, written
after the sink has taken it. So a sink that fails is tried again by the next run, nobody is told twice, and a kill
between the two costs at most one message said again. History is not news: an alert that was over before this began to
watch, or closed without ever having been told, is not sent.

Sinks come from the environment (`AlertSettings`). Addresses and passwords may be secret: no error repeats them.
"""

import json
import os
import smtplib
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import httpx
from filelock import FileLock
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from orchestration.publishing.published import Published
from orchestration.settings import BadSettings, Settings

OPENED, CLOSED = "opened", "closed"
SEVERITIES = ("warning", "critical")
SAME_EPISODE = timedelta(days=3)
"""A restated figure may move the day on which an episode opens by this much; it is still the same alert."""

_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_SECONDS = 15.0


class CannotDeliver(Exception):
    """At least one sink did not take an alert. The message names sinks and reasons, never addresses."""


class AlertSettings(BaseSettings):
    """Where alerts go. Nothing is sent anywhere unless a sink is named.

    Args:
        webhook: an `https://` address that takes JSON by POST (`http://` on this machine only).
        smtp: `smtp://user:password@host:port` (STARTTLS where the server offers it, and always before a password) or
            `smtps://...`.
        mail_to: recipients, comma-separated.
        mail_from: sender; `undertow@` and the name of the server if not given.
        file: a file to which each alert is added as a line of JSON.
        severity: the least that is sent, `warning` or `critical`.
    """

    model_config = SettingsConfigDict(env_prefix="UNDERTOW_ALERT_", env_ignore_empty=True, extra="ignore", frozen=True)

    webhook: str | None = Field(default=None, repr=False)
    smtp: str | None = Field(default=None, repr=False)
    mail_to: str | None = None
    mail_from: str | None = None
    file: Path | None = None
    severity: str = "warning"

    @classmethod
    def load(cls) -> "AlertSettings":
        """Settings from the environment.

        Raises:
            BadSettings: a value cannot be used; the message names the variable and not its content.
        """
        try:
            loaded = cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = "UNDERTOW_ALERT_" + str(first["loc"][0]).upper()
            raise BadSettings(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
        if loaded.smtp and not loaded.mail_to:
            raise BadSettings("UNDERTOW_ALERT_SMTP is set and UNDERTOW_ALERT_MAIL_TO is not: nobody would get the mail")
        return loaded

    @field_validator("webhook")
    @classmethod
    def _is_web(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
            if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
                raise ValueError("write an https:// address; http:// is for this machine only")
        return value

    @field_validator("smtp")
    @classmethod
    def _is_mail(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError("write smtp://user:password@host:port or smtps://...")
        return value

    @field_validator("severity")
    @classmethod
    def _is_severity(cls, value: str) -> str:
        if value not in SEVERITIES:
            raise ValueError(f"write one of {', '.join(SEVERITIES)}")
        return value

    def sinks(self) -> "list[Sink]":
        """The sinks that are configured."""
        found: list[Sink] = []
        if self.webhook:
            found.append(Webhook(self.webhook))
        if self.smtp and self.mail_to:
            recipients = tuple(one.strip() for one in self.mail_to.split(",") if one.strip())
            found.append(Mail(self.smtp, recipients, self.mail_from))
        if self.file:
            found.append(File(self.file.expanduser()))
        return found


@dataclass(frozen=True)
class Alert:
    """One thing to tell.

    Args:
        event: `opened` or `closed`.
        alert_key: the same in every build.
        rule, subject, severity, title, meaning, action: see `marts.fct_alerts`.
        opened_on, last_on, closed_on: days of the episode.
        evidence: what was seen.
        coverage: of the index on the day it opened.
        market: whose prices these are.
        is_simulated: whether they are made up.
        method_version: of the index.
    """

    event: str
    alert_key: str
    rule: str
    subject: str
    severity: str
    title: str
    opened_on: date
    last_on: date
    closed_on: date | None
    evidence: str
    coverage: float | None
    market: str
    is_simulated: bool
    meaning: str
    action: str
    method_version: str

    @property
    def headline(self) -> str:
        """The alert in one line."""
        mark = "[SIMULATED] " if self.is_simulated else ""
        if self.event == CLOSED:
            return f"{mark}over: {self.title} ({self.subject}), since {self.opened_on}, last on {self.last_on}"
        return f"{mark}{self.severity}: {self.title} ({self.subject}) on {self.opened_on}"

    @property
    def text(self) -> str:
        """The alert as a person reads it."""
        coverage = "no print" if self.coverage is None else f"{100 * self.coverage:.0f} %"
        lines = [self.headline, "", self.evidence, f"Coverage of the index: {coverage}.", f"{self.meaning}."]
        if self.event == OPENED:
            lines.append(f"{self.action}.")
        if self.is_simulated:
            lines.append("This market is simulated: no figure here is about the world.")
        return "\n".join([*lines, "", f"{self.alert_key}, market {self.market}, {self.method_version}"])

    def as_json(self) -> dict[str, Any]:
        """The alert for programs; `text` is what chat services show."""
        values = {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}
        return {"text": f"{self.headline}\n{self.evidence}", **values}


class Sink(Protocol):
    """Somebody who takes alerts."""

    @property
    def name(self) -> str:
        """Stands in the ledger of what was delivered, and in errors."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert.

        Raises:
            OSError, httpx.HTTPError, smtplib.SMTPException: it did not get there.
        """


@dataclass(frozen=True)
class Webhook:
    """Posts JSON. Redirects are not followed: what is secret about the address must not travel on."""

    url: str = field(repr=False)
    name: str = "webhook"

    def send(self, alert: Alert) -> None:
        answer = httpx.post(self.url, json=alert.as_json(), timeout=_SECONDS, follow_redirects=False)
        if not answer.is_success:
            raise _Refused(f"it answers with status {answer.status_code}", is_final=answer.status_code in _FINAL)


@dataclass(frozen=True)
class Mail:
    """Sends plain text by SMTP."""

    server: str = field(repr=False)
    recipients: tuple[str, ...]
    sender: str | None = None
    name: str = "mail"

    def send(self, alert: Alert) -> None:
        parts = urlsplit(self.server)
        assert parts.hostname is not None
        message = EmailMessage()
        message["Subject"] = alert.headline
        message["From"] = self.sender or f"undertow@{parts.hostname}"
        message["To"] = ", ".join(self.recipients)
        message.set_content(alert.text)
        with self._connected(parts.scheme, parts.hostname, parts.port) as server:
            server.ehlo()
            is_private = parts.scheme == "smtps"
            if not is_private and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
                is_private = True
            if parts.username:
                if not is_private:
                    raise _Refused("the server offers no encryption, and a password is not sent in the clear")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)

    def _connected(self, scheme: str, host: str, port: int | None) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(host, port or 587, timeout=_SECONDS)


@dataclass(frozen=True)
class File:
    """Adds a line of JSON to a file, for whatever watches it."""

    path: Path
    name: str = "file"

    def send(self, alert: Alert) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _append(self.path, alert.as_json())


@dataclass(frozen=True)
class Delivery:
    """What a delivery did.

    Args:
        sent: alerts and the sinks that took them.
        waiting: how many could not be delivered and are tried again next time.
        sink_names: the configured sinks.
        open_count: alerts that are open, told or not.
    """

    sent: tuple[tuple[Alert, str], ...]
    waiting: int
    sink_names: tuple[str, ...]
    open_count: int
    problems: tuple[str, ...] = ()


def deliver(settings: Settings, alert_settings: AlertSettings, *, now: datetime, dry: bool = False) -> Delivery:
    """Tell every sink what is new in the published alerts.

    Args:
        settings: whose published file.
        alert_settings: where to.
        now: the market's present instant, which stands in the ledger.
        dry: only look what would be sent.

    Returns:
        What was sent; problems of sinks are in it, not raised, so that one dead sink costs the others nothing.

    Raises:
        orchestration.publishing.published.NotPublished: there is nothing to read yet.
        OSError: the ledger cannot be written.
    """
    folder = settings.market_home / "alerts"
    folder.mkdir(parents=True, exist_ok=True)
    ledger_path = folder / "delivered.jsonl"
    sinks = alert_settings.sinks()
    with FileLock(folder / "delivered.lock", timeout=settings.lock_timeout_seconds):
        ledger = _Ledger.read(ledger_path)
        with Published(settings.published_path).connect() as connection:
            rows = connection.sql("from marts.fct_alerts order by opened_on, alert_key").pl().to_dicts()
            about = connection.sql("select is_simulated, last_closed_date from meta.about").fetchone()
        assert about is not None
        is_simulated, last_closed = bool(about[0]), about[1]
        sent: list[tuple[Alert, str]] = []
        problems: dict[str, str] = {}
        waiting = 0
        for sink in sinks:
            for alert in _news(rows, ledger, sink.name, alert_settings.severity, is_simulated, last_closed):
                if dry:
                    sent.append((alert, sink.name))
                elif sink.name in problems:
                    # A sink that does not answer is not asked once per alert.
                    waiting += 1
                elif (problem := _try(sink, alert)) is None:
                    ledger.note(ledger_path, alert, sink.name, now)
                    sent.append((alert, sink.name))
                else:
                    problems[sink.name] = problem
                    waiting += 1
    said = tuple(f"{name}: {problem}" for name, problem in problems.items())
    open_count = sum(bool(row["is_open"]) for row in rows)
    return Delivery(tuple(sent), waiting, tuple(sink.name for sink in sinks), open_count, said)


def rehearse(alert_settings: AlertSettings, market: str, is_simulated: bool, today: date) -> Sequence[str]:
    """Send every sink a test alert, which no ledger remembers; return what went wrong."""
    alert = Alert(
        event=OPENED,
        alert_key=f"test/test/{today}",
        rule="test",
        subject="test",
        severity="warning",
        title="A test of the alerts",
        opened_on=today,
        last_on=today,
        closed_on=None,
        evidence="Nothing has happened; somebody has asked for this message.",
        coverage=None,
        market=market,
        is_simulated=is_simulated,
        meaning="Alerts reach you",
        action="Nothing to do",
        method_version="test",
    )
    return [f"{sink.name}: {problem}" for sink in alert_settings.sinks() if (problem := _try(sink, alert)) is not None]


def _news(
    rows: Iterable[Mapping[str, Any]],
    ledger: "_Ledger",
    sink: str,
    least: str,
    is_simulated: bool,
    last_closed: date | None,
) -> list[Alert]:
    """What a sink has to be told: episodes that are open and new, and the end of those it was told of."""
    news = []
    for row in rows:
        if SEVERITIES.index(row["severity"]) < SEVERITIES.index(least):
            continue
        told = ledger.told(sink, row)
        if told is None:
            is_recent = last_closed is None or last_closed - row["opened_on"] <= SAME_EPISODE
            if row["is_open"] or is_recent:
                news.append(_alert(row, OPENED, is_simulated))
        elif not row["is_open"] and not told.is_closed:
            news.append(_alert(row, CLOSED, is_simulated))
    return news


def _alert(row: Mapping[str, Any], event: str, is_simulated: bool) -> Alert:
    names = set(Alert.__dataclass_fields__) - {"event", "is_simulated", "evidence"}
    evidence = row["evidence"] if event == OPENED else row["latest_evidence"]
    return Alert(event=event, is_simulated=is_simulated, evidence=evidence, **{name: row[name] for name in names})


@dataclass
class _Told:
    rule: str
    subject: str
    opened_on: date
    last_on: date
    is_closed: bool = False


@dataclass
class _Ledger:
    """What was delivered, by sink."""

    lines: dict[str, list[_Told]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "_Ledger":
        ledger = cls()
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    # The last line of a run that was killed while it wrote.
                    continue
                ledger._take(entry)
        return ledger

    def note(self, path: Path, alert: Alert, sink: str, now: datetime) -> None:
        entry = {
            "sink": sink,
            "event": alert.event,
            "alert_key": alert.alert_key,
            "rule": alert.rule,
            "subject": alert.subject,
            "opened_on": str(alert.opened_on),
            "last_on": str(alert.last_on),
            "delivered_at": now.isoformat(),
        }
        _append(path, entry)
        self._take(entry)

    def told(self, sink: str, row: Mapping[str, Any]) -> _Told | None:
        """What a sink was told of the episode of a row, even if restated figures have moved its first day."""
        for told in reversed(self.lines.get(sink, [])):
            if (told.rule, told.subject) != (row["rule"], row["subject"]):
                continue
            if told.opened_on - SAME_EPISODE <= row["last_on"] and row["opened_on"] <= told.last_on + SAME_EPISODE:
                told.last_on = max(told.last_on, row["last_on"])
                return told
        return None

    def _take(self, entry: Mapping[str, str]) -> None:
        told = self.lines.setdefault(entry["sink"], [])
        opened, last = date.fromisoformat(entry["opened_on"]), date.fromisoformat(entry["last_on"])
        if entry["event"] == OPENED:
            told.append(_Told(entry["rule"], entry["subject"], opened, last))
            return
        for one in reversed(told):
            if (one.rule, one.subject) == (entry["rule"], entry["subject"]) and not one.is_closed:
                one.is_closed, one.last_on = True, max(one.last_on, last)
                return


class _Refused(OSError):
    """The other side answers and does not take it."""

    def __init__(self, problem: str, *, is_final: bool = True) -> None:
        super().__init__(problem)
        self.is_final = is_final


_FINAL = frozenset({*range(300, 408), *range(409, 425), *range(426, 429), *range(430, 500)})
"""Statuses after which asking again at once is of no use; not 408, 425 and 429."""


class _Again(Exception):
    """Worth another attempt; the cause says why."""


def _try(sink: Sink, alert: Alert) -> str | None:
    """Deliver with a few attempts; return why it did not get there."""

    def once() -> None:
        try:
            sink.send(alert)
        except _Refused as error:
            if error.is_final:
                raise
            raise _Again from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 500:
                raise
            raise _Again from error
        except (OSError, httpx.TransportError) as error:
            raise _Again from error

    retrying = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=_PAUSE_SECONDS, max=8),
        retry=retry_if_exception_type(_Again),
    )
    try:
        retrying(once)
    except RetryError as error:
        last = error.last_attempt.exception()
        return _said(last.__cause__ if last is not None and last.__cause__ is not None else error)
    except (OSError, httpx.HTTPError, smtplib.SMTPException) as error:
        return _said(error)
    return None


def _said(error: BaseException) -> str:
    """Why, without addresses: libraries repeat the URL, and a mail server the recipient."""
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answers with status {error.smtp_code}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _append(path: Path, entry: Mapping[str, Any]) -> None:
    """Add a line and see it on the disk; a torn line that is there already is ended first."""
    with open(path, "a+b") as stream:
        if stream.tell() and not _ends_whole(path):
            stream.write(b"\n")
        stream.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _ends_whole(path: Path) -> bool:
    with open(path, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"
