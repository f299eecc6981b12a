"""Bitview (Bitcoin Research Kit): Bitcoin holders and their profit from the chain, without a key.

Whoever runs a Bitcoin node can run the same software and get the same figures.

Traps:
* The API is not frozen and series are renamed. Before anything is asked for, each name is looked up; a figure that has
  no series left under any known name is an error that says what a search finds in its place.
* Values come without days. `start` is the position of the first one, counted in days from 2009-01-01 now and from the
  first block before; so the day asked for is what the first value belongs to, and its position has to be one of these.
* A bulk answer is a list of series in the order of the request; they do not carry their names.
* `end` of a request and of an answer is not included. The newest value is of the day that goes on: what is not over by
  the `stamp` of the answer, which is the vendor's last block, is no day's figure yet.
* Supplies also exist in satoshis and capitalisations in cents, under similar names: `type` says what a series is in.
* The border between short-term and long-term holders is the vendor's: five months, where others say 155 days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client
from sources.parsing import day, decode_json, ended_days, number, rows_of, shape, table

PROVIDER = Provider(
    name="bitview",
    title="Bitview",
    homepage="https://bitview.space/api",
    licence=Licence.ATTRIBUTION,
    probe_url="https://bitview.space/api/series/lth_supply",
    rates=(Rate(5, 1.0),),
)

_ROOT = "https://bitview.space/api/series"
_INDEX = "day1"
_FIRST_POSITIONS = (date(2009, 1, 1), date(2009, 1, 8))
"""The day at position 0, by either way of counting; the older one leaves out five days before the second block."""

_KNOWN = ("version", "index", "type", "start", "end", "stamp", "data", "total", "name")


@dataclass(frozen=True)
class Figure:
    """A figure of ours and the vendor's names for it, the present one first.

    Args:
        column: where it goes.
        names: series that hold it.
        kind: what `type` says of a series in this unit; empty for a ratio, which has none.
    """

    column: Column
    names: tuple[str, ...]
    kind: str = ""


def _series(client: Client, figures: tuple[Figure, ...]) -> list[str]:
    """The names under which the figures are found today.

    Raises:
        Rejected: a figure is not found under any of its names.
    """
    return [_found(client, figure) for figure in figures]


def _found(client: Client, figure: Figure) -> str:
    for name in figure.names:
        body = client.get(f"{_ROOT}/{name}", accept=(200, 404))
        answer = decode_json(body)
        if body.status == 404:
            if not isinstance(answer, dict) or "error" not in answer:
                raise Malformed("a series that is not found is not said so", body=body)
            continue
        indexes = answer.get("indexes") if isinstance(answer, dict) else None
        if not isinstance(indexes, list):
            raise Malformed(f"the description of {name} does not say how it is indexed", body=body)
        if _INDEX in indexes:
            return name
    body = client.get(f"{_ROOT}/search", {"q": figure.names[0], "limit": 10})
    similar = decode_json(body)
    listed = ", ".join(map(str, similar)) if isinstance(similar, list) and similar else "nothing"
    raise Rejected(
        f"{PROVIDER.title} has no daily series {' or '.join(figure.names)}; a search for it finds {listed}",
        remedy="the vendor has renamed it; add the new name to the figure in sources/providers/bitview.py",
        where=client.where,
        body=body,
    )


def _days_and_values(answer: list[dict[str, Any]], body: Body) -> tuple[date, datetime, list[list[Any]]]:
    """The first day, the vendor's last block, and the values of each series, all of one length."""
    first = _day_asked_for(body)
    last_block = body.retrieved_at
    columns: list[list[Any]] = []
    for one in answer:
        values, start, end = one.get("data"), one.get("start"), one.get("end")
        if not isinstance(values, list):
            raise Malformed("a series holds no list of data", body=body)
        if not str(start).isdigit() or not str(end).isdigit() or int(str(end)) - int(str(start)) != len(values):
            raise Malformed(f"{len(values)} values from {start} to {end}", body=body)
        if values and int(str(start)) not in [(first - origin).days for origin in _FIRST_POSITIONS]:
            raise Malformed(f"{first} is said to be day {start}: has the counting of days changed?", body=body)
        last_block = min(last_block, _stamp(one, body) or last_block)
        columns.append(values)
    if len(set(map(len, columns))) > 1:
        raise Malformed("the series of one answer are not of one length", body=body)
    return first, last_block, columns


def _day_asked_for(body: Body) -> date:
    text = body.request.param("start")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"the request does not name the first day: {text!r}", body=body) from None


def _stamp(one: Mapping[str, Any], body: Body) -> datetime | None:
    text = one.get("stamp")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Malformed(f"stamp {text!r} is not an instant", body=body) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _answer(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if isinstance(answer, dict) and "error" in answer:
        error = answer["error"]
        message = error.get("message") if isinstance(error, dict) else error
        raise Rejected(f"{PROVIDER.title} answers with an error: {message}", body=body)
    return rows_of(answer, body)


def _dataset(name: str, figures: tuple[Figure, ...], *, description: str) -> Dataset:
    """A dataset of figures that are asked for together; they differ in nothing else."""
    by_name = {series: figure for figure in figures for series in figure.names}
    columns = [figure.column.name for figure in figures]

    def fetch(window: Window, client: Client) -> Iterator[Body]:
        last_day = (window.end - timedelta(microseconds=1)).date()
        params = {
            "series": ",".join(_series(client, figures)),
            "index": _INDEX,
            "start": window.start.date(),
            "end": last_day + timedelta(days=1),
        }
        yield client.get(f"{_ROOT}/bulk", params)

    def parse(body: Body) -> pl.DataFrame:
        answer = _answer(body)
        asked = body.request.param("series").split(",")
        if len(answer) != len(asked):
            raise Malformed(f"{len(answer)} series for the {len(asked)} asked for", body=body)
        for series, one in zip(asked, answer, strict=True):
            kind = by_name[series].kind if series in by_name else None
            if kind is None:
                raise Malformed(f"{series} is none of the series this table is made of", body=body)
            if kind and one.get("type", kind) != kind:
                raise Malformed(f"{series} comes in {one['type']}, not in {kind}", body=body)
        first, last_block, values = _days_and_values(answer, body)
        novelties = {key: value for one in answer for key, value in one.items() if key not in _KNOWN}
        names = [by_name[series].column.name for series in asked]
        rows = [
            {"day": (first + timedelta(days=position)).isoformat(), **dict(zip(names, figures_of_day, strict=True))}
            for position, figures_of_day in enumerate(zip(*values, strict=True))
        ]
        frame = table([{**row, **novelties} for row in rows], body, fields=("day", *columns))
        shaped = shape(frame, body, {"day": day("day"), **{n: number(n) for n in columns}}, nullable=columns)
        # A day no series has a value of, such as one before the first trade, is not a row.
        told = shaped.filter(pl.any_horizontal(pl.col(columns).is_not_null()))
        return ended_days(told, "day", body).filter(pl.col("day") < last_block.astimezone(UTC).date())

    return Dataset(
        provider=PROVIDER,
        name=name,
        subject="holders",
        description=description,
        grain="one row per UTC day",
        columns=(Column("day", pl.Date, "UTC day the figures cover."), *(figure.column for figure in figures)),
        key=("day",),
        time_column="day",
        period=timedelta(days=1),
        cadence=Cadence(
            cron="35 2 * * *", lag=timedelta(hours=1), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
        ),
        starts_on=date(2012, 1, 1),
        # Answers are weighed by the number of their values; a few years of a few series pass.
        chunk=timedelta(days=1461),
        fetch=fetch,
        parse=parse,
        docs_url="https://bitview.space/api",
    )


SUPPLY = _dataset(
    "supply",
    (
        Figure(
            Column("lth_supply_btc", pl.Float64, "Bitcoin not moved for five months or more, at the end of the day."),
            ("lth_supply",),
            "Bitcoin",
        ),
        Figure(
            Column("sth_supply_btc", pl.Float64, "Bitcoin moved within five months, at the end of the day."),
            ("sth_supply",),
            "Bitcoin",
        ),
    ),
    description="Supply of Bitcoin in the hands of long-term and of short-term holders.",
)

PROFITABILITY = _dataset(
    "profitability",
    (
        Figure(
            Column("sopr_ratio", pl.Float64, "Value at sale over value at purchase, all coins moved that day."),
            ("sopr_24h", "sopr"),
        ),
        Figure(
            Column("sth_sopr_ratio", pl.Float64, "The same for coins that had moved within five months."),
            ("sth_sopr_24h", "sth_sopr"),
        ),
        Figure(
            Column("realized_cap_usd", pl.Float64, "All coins at the price at which each last moved, US dollars."),
            ("realized_cap",),
            "Dollars",
        ),
        Figure(
            Column("realized_price_usd", pl.Float64, "Mean price at which coins last moved, US dollars."),
            ("realized_price",),
            "Dollars",
        ),
        Figure(
            Column("sth_realized_price_usd", pl.Float64, "The same for coins that moved within five months."),
            ("sth_realized_price",),
            "Dollars",
        ),
    ),
    description="At a profit or a loss: what Bitcoin's holders paid, and what those who sold got for it.",
)

DATASETS = (SUPPLY, PROFITABILITY)
