"""Kraken Futures analytics: open interest, liquidations and the order book by the hour, without a key.

A small venue that answers from everywhere: quality control, and a filler of gaps.

Traps:
* An answer is a list of times beside series of the same length, not a list of rows. The shape of `data` is another for
  every kind: a list (liquidations), a list of four figures each (open interest), series by side of the book (the rest).
* Times are seconds (in the funding kind, which is not taken, milliseconds) and mark the start of the hour.
* `more` says that the span holds more than was given: ask again from after the newest. The size of a page is not said.
* Book figures are a look at the book at some time in the hour, and are revised for some hours: they are read again.
* Liquidations are of both sides together.
* Figures are text; null where the book is too thin to fill an order of that size.
* What the bands of `liquidity` are is not documented. Their names are kept: 005, 01, 025, 05, 10, 100 stand for 0.5, 1,
  2.5, 5, 10 and 100 per cent of the best price by one comparison with the book, and are cumulative.
* Amounts are contracts: one coin each for the `PF_` contracts, one US dollar each for the older `PI_` ones.
* Errors are a list beside the result, some of them mere warnings (severity W).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import UTC, UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.http import Client, excerpt, in_turn
from sources.parsing import check_candles, decode_json, instant, number, shape

_URL = "https://futures.kraken.com/api/charts/v1/analytics"

PROVIDER = Provider(
    name="kraken_futures",
    title="Kraken Futures",
    homepage="https://docs.kraken.com/api-reference/analytics/market-analytics",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{_URL}/PF_XBTUSD/open-interest?since=1735689600&to=1735776000&interval=86400",
    rates=(Rate(2, 1.0),),
)

SYMBOLS = ("PF_XBTUSD", "PF_ETHUSD")

BANDS = ("005", "01", "025", "05", "10", "100")
SIZES = ("1k", "10k", "100k", "1m")

_HOUR = timedelta(hours=1)
_SIDES = ("bid", "ask")
_OHLC = ("open", "high", "low", "close")


def fetching(kind: str) -> Callable[[Window, Client], Iterator[Body]]:
    """The fetch of one kind of analytics."""

    def fetch(window: Window, client: Client) -> Iterator[Body]:
        yield from in_turn((symbol, _pages(window, client, symbol, kind)) for symbol in SYMBOLS)

    return fetch


def _pages(window: Window, client: Client, symbol: str, kind: str) -> Iterator[Body]:
    start, end = window.start, window.end
    while start < end:
        params = {"interval": 3600, "since": int(start.timestamp()), "to": int(end.timestamp()) - 1}
        body = client.get(f"{_URL}/{symbol}/{kind}", params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        result = _result(body)
        if result.get("more") is not True:
            return
        newest = max(_moments(result, body), default=None)
        if newest is None or newest < start:
            raise Malformed("there is said to be more, but the page does not reach beyond the one before", body=body)
        start = newest + _HOUR


def _result(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with a result", body=body)
    said = answer.get("errors") or answer.get("error") or []
    problems = [problem for problem in (said if isinstance(said, list) else [said]) if not _is_warning(problem)]
    if problems:
        text = "; ".join(_told(problem) for problem in problems)
        kind = RateLimited if "limitexceeded" in text.lower() else Rejected
        raise kind(f"{PROVIDER.title} answers with an error: {text}", body=body)
    result = answer.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("timestamp"), list) or "data" not in result:
        raise Malformed(f"the answer holds neither times with data nor an error: {excerpt(body)!r}", body=body)
    return result


def _is_warning(problem: Any) -> bool:
    return isinstance(problem, dict) and problem.get("severity") == "W"


def _told(problem: Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    parts = (problem.get(name) for name in ("error_class", "type", "field", "msg", "value"))
    return ": ".join(str(part) for part in parts if part)


def _moments(result: Mapping[str, Any], body: Body) -> list[datetime]:
    frame = pl.DataFrame([_as_texts("timestamp", result["timestamp"])])
    return shape(frame, body, {"at": instant("timestamp", "s")})["at"].to_list()


def _read(body: Body, columns: Mapping[str, str], *, nullable: bool = False) -> pl.DataFrame:
    """The series of an answer as declared columns, without the hour that was not over when it came.

    Args:
        body: the answer.
        columns: the path of a series, such as `bid.best_price`, by declared column.
        nullable: whether figures can be null.
    """
    result = _result(body)
    # What nobody has named goes beside the rows, for landing to report.
    beside = [name for name in result if name not in ("timestamp", "data", "more")]
    frame = pl.DataFrame([_as_texts("timestamp", result["timestamp"]), *_series(result["data"], "", result, body)])
    frame = frame.with_columns(pl.lit(json.dumps(result[name])).alias(name) for name in beside)
    shaped = shape(
        frame,
        body,
        {
            "symbol": pl.lit(body.request.url.split("/")[-2]),
            "opened_at": instant("timestamp", "s"),
            **{column: number(path) for column, path in columns.items()},
        },
        nullable=tuple(columns) if nullable else (),
    )
    return shaped.filter(pl.col("opened_at") + _HOUR <= body.retrieved_at.astimezone(UTC))


def _series(data: Any, path: str, result: Mapping[str, Any], body: Body) -> Iterator[pl.Series]:
    """Every series in `data` as text, called by its path; four figures an hour are four series."""
    if isinstance(data, dict):
        for name, inner in data.items():
            yield from _series(inner, f"{path}.{name}" if path else name, result, body)
        return
    if not isinstance(data, list) or len(data) != len(result["timestamp"]):
        raise Malformed(f"series {path or 'data'} is not one figure for each time", body=body)
    widths = {len(item) for item in data if isinstance(item, list)}
    if not widths:
        yield _as_texts(path or "value", data)
        return
    if len(widths) > 1 or min(widths) < len(_OHLC) or not all(isinstance(item, list) for item in data):
        raise Malformed(f"series {path or 'data'} does not hold at least four figures for each time", body=body)
    names = (*_OHLC, *(f"column_{position}" for position in range(len(_OHLC) + 1, max(widths) + 1)))
    for name, values in zip(names, zip(*data, strict=True), strict=True):
        yield _as_texts(f"{path}.{name}" if path else name, values)


def _as_texts(name: str, values: Any) -> pl.Series:
    # Anything but text is written out, and fails where a figure is expected.
    texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def parse_open_interest(body: Body) -> pl.DataFrame:
    named = {f"open_interest_{name}_contracts": name for name in _OHLC}
    frame = _read(body, named)
    check_candles(frame, body, *(f"open_interest_{name}_contracts" for name in _OHLC))
    return frame


def parse_liquidation_volume(body: Body) -> pl.DataFrame:
    return _read(body, {"liquidations_contracts": "value"})


def parse_liquidity(body: Body) -> pl.DataFrame:
    named = {f"{side}_liquidity_{band}_contracts": f"{side}.liquidity_{band}" for side in _SIDES for band in BANDS}
    return _read(body, named, nullable=True)


def parse_spreads(body: Body) -> pl.DataFrame:
    return _read(body, {f"best_{side}_price": f"{side}.best_price" for side in _SIDES}, nullable=True)


def parse_slippage(body: Body) -> pl.DataFrame:
    named = {f"{side}_fill_{size}_price": f"{side}.slippage_{size}" for side in _SIDES for size in SIZES}
    return _read(body, named, nullable=True)


_KEY_COLUMNS = (
    Column("symbol", pl.String, "Contract, such as PF_XBTUSD."),
    Column("opened_at", UTC_DATETIME, "Start of the hour."),
)
_BOOK_NAMES = {"bid": "bids", "ask": "asks"}


def _dataset(
    name: str,
    kind: str,
    subject: str,
    description: str,
    columns: tuple[Column, ...],
    parse: Callable[[Body], pl.DataFrame],
    minute: int,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        subject=subject,
        description=description,
        grain="one row per symbol and hour",
        columns=(*_KEY_COLUMNS, *columns),
        key=("symbol", "opened_at"),
        time_column="opened_at",
        period=_HOUR,
        cadence=Cadence(
            cron=f"{minute} * * * *",
            lag=timedelta(minutes=5),
            revised_for=timedelta(hours=6),
            stale_after=timedelta(hours=12),
        ),
        starts_on=date(2023, 3, 7),
        chunk=timedelta(days=366),
        can_be_empty=True,
        fetch=fetching(kind),
        parse=parse,
        docs_url="https://docs.kraken.com/api-reference/analytics/market-analytics",
    )


OPEN_INTEREST = _dataset(
    "open_interest",
    "open-interest",
    "leverage",
    "Open interest of Kraken Futures perpetuals, hourly candles.",
    (
        Column("open_interest_open_contracts", pl.Float64, "At the start of the hour, contracts (PF_: coins)."),
        Column("open_interest_high_contracts", pl.Float64, "Highest of the hour, contracts."),
        Column("open_interest_low_contracts", pl.Float64, "Lowest of the hour, contracts."),
        Column("open_interest_close_contracts", pl.Float64, "At the end of the hour, contracts."),
    ),
    parse_open_interest,
    7,
)

LIQUIDATION_VOLUME = _dataset(
    "liquidation_volume",
    "liquidation-volume",
    "leverage",
    "Liquidations of Kraken Futures perpetuals by the hour, longs and shorts together.",
    (Column("liquidations_contracts", pl.Float64, "Liquidated in the hour, both sides, contracts (PF_: coins)."),),
    parse_liquidation_volume,
    8,
)

LIQUIDITY = _dataset(
    "liquidity",
    "liquidity",
    "liquidity",
    "What rests in the Kraken Futures order book near the best price, by band, at some time in each hour.",
    tuple(
        Column(
            f"{side}_liquidity_{band}_contracts",
            pl.Float64,
            f"Resting {_BOOK_NAMES[side]} within the vendor's band {band}, cumulative, contracts (PF_: coins).",
        )
        for side in _SIDES
        for band in BANDS
    ),
    parse_liquidity,
    9,
)

SPREADS = _dataset(
    "spreads",
    "spreads",
    "liquidity",
    "Best bid and ask of Kraken Futures perpetuals at some time in each hour.",
    (
        Column("best_bid_price", pl.Float64, "Best bid, US dollars; null if there is none."),
        Column("best_ask_price", pl.Float64, "Best ask, US dollars; null if there is none."),
    ),
    parse_spreads,
    10,
)

SLIPPAGE = _dataset(
    "slippage",
    "slippage",
    "liquidity",
    "At what average price Kraken Futures would fill a market order of a size, at some time in each hour.",
    tuple(
        Column(
            f"{side}_fill_{size}_price",
            pl.Float64,
            f"Average price against the {_BOOK_NAMES[side]} for {size} of notional, US dollars; null if too few.",
        )
        for side in _SIDES
        for size in SIZES
    ),
    parse_slippage,
    11,
)

DATASETS = (OPEN_INTEREST, LIQUIDATION_VOLUME, LIQUIDITY, SPREADS, SLIPPAGE)
