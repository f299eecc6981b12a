"""iShares: what the Bitcoin and Ether trusts hold and how many shares there are, from the issuer, without a key.

The change of shares outstanding is the net flow as the issuer books it, without a third party in between.

Traps:
* The file has no history: it holds the newest session alone. The `asOfDate` of older addresses goes unanswered now, so
  a session nobody has fetched is gone.
* Above the table stand lines of a name and a value; there are thousands commas in figures, and dates such as
  `"Jul 08, 2024"`. A blank line, which may hold a no-break space, ends the preamble; another one the table.
* An address that is not known, or a client that is not liked, gets the page of the site with HTTP 200.
* Coins held fall with the fee and move with creations a day late; shares outstanding do neither.
* There is no net asset value per share in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, excerpt, in_turn
from sources.parsing import read_csv, shape

PROVIDER = Provider(
    name="ishares",
    title="iShares",
    homepage="https://www.ishares.com/us/products/333011/ishares-bitcoin-trust-etf",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url="https://www.ishares.com/us/products/333011/ishares-bitcoin-trust-etf/latest-holdings.csv",
    rates=(Rate(1, 2.0),),
)


@dataclass(frozen=True)
class Trust:
    """A trust, what it holds, the ticker of that in the file, and where the file is."""

    ticker: str
    asset: str
    coin: str
    path: str


TRUSTS = (
    Trust("IBIT", "btc", "BTC", "/us/products/333011/ishares-bitcoin-trust-etf/latest-holdings.csv"),
    Trust("ETHA", "eth", "ETH", "/us/products/337614/ishares-ethereum-trust-etf/latest-holdings.csv"),
)
_BY_PATH: Mapping[str, Trust] = {trust.path: trust for trust in TRUSTS}


_HOLDINGS = (
    "Ticker",
    "Name",
    "Sector",
    "Asset Class",
    "Market Value",
    "Weight (%)",
    "Notional Value",
    "Quantity",
    "Market Currency",
    "Accrual Date",
)
_AS_OF, _SHARES = "Fund Holdings as of", "Shares Outstanding"
_AMOUNT = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")


def fetch_trust_holdings(window: Window, client: Client) -> Iterator[Body]:
    if not client.reaches_present:
        return
    yield from in_turn((trust.ticker, _file(client, trust.path)) for trust in TRUSTS)


def _file(client: Client, path: str) -> Iterator[Body]:
    yield client.get(f"https://www.ishares.com{path}")


def parse_trust_holdings(body: Body) -> pl.DataFrame:
    trust = _BY_PATH[urlsplit(body.request.url).path]
    preamble, listed = _parts(body)
    frame = read_csv(listed.encode(), body, columns=_HOLDINGS)
    shaped = shape(
        frame,
        body,
        {
            "held": pl.col("Ticker"),
            "asset_class": pl.col("Asset Class"),
            "value_usd": _amount("Market Value"),
            "quantity": _amount("Quantity"),
        },
        unused=_HOLDINGS,
    )
    coins = shaped.filter(held=trust.coin)
    if coins.height != 1:
        raise Malformed(f"{coins.height} rows of {trust.coin} among the holdings of {trust.ticker}", body=body)
    cash = shaped.filter(asset_class="Cash")["value_usd"]
    return coins.select(
        ticker=pl.lit(trust.ticker),
        session_date=pl.lit(_day(preamble, body)),
        asset=pl.lit(trust.asset),
        shares_outstanding_count=pl.lit(_shares(preamble, body), dtype=pl.Int64),
        holdings_coin=pl.col("quantity"),
        holdings_usd=pl.col("value_usd"),
        cash_usd=pl.lit(cash.sum() if cash.len() else None, dtype=pl.Float64),
    ).hstack(coins.select(pl.exclude("held", "asset_class", "value_usd", "quantity")))


def _parts(body: Body) -> tuple[dict[str, str], str]:
    """The lines of a name and a value above the table, and the table."""
    text = body.text()
    if text.lstrip()[:1] == "<":
        raise Malformed(f"expected CSV, got markup: {excerpt(body)!r}", body=body)
    lines = [line.strip() for line in text.splitlines()]
    start = next((number for number, line in enumerate(lines) if line.startswith("Ticker,")), None)
    if start is None:
        raise Malformed(f"the file holds no table of holdings: {excerpt(body)!r}", body=body)
    end = next((number for number in range(start, len(lines)) if not lines[number]), len(lines))
    pairs = [cells for cells in csv.reader(lines[:start]) if len(cells) == 2]
    return {name.strip(): value.strip() for name, value in pairs}, "\n".join(lines[start:end]) + "\n"


def _day(preamble: Mapping[str, str], body: Body) -> date:
    said = preamble.get(_AS_OF, "")
    try:
        return datetime.strptime(said, "%b %d, %Y").date()
    except ValueError:
        raise Malformed(f"{_AS_OF} {said!r}: not a day", body=body) from None


def _shares(preamble: Mapping[str, str], body: Body) -> int:
    said = preamble.get(_SHARES, "")
    whole, _, fraction = said.replace(",", "").partition(".")
    if not _AMOUNT.fullmatch(said) or fraction.strip("0"):
        raise Malformed(f"{_SHARES} {said!r}: not a whole number", body=body)
    return int(whole)


def _amount(name: str) -> pl.Expr:
    """The text column `name` with thousands commas as Float64; what is not a number is an error."""
    text = pl.col(name)
    # Commas are taken out of what is written as they are in figures, so that 1,2 does not read as twelve.
    is_grouped = text.str.contains(rf"^{_AMOUNT.pattern}$")
    return pl.when(is_grouped).then(text.str.replace_all(",", "")).otherwise(text).cast(pl.Float64, strict=True)


TRUST_HOLDINGS = Dataset(
    provider=PROVIDER,
    name="trust_holdings",
    subject="flows",
    description="Coins held by and shares outstanding of the iShares Bitcoin and Ether trusts, as the issuer says.",
    grain="one row per trust and session, from the day it is first fetched",
    columns=(
        Column("ticker", pl.String, "Fund ticker."),
        Column("session_date", pl.Date, "NYSE session at whose end the figures hold."),
        Column("asset", pl.String, "What the trust holds: btc or eth."),
        Column("shares_outstanding_count", pl.Int64, "Shares outstanding; its change times their value is the flow."),
        Column("holdings_coin", pl.Float64, "Coins held; falls with the fee."),
        Column("holdings_usd", pl.Float64, "Value of the coins, US dollars."),
        Column("cash_usd", pl.Float64, "Cash held, US dollars; null if none is listed."),
    ),
    key=("ticker", "session_date"),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=Cadence(
        # In the American morning: the session before is out and the present one cannot have taken its place.
        cron="50 14 * * 1-5",
        lag=timedelta(hours=17),
        revised_for=timedelta(0),
        stale_after=timedelta(days=5),
        calendar="nyse",
    ),
    starts_on=date(2024, 1, 11),
    fetch=fetch_trust_holdings,
    parse=parse_trust_holdings,
    docs_url="https://www.ishares.com/us/products/333011/ishares-bitcoin-trust-etf",
    can_be_empty=True,
)

DATASETS = (TRUST_HOLDINGS,)
