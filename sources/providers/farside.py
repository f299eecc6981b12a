"""Farside Investors: net flows of US spot Bitcoin and Ether ETFs, one HTML table per asset.

Traps:
* Amounts are US$ millions with one decimal, thousands commas, and brackets for outflows.
* Below the sessions stand the rows Total, Average, Maximum and Minimum; above them Fee and, for Ether, Seed. A label
  that is neither a date nor one of these fails the page: it may be a session written in another way.
* The newest session can be listed before anyone has reported: `-` in every fund cell and yet `0.0` in Total. A real
  zero looks the same but for the dash, so the dash alone says "not reported", and Total is null until one fund is in.
* Funds come and go, as columns. The ticker BTC is the Grayscale Mini Trust, not the asset.
* A new session is on the page of recent sessions first: whoever asks for the whole history up to now needs both pages.
* Cloudflare answers plain clients with a challenge page at times; one page may pass while the other does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import polars as pl
from selectolax.lexbor import LexborHTMLParser, LexborNode

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, excerpt, in_turn

PROVIDER = Provider(
    name="farside",
    title="Farside Investors",
    homepage="https://farside.co.uk",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://farside.co.uk/btc/",
    rates=(Rate(1, 5.0),),
)

_WHOLE_HISTORY = {"btc": "/bitcoin-etf-flow-all-data/", "eth": "/ethereum-etf-flow-all-data/"}
_RECENT = {"btc": "/btc/", "eth": "/eth/"}
_RECENT_SPAN = timedelta(days=14)
_ASSET_OF = {path: asset for pages in (_WHOLE_HISTORY, _RECENT) for asset, path in pages.items()}

_NOT_A_SESSION = {"", "Fee", "Seed", "Total", "Average", "Maximum", "Minimum"}
_SESSION = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}")
_TICKER = re.compile(r"[A-Z][A-Z0-9]{1,5}")
_AMOUNT = re.compile(r"(\()?(-?\d{1,3}(?:,\d{3})*(?:\.\d+)?|-?\d+(?:\.\d+)?)(?(1)\))")


def fetch_etf_flows(window: Window, client: Client) -> Iterator[Body]:
    pages: list[tuple[str, str]] = []
    for asset in _RECENT:
        if window.start < client.now - _RECENT_SPAN:
            pages.append((asset, _WHOLE_HISTORY[asset]))
            if client.reaches_present:
                pages.append((f"{asset}, recent sessions", _RECENT[asset]))
        else:
            pages.append((asset, _RECENT[asset]))
    yield from in_turn((label, _page(client, path)) for label, path in pages)


def _page(client: Client, path: str) -> Iterator[Body]:
    yield client.get(f"https://farside.co.uk{path}")


def parse_etf_flows(body: Body) -> pl.DataFrame:
    asset = _ASSET_OF[urlsplit(body.request.url).path]
    tables = LexborHTMLParser(body.content).css("table.etf")
    if len(tables) != 1:
        raise Malformed(f"the page holds {len(tables)} tables of class etf, expected 1: {excerpt(body)!r}", body=body)
    rows = [_cells(row) for row in tables[0].css("tr")]
    if not any(label == "Total" for label, *_ in rows):
        # It stands below the newest session, so without it sessions may be missing, too.
        raise Malformed("the page is cut off: the row Total is missing", body=body)
    tickers = _tickers(rows, body)
    flows: dict[str, list[object]] = {name: [] for name in ETF_FLOWS.schema}
    for label, *cells in rows:
        if label in _NOT_A_SESSION:
            continue
        session = _session(label, body)
        if len(cells) != len(tickers) + 1:
            raise Malformed(f"{label} has {len(cells)} cells for {len(tickers)} funds and a total", body=body)
        amounts = [_amount_usd(cell, body) for cell in cells]
        is_pending = all(amount is None for amount in amounts[:-1])
        for ticker, amount in zip(tickers, amounts, strict=False):
            flows["asset"].append(asset)
            flows["session_date"].append(session)
            flows["ticker"].append(ticker)
            flows["net_flow_usd"].append(amount)
            flows["session_total_usd"].append(None if is_pending else amounts[-1])
    return pl.DataFrame(flows, schema=dict(ETF_FLOWS.schema))


def _cells(row: LexborNode) -> list[str]:
    return [cell.text(strip=True) for cell in row.css("th, td")] or [""]


def _tickers(rows: list[list[str]], body: Body) -> list[str]:
    """Fund tickers from the heading row that holds nothing else: names stand above them, fees below."""
    for label, *cells in rows:
        if label == "" and len(cells) > 1 and all(_TICKER.fullmatch(cell) for cell in cells[:-1]):
            if len(set(cells[:-1])) != len(cells) - 1:
                raise Malformed(f"a ticker heads two columns: {' '.join(cells)}", body=body)
            return cells[:-1]
    raise Malformed("the table has no row of tickers", body=body)


def _session(label: str, body: Body) -> date:
    if _SESSION.fullmatch(label):
        try:
            return datetime.strptime(label, "%d %b %Y").date()
        except ValueError:
            pass
    raise Malformed(f"row {label!r} is neither a session nor a known summary", body=body)


def _amount_usd(cell: str, body: Body) -> float | None:
    """A cell in US dollars, or None where the fund has not reported."""
    if cell in ("-", ""):
        return None
    found = _AMOUNT.fullmatch(cell)
    if found is None:
        raise Malformed(f"{cell!r} is not an amount", body=body)
    # Rounding takes back the error of the decimal fraction: 1.1 million is 1,100,000.
    amount_usd = float(round(float(found[2].replace(",", "")) * 1e6))
    return -amount_usd if found[1] else amount_usd


ETF_FLOWS = Dataset(
    provider=PROVIDER,
    name="etf_flows",
    subject="flows",
    description="Creations less redemptions of each US spot Bitcoin and Ether ETF by session.",
    grain="one row per asset, session and fund",
    columns=(
        Column("asset", pl.String, "What the fund holds: btc or eth."),
        Column("session_date", pl.Date, "NYSE session."),
        Column("ticker", pl.String, "Fund ticker; BTC is the Grayscale Mini Trust, not the asset."),
        Column("net_flow_usd", pl.Float64, "Net flow, US dollars; null while the fund has not reported."),
        Column(
            "session_total_usd",
            pl.Float64,
            "The page's own total of the session, US dollars, over the funds reported so far; null while none has.",
        ),
    ),
    key=("asset", "session_date", "ticker"),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="30 4 * * 2-6",
        lag=timedelta(hours=8),
        revised_for=timedelta(days=7),
        stale_after=timedelta(days=5),
        calendar="nyse",
    ),
    starts_on=date(2024, 1, 11),
    fetch=fetch_etf_flows,
    parse=parse_etf_flows,
    docs_url="https://farside.co.uk/bitcoin-etf-flow-all-data/",
)

DATASETS = (ETF_FLOWS,)
