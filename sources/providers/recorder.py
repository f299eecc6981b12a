"""What our own recorder heard: liquidations, order-book depth, and when it was listening at all.

The segments come from the spool, a host of our own (`sources.recorder.spool`); `undertow record` fills it. Without it
there is nothing, which is no error.

Traps:
* A segment never changes once it is listed, so one that is in the archive is not asked for again, whatever the window.
* No row in a minute means no liquidation only if `coverage` says `connected`, and even then only as far as the feed's
  coverage class goes: a throttled feed tells the least when most happens.
* Books are as deep as the venue shows them. Where a band reaches further, its depth is a lower bound and says so.
* A message that a venue's reader cannot make sense of puts its segment into quarantine; the others land.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client
from sources.parsing import decode_json, instant, number, rows_of, shape, table, whole
from sources.recorder.segments import CONNECTED, GAP, VERSION
from sources.recorder.spool import SPOOL_URL
from sources.recorder.stream import DEPTH, LIQUIDATIONS, Frame, Record, Stream
from sources.recorder.venues import STREAMS

PROVIDER = Provider(
    name="recorder",
    title="Undertow recorder",
    homepage=SPOOL_URL,
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{SPOOL_URL}/status",
    rates=(Rate(1000, 1.0),),
)

BANDS_PCT = (-5.0, -4.0, -2.0, -1.0, -0.2, 0.2, 1.0, 2.0, 4.0, 5.0)

_EDGE = 1e-9

_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def fetch_liquidations(window: Window, client: Client) -> Iterator[Body]:
    yield from _segments(window, client, {"kind": LIQUIDATIONS}, {})


def fetch_depth(window: Window, client: Client) -> Iterator[Body]:
    yield from _segments(window, client, {"kind": DEPTH}, {})


def fetch_coverage(window: Window, client: Client) -> Iterator[Body]:
    yield from _segments(window, client, {}, {"part": "events"})


def _segments(
    window: Window, client: Client, wanted: Mapping[str, object], part: Mapping[str, object]
) -> Iterator[Body]:
    """Segments that are not archived yet, wherever in the window they lie: one that was closed late belongs to a day
    that is long covered."""
    listed = client.get(f"{SPOOL_URL}/segments", {**wanted, "until": window.end.isoformat()})
    calls = []
    for row in rows_of(decode_json(listed), listed):
        if not {"venue", "stream", "start"} <= row.keys():
            raise Malformed(f"a listed segment has no name: {row}", body=listed)
        url = f"{SPOOL_URL}/{row['venue']}/{row['stream']}/{row['start']}"
        if not client.holds(url, part):
            calls.append((f"{row['venue']}/{row['stream']}/{row['start']}", partial(client.get, url, part)))
    yield from client.gather(calls)


@dataclass(frozen=True)
class _Line:
    """A line of a segment, and the stream it belongs to."""

    stream: Stream
    at: datetime
    content: dict[str, Any]

    @property
    def event(self) -> str:
        return str(self.content.get("event", ""))

    def when(self, name: str) -> datetime:
        return datetime.fromisoformat(self.content[name])


def _lines(body: Body) -> Iterator[_Line]:
    """The lines of one segment, or of several one after the other.

    Raises:
        Malformed: it is none, ends before its last line, or belongs to a stream nobody knows.
    """
    stream: Stream | None = None
    for position, text in enumerate(body.text().rstrip("\n").split("\n"), start=1):
        try:
            content = json.loads(text)
            at = datetime.fromisoformat(content["at"])
            event = content.get("event", "")
        except _BROKEN as error:
            raise Malformed(f"line {position} of the segment is broken ({error}): {text[:80]!r}", body=body) from None
        if event == "opened":
            if stream is not None:
                break
            if content.get("version") != VERSION:
                raise Malformed(f"a segment of version {content.get('version')}, not {VERSION}", body=body)
            stream = STREAMS.get(f"{content.get('venue')}/{content.get('stream')}")
            if stream is None:
                raise Malformed(f"no stream {content.get('venue')}/{content.get('stream')} is known", body=body)
        if stream is None:
            break
        yield _Line(stream, at, content)
        if event == "closed":
            stream = None
    else:
        if stream is None:
            return
    raise Malformed("the segment does not run from its first line to its last", body=body)


def _records(body: Body, kind: str) -> Iterator[tuple[Stream, Frame, Record]]:
    """What the venues' readers make of the messages."""
    for line in _lines(body):
        text = line.content.get("frame")
        if text is None or line.stream.kind != kind:
            continue
        frame = Frame(line.at, text)
        try:
            for record in line.stream.read(frame):
                yield line.stream, frame, record
        except _BROKEN as error:
            said = f"{type(error).__name__} {error}"
            raise Malformed(
                f"{line.stream.label} sends what it never sent ({said}): {text[:80]!r}", body=body
            ) from None


_TEXTS = (
    *("venue", "symbol", "occurred_ms", "received_us", "side", "venue_side", "price", "price_kind", "size_coin"),
    *("size_contracts", "size_usd", "event_id"),
)


def parse_liquidations(body: Body) -> pl.DataFrame:
    rows = [
        {"venue": stream.venue.name, "received_us": str(_microseconds(frame.received_at)), "side": None, **record}
        for stream, frame, record in _records(body, LIQUIDATIONS)
    ]
    sizes = ("size_coin", "size_contracts", "size_usd")
    for row in rows:
        if all(row.get(name) is None for name in sizes):
            raise Malformed(f"a liquidation of {row['venue']} has no size", body=body)
    frame = table(rows, body, fields=_TEXTS, flags=("is_time_of_receipt",), optional=(*sizes, "is_time_of_receipt"))
    return shape(
        frame,
        body,
        {
            "venue": pl.col("venue"),
            "symbol": pl.col("symbol"),
            "occurred_at": instant("occurred_ms", "ms"),
            "event_id": pl.col("event_id"),
            "side": pl.col("side"),
            "venue_side": pl.col("venue_side"),
            "price": number("price"),
            "price_kind": pl.col("price_kind"),
            **{name: number(name) for name in sizes},
            "received_at": instant("received_us", "us"),
            "is_time_of_receipt": pl.col("is_time_of_receipt").fill_null(value=False),
        },
        nullable=("side", "price", *sizes),
    )


def parse_depth(body: Body) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for stream, frame, book in _records(body, DEPTH):
        new = {name: value for name, value in book.items() if name not in ("bids", "asks", "unit")}
        try:
            bands = list(_bands(book))
        except ValueError as error:
            raise Malformed(f"{stream.label} sends a book that is none: {error}", body=body) from None
        common = {"venue": stream.venue.name, "symbol": stream.symbols[0], "observed_at": frame.received_at}
        rows.extend({**common, **band, **new} for band in bands)
    # Computed, not cast from text: the figures were checked when the levels were read.
    known = pl.DataFrame(rows, schema=dict(BOOK_DEPTH.schema), infer_schema_length=None)
    new_fields = table(rows, body, fields=(), unused=tuple(BOOK_DEPTH.schema))
    return pl.concat([known, new_fields], how="horizontal") if new_fields.width else known


def _bands(book: Record) -> Iterator[dict[str, Any]]:
    """Cumulative depth on both sides of the mid price; nothing where one side is empty, because there is no mid.

    Raises:
        ValueError: a level is not two finite numbers above zero, or a bid is as high as an ask.
    """
    sides = {sign: np.array(book[name], dtype=np.float64).reshape(-1, 2) for sign, name in ((-1, "bids"), (1, "asks"))}
    if any(not np.isfinite(levels).all() or (levels <= 0).any() for levels in sides.values()):
        raise ValueError("a level is not a price and a size above zero")
    if any(not len(levels) for levels in sides.values()):
        return
    best_bid, best_ask = sides[-1][:, 0].max(), sides[1][:, 0].min()
    if best_bid >= best_ask:
        raise ValueError(f"the best bid {best_bid} is not below the best ask {best_ask}")
    mid = (best_bid + best_ask) / 2.0
    for sign, levels in sides.items():
        prices, sizes = levels.T
        distances = np.abs(prices / mid - 1.0) * 100.0
        order = np.argsort(distances, kind="stable")
        prices, sizes, distances = prices[order], sizes[order], distances[order]
        size, value, coin = (np.cumsum(figures) for figures in (sizes, sizes * prices, sizes / prices))
        edges = np.array([band for band in BANDS_PCT if band * sign > 0])
        # A level on the edge is inside, whatever the last bit of its distance says.
        counts = np.searchsorted(distances, np.abs(edges) + _EDGE, side="right")
        for band, count in zip(edges.tolist(), counts.tolist(), strict=True):
            total = float(size[count - 1]) if count else 0.0
            depth: dict[str, float | None] = {"depth_coin": None, "depth_usd": None, "depth_contracts": None}
            average = float(value[count - 1]) / total if count else None
            if book["unit"] == "coin":
                depth |= {"depth_coin": total, "depth_usd": float(value[count - 1]) if count else 0.0}
            elif book["unit"] == "usd":
                coins = float(coin[count - 1]) if count else 0.0
                depth |= {"depth_coin": coins, "depth_usd": total}
                average = total / coins if count else None
            else:
                depth |= {"depth_contracts": total}
            reach = float(distances[-1])
            figures = {"band_pct": band, **depth, "average_price": average, "mid_price": float(mid), "reach_pct": reach}
            yield {**figures, "is_whole_band": reach >= abs(band) - _EDGE}


def parse_coverage(body: Body) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    state, since, reason = GAP, body.retrieved_at, ""
    counts = {"messages": 0, "frames": 0, "unread": 0}

    def end(line: _Line, until: datetime) -> None:
        if until > since:
            told = line.stream.covers(since.date())
            rows.append(
                {
                    "venue": line.stream.venue.name,
                    "stream": line.stream.name,
                    "started_us": str(_microseconds(since)),
                    "ended_us": str(_microseconds(until)),
                    "status": state,
                    "reason": reason or None,
                    **{name: str(count) for name, count in counts.items()},
                    "coverage_class": told.name.value,
                    "coverage_class_reason": told.reason,
                    "class_since": told.since.isoformat() if told.since else None,
                    "symbols": ",".join(line.stream.symbols) or "*",
                }
            )
        counts.update(dict.fromkeys(counts, 0))

    try:
        for line in _lines(body):
            counts["messages"] += int(line.content.get("messages", 0))
            counts["frames"] += int(line.content.get("frames", 0))
            counts["unread"] += line.event == "unread"
            match line.event:
                case "opened":
                    state, since = line.content["state"], line.when("since")
                    reason = line.content.get("reason", "")
                    if state not in (CONNECTED, GAP):
                        raise ValueError(f"a state {state!r}")
                case "subscribed":
                    end(line, line.at)
                    state, since, reason = CONNECTED, line.at, ""
                case "lost":
                    end(line, line.when("since"))
                    state, since, reason = GAP, line.when("since"), str(line.content["reason"])
                case "failed":
                    end(line, line.at)
                    state, since, reason = GAP, line.at, str(line.content["reason"])
                case "closed":
                    end(line, line.when("until"))
    except _BROKEN as error:
        raise Malformed(f"an event is broken ({type(error).__name__} {error})", body=body) from None
    texts = (
        *("venue", "stream", "started_us", "ended_us", "status", "reason", "messages", "frames", "unread"),
        *("coverage_class", "coverage_class_reason", "class_since", "symbols"),
    )
    return shape(
        table(rows, body, fields=texts),
        body,
        {
            "venue": pl.col("venue"),
            "stream": pl.col("stream"),
            "started_at": instant("started_us", "us"),
            "ended_at": instant("ended_us", "us"),
            "status": pl.col("status"),
            "reason": pl.col("reason"),
            "message_count": whole("messages"),
            "kept_message_count": whole("frames"),
            "unread_message_count": whole("unread"),
            "symbols": pl.col("symbols"),
            "coverage_class": pl.col("coverage_class"),
            "coverage_class_reason": pl.col("coverage_class_reason"),
            "coverage_class_since_date": pl.col("class_since").str.to_date("%Y-%m-%d", strict=True),
        },
        nullable=("reason", "coverage_class_since_date"),
    )


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


# Segments are short, so an hourly look brings everything but the last minutes.
_CADENCE = Cadence(
    cron="25 * * * *", lag=timedelta(minutes=1), revised_for=timedelta(0), stale_after=timedelta(hours=12)
)
_STARTS_ON = date(2025, 1, 1)

LIQUIDATION_EVENTS = Dataset(
    provider=PROVIDER,
    name="liquidations",
    subject="leverage",
    description="Liquidations of perpetual and dated futures as the venues' public feeds told them while we listened.",
    grain="one row per venue, symbol and liquidation",
    columns=(
        Column("venue", pl.String, "Venue, such as bybit."),
        Column("symbol", pl.String, "Contract as the venue writes it."),
        Column("occurred_at", UTC_DATETIME, "When it happened, as the venue says; see is_time_of_receipt."),
        Column("event_id", pl.String, "The venue's own identifier, or one made of what it says where it has none."),
        Column(
            "side", pl.String, "Side of the liquidated position, long or short; null where the venue leaves it open."
        ),
        Column("venue_side", pl.String, "Side in the venue's own words."),
        Column("price", pl.Float64, "Price, of the kind that price_kind says; null where the venue gives none."),
        Column("price_kind", pl.String, "What the price is: fill, bankruptcy, order or acquisition."),
        Column("size_coin", pl.Float64, "Size in coins, where that is the venue's unit."),
        Column("size_contracts", pl.Float64, "Size in contracts, where the venue says it."),
        Column("size_usd", pl.Float64, "Size in US dollars, where that is the venue's unit."),
        Column("received_at", UTC_DATETIME, "When we received it."),
        Column(
            "is_time_of_receipt", pl.Boolean, "Whether the venue gives no time and occurred_at is when it was received."
        ),
    ),
    key=("venue", "symbol", "occurred_at", "event_id"),
    time_column="occurred_at",
    period=timedelta(0),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    fetch=fetch_liquidations,
    parse=parse_liquidations,
    docs_url="https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation",
    available_at=pl.max_horizontal("received_at", "occurred_at"),
    can_be_empty=True,
)

BOOK_DEPTH = Dataset(
    provider=PROVIDER,
    name="depth",
    subject="liquidity",
    description="Order-book depth around the mid price, computed from books that were asked for at regular intervals.",
    grain="one row per venue, symbol, snapshot and band",
    columns=(
        Column("venue", pl.String, "Venue, such as binance."),
        Column("symbol", pl.String, "Contract or pair as the venue writes it."),
        Column("observed_at", UTC_DATETIME, "When the book was received."),
        Column("band_pct", pl.Float64, "Edge of the band, per cent from mid; negative for bids."),
        Column(
            "depth_coin", pl.Float64, "Cumulative size from mid to the edge, coins; null where sizes are contracts."
        ),
        Column(
            "depth_usd", pl.Float64, "The same in US dollars or dollar stablecoins; null where sizes are contracts."
        ),
        Column("depth_contracts", pl.Float64, "The same in contracts, where that is the venue's unit."),
        Column("average_price", pl.Float64, "Mean price of the band weighted by size; null if it is empty."),
        Column("mid_price", pl.Float64, "Middle between the best bid and the best ask."),
        Column("reach_pct", pl.Float64, "How far from mid the venue shows this side of its book, per cent."),
        Column("is_whole_band", pl.Boolean, "Whether the book reaches the edge; if not, the depth is a lower bound."),
    ),
    key=("venue", "symbol", "observed_at", "band_pct"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    fetch=fetch_depth,
    parse=parse_depth,
    docs_url="https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book",
    available_at=pl.col("observed_at"),
    can_be_empty=True,
)

STREAM_COVERAGE = Dataset(
    provider=PROVIDER,
    name="coverage",
    subject="leverage",
    description="When each recorded stream was connected and when it was not, with what its feed leaves out.",
    grain="one row per venue, stream and span of time in which its state did not change",
    columns=(
        Column("venue", pl.String, "Venue, such as bybit."),
        Column("stream", pl.String, "Stream, such as liquidations or book_btcusdt."),
        Column("started_at", UTC_DATETIME, "Start of the span."),
        Column("ended_at", UTC_DATETIME, "End of the span, not included; of a connection, its last sign of life."),
        Column("status", pl.String, "connected or gap."),
        Column("reason", pl.String, "Why there is a gap; null while connected."),
        Column("message_count", pl.Int64, "Messages of any kind, heartbeats included."),
        Column("kept_message_count", pl.Int64, "Messages that were kept, because they hold data."),
        Column("unread_message_count", pl.Int64, "Messages that were none of the venue's."),
        Column("symbols", pl.String, "Symbols the stream is about, separated by commas; * for all."),
        Column("coverage_class", pl.String, "What the feed tells: all, throttled or unknown."),
        Column("coverage_class_reason", pl.String, "Why."),
        Column("coverage_class_since_date", pl.Date, "First day of that; null if as far back as is known."),
    ),
    key=("venue", "stream", "started_at"),
    time_column="started_at",
    period=timedelta(0),
    cadence=_CADENCE,
    starts_on=_STARTS_ON,
    fetch=fetch_coverage,
    parse=parse_coverage,
    docs_url="https://www.rfc-editor.org/rfc/rfc6455",
    available_at=pl.max_horizontal("started_at", "ended_at"),
    can_be_empty=True,
)

DATASETS = (LIQUIDATION_EVENTS, BOOK_DEPTH, STREAM_COVERAGE)
