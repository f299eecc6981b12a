"""`undertow status` and `undertow sources`: how things stand, from what is published.

Neither opens the warehouse, so both answer while a refresh is writing it.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from orchestration.cli import console, reading, why
from orchestration.publishing.published import NotPublished, Published
from orchestration.settings import unavailable
from sources.registry import DATASETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.settings import Settings
    from sources.dataset import Dataset
    from sources.market import Market

_STYLES = {
    "fresh": "green",
    "stale": "yellow",
    "empty": "red",
    "failed": "red",
    "never": "red",
    "off": "dim",
    "not recorded": "yellow",
}


def show_status(settings: Settings, *, as_json: bool) -> None:
    """Write index, coverage, freshness, versions and paths.

    Raises:
        UnknownMarket: the recording does not exist.
    """
    state = status(settings)
    if as_json:
        console.print_json(state)
        return
    out = console.stdout()
    out.print(_market_line(state))
    out.print(f"clock {console.instant(state['now'])}")
    if state["under_way"]:
        out.print(console.text(f"under way: {state['under_way']}; what follows is what is published", "yellow"))
    if state["index"]:
        out.print(why.headline(state["index"]))
        if state["change_points"] is not None:
            out.print(f"{state['change_points']:+.1f} points since the day before; `undertow why` says what moved it")
        for reason in state["index"]["missing_reasons"] or ():
            out.print(console.text(f"without {reason}", "yellow"))
    if state["no_index_reason"]:
        out.print(console.text(state["no_index_reason"], "yellow"))
    out.print()
    out.print(_freshness_table(state["datasets"], state["now"]))
    for row in state["datasets"]:
        if row["state"] == "failed":
            said = console.plain(row["last_error"]).removeprefix(f"{row['dataset']} ")
            out.print(Text.assemble(("failed ", "red"), f"{row['dataset']}: {said}"))
    out.print()
    for name, path in state["paths"].items():
        out.print(Text.assemble((f"{name:<10}", "bold"), f" {path}"))
    if state["published"]:
        version = state["published"]
        out.print(
            f"version    {version['version']}: {version['table_count']} tables, {version['row_count']:,} rows, "
            f"{console.size(version['byte_count'])}"
        )


def status(settings: Settings) -> dict[str, Any]:
    """The same for programs.

    Raises:
        UnknownMarket: the recording does not exist.
    """
    market = settings.open_market()
    published = Published(settings.published_path)
    version = published.current()
    index, change_points, landed = None, None, {}
    reason: str | None = "nothing is published yet: run `undertow refresh`"
    try:
        with published.connect() as connection:
            index = reading.latest_print(connection)
            landed = {row["table_name"]: row for row in reading.sources(connection)}
            reason = reading.silence_since(connection, index)
            if index is not None:
                change_points = reading.why(connection, index["date"]).change_points
    except NotPublished:
        pass
    now = market.now()
    return {
        "market": market.name,
        "title": market.title,
        "is_simulated": market.is_simulated,
        "now": now,
        "index": index,
        "change_points": change_points,
        "no_index_reason": reason,
        "coverage": index["coverage"] if index else None,
        "datasets": [standing(dataset, landed.get(table), market) for table, dataset in DATASETS.items()],
        "under_way": under_way(settings),
        "published": version
        and {
            "version": version.name,
            "published_at": datetime.fromisoformat(version.manifest["published_at"]),
            "table_count": version.table_count,
            "row_count": version.row_count,
            "byte_count": version.byte_count,
            "kept_versions": [one.name for one in published.versions()],
        },
        "paths": {
            "home": str(settings.market_home),
            "database": str(published.database),
            "parquet": str(published.parquet),
            "archive": str(settings.archive_path),
            "warehouse": str(settings.warehouse_path),
        },
    }


def show_sources(settings: Settings, *, as_json: bool) -> None:
    """Write the register of datasets with what was last landed."""
    market = settings.open_market()
    landed = {}
    try:
        with Published(settings.published_path).connect() as connection:
            landed = {row["table_name"]: row for row in reading.sources(connection)}
    except NotPublished:
        pass
    rows = [_register_row(dataset, standing(dataset, landed.get(table), market)) for table, dataset in DATASETS.items()]
    if as_json:
        console.print_json(rows)
        return
    made = console.table("dataset", "provider", "asked (UTC)", "key", "licence", "last landed", "state")
    for row in rows:
        made.add_row(
            console.text(row["dataset"]),
            console.text(row["provider"]),
            row["cron"],
            console.text(row["needs_key"] or "none"),
            row["licence"],
            console.instant(row["last_landed_at"]) if row["last_landed_at"] else "never",
            Text(row["state"], style=_STYLES.get(row["state"], "")),
        )
    out = console.stdout()
    out.print(_market_line({"title": market.title, "is_simulated": market.is_simulated}))
    out.print(made)


def standing(dataset: Dataset, landed: Mapping[str, Any] | None, market: Market) -> dict[str, Any]:
    """How a dataset stands at an instant.

    `state` is `fresh`, `stale` (its newest period is older than the descriptor allows), `empty` (asked for, no rows),
    `failed` (the last attempt failed), `not recorded` (a recorded market holds no answer), `off` (see
    `orchestration.settings.unavailable`) or `never` (not in the published file).
    """
    newest: datetime | None = landed["newest_period_at"] if landed else None
    age = None if newest is None else market.now() - newest
    reason = unavailable(dataset, market)
    if reason is not None:
        state = "off"
    elif landed is None or landed["last_landed_at"] is None:
        state = "never"
    elif landed["last_status"] == "failed":
        state = "failed"
    elif age is None:
        state = "not recorded" if landed["last_status"] == "not_recorded" else "empty"
    else:
        state = "stale" if age > dataset.cadence.stale_after else "fresh"
    return {
        "dataset": f"{dataset.provider.name}.{dataset.name}",
        "table": dataset.table,
        "state": state,
        "off_because": reason,
        "newest_period_at": newest,
        "age_hours": None if age is None else age / timedelta(hours=1),
        "stale_after_hours": dataset.cadence.stale_after / timedelta(hours=1),
        "row_count": landed["row_count"] if landed else 0,
        "last_landed_at": landed["last_landed_at"] if landed else None,
        "last_status": landed["last_status"] if landed else None,
        "last_error": landed["last_error"] if landed else None,
    }


def under_way(settings: Settings) -> str | None:
    """What another process does to this market's warehouse right now; None if nothing."""
    from filelock import FileLock, Timeout

    from orchestration.warehouse import Warehouse, WarehouseBusy

    if not os.access(settings.market_home, os.W_OK):
        return None
    warehouse = Warehouse(settings.model_copy(update={"lock_timeout_seconds": 0.0}))
    # A signature alone means little: whoever signed may have been killed.
    if (holder := warehouse.holder()) is not None:
        try:
            with warehouse.writer("a look by status"):
                pass
        except WarehouseBusy:
            purpose, pid, since = (holder.get(name, "unknown") for name in ("purpose", "pid", "since"))
            return f"{purpose} (process {pid}, since {since})"
    # Between two writes a refresh holds the lock of the dataset it fetches.
    for path in sorted(settings.locks_path.glob("*.lock")):
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return f"refreshing {path.stem}"
    return None


def _market_line(state: Mapping[str, Any]) -> Text:
    return console.text(state["title"], "bold magenta" if state["is_simulated"] else "bold")


def _freshness_table(datasets: list[dict[str, Any]], now: datetime) -> Table:
    made = console.table("dataset", "state", "newest period", "age", "last landed", "rows", right=("age", "rows"))
    for row in datasets:
        newest, landed = row["newest_period_at"], row["last_landed_at"]
        made.add_row(
            console.text(row["dataset"]),
            Text(row["state"], style=_STYLES.get(row["state"], "")),
            console.instant(newest) if newest else "",
            console.age(now - newest) if newest else "",
            console.instant(landed) if landed else "never",
            f"{row['row_count']:,}",
        )
    return made


def _register_row(dataset: Dataset, stands: dict[str, Any]) -> dict[str, Any]:
    return {
        "dataset": stands["dataset"],
        "table": dataset.table,
        "title": dataset.description,
        "provider": dataset.provider.title,
        "subject": dataset.subject,
        "cron": dataset.cadence.cron,
        "frequency": dataset.cadence.frequency,
        "needs_key": dataset.needs_key,
        "licence": str(dataset.licence),
        "starts_on": dataset.starts_on,
        "docs_url": dataset.docs_url,
        "last_landed_at": stands["last_landed_at"],
        "state": stands["state"],
        "last_error": stands["last_error"],
    }
