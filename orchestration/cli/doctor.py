"""`undertow doctor`: what would stop a refresh, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from rich.text import Text

from orchestration.cli import console, reading
from orchestration.cli.mistakes import line_of
from orchestration.publishing.published import CURRENT_NAME, PART_SUFFIX, NotPublished, Published
from orchestration.settings import provider_key
from orchestration.warehouse import Warehouse, WarehouseBusy, WarehouseError
from sources.errors import Blocked, SourceError, Unreachable
from sources.registry import DATASETS, PROVIDERS

if TYPE_CHECKING:
    from orchestration.settings import Settings
    from sources.http import Transport
    from sources.market import Market

PROBE_SECONDS = 12.0
"""How long the doctor waits for all providers together."""
_LOW_BYTES, _SCANT_BYTES = 2_000_000_000, 10_000_000_000
_NETWORK = "check the network and its proxy; a refresh goes on without this provider"
_BLOCKERS = (
    (b"restricted location", "its location rules"),
    (b"cloudfront", "Amazon CloudFront"),
    (b"cloudflare", "Cloudflare"),
    (b"cf_chl_opt", "Cloudflare"),
    (b"just a moment...", "Cloudflare"),
    (b"akamai", "Akamai"),
    (b"undeclared automated tool", "its rule that clients name a contact"),
)
_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at.

    Args:
        subject: what.
        state: `ok`, `note` (works, worth knowing) or `problem` (needs doing).
        detail: what was found.
        remedy: what to do; empty if nothing.
    """

    subject: str
    state: str
    detail: str
    remedy: str = ""


def examine(settings: Settings, *, as_json: bool) -> int:
    """Write all findings; return 1 if anything needs doing.

    Raises:
        UnknownMarket: the recording does not exist.
    """
    market = settings.open_market()
    findings = [*_home(settings), *_warehouse(settings), *_published(settings), *_keys(market)]
    with market.connect() as transport:
        probed = list(_providers(transport, market, _newest(settings)))
    if market.name == "recorded":
        # A recording answers what was recorded: nobody can do anything about the rest.
        probed = [replace(one, state="note", remedy="") if one.state == "problem" else one for one in probed]
    findings.extend(probed)
    problems = [finding for finding in findings if finding.state == "problem"]
    if as_json:
        console.print_json([finding.__dict__ for finding in findings])
        return 1 if problems else 0
    out = console.stdout()
    out.print(console.text(market.title, "bold magenta" if market.is_simulated else "bold"))
    made = console.table("what", "state", "found")
    for finding in findings:
        made.add_row(
            console.text(finding.subject),
            Text(finding.state, style=_STYLES[finding.state]),
            console.text(finding.detail),
        )
    out.print(made)
    out.print()
    for finding in findings:
        if finding.remedy:
            out.print(Text.assemble((f"{finding.subject}: ", "bold"), console.plain(finding.remedy)))
    if not problems:
        out.print("Nothing needs doing.", style="green")
    return 1 if problems else 0


def _home(settings: Settings) -> Iterator[Finding]:
    yield Finding("python", "ok", f"{sys.version.split()[0]}, duckdb {duckdb.__version__}")
    home = settings.market_home
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="doctor-") as folder:
            (Path(folder) / "file").write_bytes(b"")
            yield Finding("home", "ok", f"{home} can be written")
            yield _links(Path(folder))
    except OSError as error:
        remedy = "choose another folder with --home or UNDERTOW_HOME, or change its permissions"
        yield Finding("home", "problem", f"{home} cannot be written: {error.strerror or error}", remedy)
        return
    free = shutil.disk_usage(home).free
    detail = f"{console.size(free)} free below {home}"
    if free < _LOW_BYTES:
        yield Finding("disk", "problem", detail, "make room: a full history of the live market takes several GB")
    elif free < _SCANT_BYTES:
        yield Finding("disk", "note", detail, "enough to go on; a full history of the live market takes several GB")
    else:
        yield Finding("disk", "ok", detail)


def _links(folder: Path) -> Finding:
    try:
        (folder / "link").symlink_to("file")
    except (OSError, NotImplementedError) as error:
        # NotImplementedError is a platform without links, OSError a file system or a user without the right to them.
        return Finding(
            "links",
            "note",
            f"no symbolic links here: {error}",
            "long-lived readers have to close their connections to see a new version; on Windows, developer mode "
            "allows links",
        )
    return Finding("links", "ok", "symbolic links work, so long-lived readers get new versions")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if not settings.warehouse_path.exists():
        yield Finding("warehouse", "note", "there is none yet", "run `undertow refresh`")
        return
    warehouse = Warehouse(settings.model_copy(update={"lock_timeout_seconds": 0.0}))
    holder = warehouse.holder() or {}
    try:
        with warehouse.connect("a look by the doctor") as connection:
            tables = connection.execute("select count(*) from duckdb_tables() where schema_name = 'raw'").fetchone()
    except WarehouseBusy:
        pid, since, purpose = (holder.get(name, "unknown") for name in ("pid", "since", "purpose"))
        detail = f"being written by process {pid} since {since}: {purpose}"
        yield Finding("warehouse", "note", detail, "wait until it has finished, or end that process: nothing is lost")
        return
    except WarehouseError as error:
        yield Finding(
            "warehouse", "problem", str(error), "see the message; the archive can be landed again into a new file"
        )
        return
    size = console.size(settings.warehouse_path.stat().st_size)
    yield Finding("warehouse", "ok", f"opens, is free to write; {tables[0] if tables else 0} raw tables, {size}")


def _published(settings: Settings) -> Iterator[Finding]:
    published = Published(settings.published_path)
    again = "run `undertow refresh`: it publishes anew"
    version = published.current()
    if version is None:
        if (published.root / CURRENT_NAME).is_symlink():
            yield Finding("published", "problem", f"{published.root / CURRENT_NAME} leads nowhere", again)
        else:
            yield Finding("published", "note", "nothing yet", "run `undertow refresh`")
        return
    try:
        with published.connect() as connection:
            connection.execute("select count(*) from meta.about").fetchall()
    except (duckdb.Error, OSError) as error:
        yield Finding("published", "problem", f"{published.database} does not open: {line_of(error)}", again)
        return
    detail = f"version {version.name}, {version.row_count:,} rows, {console.size(version.byte_count)}"
    if published.database.resolve() != version.database.resolve() and published.database.is_symlink():
        yield Finding("published", "problem", f"{published.database} does not lead to the current version", again)
        return
    yield Finding("published", "ok", f"{detail}; versions kept: {len(published.versions())}")
    if left := list(published.versions_folder.glob(f"*{PART_SUFFIX}")):
        yield Finding("published", "note", f"{len(left)} leftovers of a killed run; the next one removes them")


def _keys(market: Market) -> Iterator[Finding]:
    wanted = sorted({dataset.needs_key for dataset in DATASETS.values() if dataset.needs_key})
    if not wanted or not market.needs_keys:
        yield Finding("keys", "ok", "no dataset of this market needs one")
        return
    for variable in wanted:
        if provider_key(variable):
            yield Finding("keys", "ok", f"{variable} is set")
        else:
            yield Finding(
                "keys", "note", f"{variable} is not set: {len(_needing(variable))} datasets are off", _remedy(variable)
            )


def _needing(variable: str) -> list[str]:
    return [table for table, dataset in DATASETS.items() if dataset.needs_key == variable]


def _remedy(variable: str) -> str:
    return f"set {variable} to have {', '.join(_needing(variable))}; nothing in the index needs them"


def blocker(error: Blocked) -> str:
    """Who refused, as far as the answer shows it."""
    body = error.body
    if body is None:
        return "by whom is not said"
    text = body.content[:20_000].lower()
    for mark, who in _BLOCKERS:
        if mark in text:
            return f"by {who}"
    return "by the provider itself" if body.status == 451 or b"<html" not in text else "by a web firewall"


def _newest(settings: Settings) -> dict[str, datetime]:
    """The newest period of each provider that readers have."""
    try:
        with Published(settings.published_path).connect() as connection:
            found: dict[str, datetime] = {}
            for row in reading.sources(connection):
                newest, name = row["newest_period_at"], row["provider"]
                if newest is not None:
                    found[name] = max(newest, found.get(name, newest))
            return found
    except (NotPublished, duckdb.Error, OSError):
        return {}


def _providers(transport: Transport, market: Market, newest: Mapping[str, datetime]) -> Iterator[Finding]:
    """Ask every provider at once; who has not answered in time counts as silent."""
    asked = {name: provider for name, provider in PROVIDERS.items() if market.has(name)}
    answers: dict[str, Future[Finding]] = {name: Future() for name in asked}
    for name, answer in answers.items():
        # Daemons and not a pool: a provider that never answers must not keep the doctor from leaving.
        threading.Thread(target=_ask, args=(transport, name, answer), daemon=True, name=f"probe {name}").start()
    wait(answers.values(), timeout=PROBE_SECONDS)
    for name, answer in answers.items():
        if answer.done():
            found = answer.result()
        else:
            found = Finding(asked[name].title, "problem", f"does not answer within {PROBE_SECONDS:.0f} s", _NETWORK)
        known = (_key_state(name, market), transport.allowance(asked[name]), _newest_row(newest.get(name)))
        yield replace(found, detail="; ".join([found.detail, *filter(None, known)]))


def _key_state(provider: str, market: Market) -> str | None:
    """What is known of a provider's key; nothing if it needs none."""
    wanted = sorted({one.needs_key for one in DATASETS.values() if one.provider.name == provider and one.needs_key})
    if not wanted or not market.needs_keys:
        return None
    return ", ".join(f"{variable} is {'set' if provider_key(variable) else 'not set'}" for variable in wanted)


def _newest_row(moment: datetime | None) -> str:
    return "no row yet" if moment is None else f"newest row {console.instant(moment)}"


def _ask(transport: Transport, name: str, answer: Future[Finding]) -> None:
    with _Handing(answer):
        answer.set_result(_probe(transport, name))


@dataclass(frozen=True)
class _Handing:
    """Hands whatever goes wrong in a thread over to who waits for its answer."""

    answer: Future[Finding]

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is not None:
            self.answer.set_exception(error)
        return True


def _probe(transport: Transport, name: str) -> Finding:
    provider = PROVIDERS[name]
    started = time.monotonic()
    try:
        status = transport.probe(provider)
    except Blocked as error:
        remedy = "it refuses this address; a refresh goes on without it, another network may be let in"
        return Finding(provider.title, "problem", f"{error.problem}, {blocker(error)}", remedy)
    except Unreachable as error:
        return Finding(provider.title, "problem", error.problem, _NETWORK)
    except SourceError as error:
        return Finding(provider.title, "problem", error.problem, error.remedy)
    return Finding(provider.title, "ok", f"answers HTTP {status} in {1000 * (time.monotonic() - started):.0f} ms")
