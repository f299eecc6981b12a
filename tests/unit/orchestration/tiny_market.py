"""A market of one provider and one dataset, small enough to know every row of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl

from orchestration.landing import Workspace
from orchestration.progress import Observer
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from sources.dataset import UTC, Body, Cadence, Column, Dataset, Licence, Provider, Window
from sources.errors import Malformed
from sources.http import Client, Transport
from sources.market import Market

ASSETS = ("btc", "eth")
URL = "https://acme.example/prices"

ACME = Provider(
    name="acme",
    title="Acme",
    homepage="https://acme.example",
    licence=Licence.ATTRIBUTION,
    probe_url="https://acme.example/ping",
)


def fetch(window: Window, client: Client) -> Iterator[Body]:
    for asset in ASSETS:
        yield client.get(URL, {"asset": asset, "start": window.start.isoformat(), "end": window.end.isoformat()})


def parse(body: Body) -> pl.DataFrame:
    try:
        rows = json.loads(body.text())
    except json.JSONDecodeError:
        raise Malformed("not JSON", body=body) from None
    schema = {"asset": pl.String, "day": pl.String, "price_usd": pl.Float64}
    extra = {name: pl.String for row in rows for name in row if name not in schema}
    frame = pl.DataFrame(rows, schema={**schema, **extra})
    return frame.with_columns(pl.col("day").str.to_date())


PRICES = Dataset(
    provider=ACME,
    name="prices",
    subject="prices",
    description="Daily prices.",
    grain="one row per asset and day",
    columns=(
        Column("asset", pl.String, "Asset."),
        Column("day", pl.Date, "UTC day."),
        Column("price_usd", pl.Float64, "Closing price, US dollars."),
    ),
    key=("asset", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="15 8 * * *", lag=timedelta(hours=8), revised_for=timedelta(days=2), stale_after=timedelta(days=3)
    ),
    starts_on=date(2024, 1, 1),
    fetch=fetch,
    parse=parse,
    docs_url="https://acme.example/docs",
)


@dataclass
class Acme:
    """The provider: what it would answer right now.

    Args:
        prices: (asset, day) -> price; changed at will by a test.
        broken: asset -> bytes it answers with instead.
        statuses: asset -> HTTP status it answers with instead.
        requests: windows it was asked for, as (asset, first day).
    """

    now: datetime
    prices: dict[tuple[str, date], float | None] = field(default_factory=dict)
    broken: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, date]] = field(default_factory=list)

    def list_days(self, first: date, last: date, price: float = 100.0) -> None:
        """Give every asset a price for each day from `first` to `last`."""
        for number in range((last - first).days + 1):
            for asset in ASSETS:
                self.prices[asset, first + timedelta(days=number)] = price + number

    def answer(self, request: httpx.Request) -> httpx.Response:
        asset = request.url.params["asset"]
        start = datetime.fromisoformat(request.url.params["start"])
        end = datetime.fromisoformat(request.url.params["end"])
        self.requests.append((asset, start.date()))
        if asset in self.statuses:
            return httpx.Response(self.statuses[asset], text="no")
        if asset in self.broken:
            return httpx.Response(200, content=self.broken[asset], headers={"content-type": "application/json"})
        rows = [
            {"asset": name, "day": day.isoformat(), "price_usd": price}
            for (name, day), price in sorted(self.prices.items())
            if name == asset and start.date() <= day <= end.date()
        ]
        return httpx.Response(200, json=rows)

    @contextmanager
    def workspace(self, home: Path, dataset: Dataset = PRICES, **settings: object) -> Iterator[Workspace]:
        """What landing works with, on this provider and its clock."""
        loaded = Settings.load(home=home, market="live", **settings)

        def connect() -> Transport:
            return Transport(
                now=lambda: self.now, transport=httpx.MockTransport(self.answer), paced=False, retry_wait=0.001
            )

        market = Market("live", "a tiny market", False, lambda: self.now, connect)
        warehouse = Warehouse(loaded)
        warehouse.prepare(market, [dataset])
        with market.connect() as transport:
            yield Workspace(loaded, market, transport, warehouse, Observer())


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(workspace: Workspace, table: str = "acme__prices") -> list[tuple[object, ...]]:
    """Every raw row but for the run that brought it, in the order in which they came."""
    with workspace.warehouse.connect("testing") as connection:
        return connection.execute(f"select * exclude (_run_id) from raw.{table} order by rowid").fetchall()


def ask(workspace: Workspace, query: str) -> list[tuple[object, ...]]:
    with workspace.warehouse.connect("testing") as connection:
        return connection.execute(query).fetchall()


def chunked(days: int) -> Dataset:
    """The same dataset, asked for in windows of so many days."""
    return replace(PRICES, chunk=timedelta(days=days))
