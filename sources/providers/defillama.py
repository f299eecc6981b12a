"""DefiLlama: stablecoin supply and prices, hacks, and value locked in DeFi in all and by chain, without a key.

Traps:
* Every answer is the whole history, and history is refilled on request: old values do change.
* Time is unix seconds, as text in the stablecoin charts and as a number elsewhere. Prices hold an element dated 0.
* The newest element is "so far today" or "now": only days that were over when the answer came are kept.
* The key inside `totalCirculating` is the peg (`peggedUSD`, `peggedEUR`), and says so.
* Hacks are edited by hand: rows change later, fields are null, one victim can be listed twice, by technique.
  A copy with amounts a million times too large is in circulation, so an impossible amount fails the list.
* A price is an average over venues. A coin that breaks on one exchange can look whole here.
* The list of stablecoins is "now" and has no history. It keeps coins without any supply; a price may be null or absent.
* Value locked by chain counts what is bridged to a chain there: chains do not add up to the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed
from sources.http import Client, in_turn
from sources.parsing import decode_json, ended_days, instant, number, rows_of, shape, table

PROVIDER = Provider(
    name="defillama",
    title="DefiLlama",
    homepage="https://api-docs.defillama.com",
    licence=Licence.ATTRIBUTION,
    probe_url="https://stablecoins.llama.fi/stablecoincharts/all?stablecoin=120",
    rates=(Rate(5, 1.0), Rate(120, 60.0)),
)

STABLECOINS: Mapping[str, str] = {
    "1": "USDT",
    "2": "USDC",
    "4": "BUSD",
    "5": "DAI",
    "7": "TUSD",
    "119": "FDUSD",
    "120": "PYUSD",
    "146": "USDe",
    "209": "USDS",
}
"""Symbols by the vendor's id: symbols are not unique there, ids are."""

PRICED_COINS = (
    "tether",
    "usd-coin",
    "binance-usd",
    "dai",
    "true-usd",
    "first-digital-usd",
    "paypal-usd",
    "ethena-usde",
    "usds",
)

CHAINS = ("Ethereum", "Solana", "Bitcoin", "BSC", "Tron", "Base", "Arbitrum", "Avalanche", "Polygon")
"""The chains with most value locked, as the vendor names them in its addresses."""

MAX_LOSS_USD = 5e10
"""No single theft is known above a tenth of this."""

_CHARTS_URL = "https://stablecoins.llama.fi/stablecoincharts/all"
_PRICES_URL = "https://stablecoins.llama.fi/stablecoinprices"
_HACKS_URL = "https://api.llama.fi/hacks"
_TVL_URL = "https://api.llama.fi/v2/historicalChainTvl"
_STABLECOINS_URL = "https://stablecoins.llama.fi/stablecoins"


def fetch_stablecoin_supply(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((symbol, _chart(client, coin_id)) for coin_id, symbol in STABLECOINS.items())


def _chart(client: Client, stablecoin_id: str) -> Iterator[Body]:
    yield client.get(_CHARTS_URL, {"stablecoin": stablecoin_id})


def fetch_stablecoin_prices(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_PRICES_URL)


def fetch_hacks(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_HACKS_URL)


def fetch_tvl(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_TVL_URL)


def fetch_chains_tvl(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((chain, _chain(client, chain)) for chain in CHAINS)


def _chain(client: Client, chain: str) -> Iterator[Body]:
    yield client.get(f"{_TVL_URL}/{chain}")


def fetch_stablecoins(window: Window, client: Client) -> Iterator[Body]:
    if not client.reaches_present:
        return
    yield client.get(_STABLECOINS_URL, {"includePrices": "true"})


def parse_stablecoin_supply(body: Body) -> pl.DataFrame:
    stablecoin_id = body.request.param("stablecoin")
    rows = []
    for row in rows_of(decode_json(body), body):
        peg_type, units = _pegged(row, "totalCirculating", body)
        _, usd = _pegged(row, "totalCirculatingUSD", body)
        rows.append({**row, "peg_type": peg_type, "units": units, "usd": usd})
    frame = table(
        rows,
        body,
        fields=("date", "peg_type", "units", "usd"),
        unused=(
            "totalCirculating",
            "totalCirculatingUSD",
            "totalUnreleased",
            "totalMintedUSD",
            "totalBridgedToUSD",
        ),
    )
    shaped = shape(
        frame,
        body,
        {
            "stablecoin_id": pl.lit(stablecoin_id),
            "symbol": pl.lit(STABLECOINS.get(stablecoin_id, "unknown")),
            "day": instant("date", "s").dt.date(),
            "peg_type": pl.col("peg_type"),
            "circulating_units": number("units"),
            "circulating_usd": number("usd"),
        },
        nullable=("peg_type", "circulating_units", "circulating_usd"),
    )
    return ended_days(shaped, "day", body)


def _pegged(row: Mapping[str, Any], field: str, body: Body) -> tuple[str | None, Any]:
    """The peg and the amount in an object such as `{"peggedUSD": 1.0}`; nothing if it is empty."""
    amounts = row.get(field)
    if not isinstance(amounts, dict) or len(amounts) > 1:
        raise Malformed(f"field {field} is not an amount under one peg", body=body)
    return next(iter(amounts.items()), (None, None))


def parse_stablecoin_prices(body: Body) -> pl.DataFrame:
    rows = []
    for row in rows_of(decode_json(body), body):
        prices = row.get("prices")
        if not isinstance(prices, dict):
            raise Malformed("field prices is not an object", body=body)
        if row.get("date") == "0":
            continue
        others = {name: value for name, value in row.items() if name != "prices"}
        rows += [{**others, "coin": coin, "price": prices[coin]} for coin in PRICED_COINS if coin in prices]
    frame = table(rows, body, fields=("date", "coin", "price"))
    shaped = shape(
        frame,
        body,
        {"coin": pl.col("coin"), "day": instant("date", "s").dt.date(), "price_usd": number("price")},
        nullable=("price_usd",),
    )
    return ended_days(shaped, "day", body)


def parse_hacks(body: Body) -> pl.DataFrame:
    rows = [{**row, "chain": _joined(row.get("chain"), body)} for row in rows_of(decode_json(body), body)]
    frame = table(
        rows,
        body,
        fields=(
            "date",
            "name",
            "technique",
            "classification",
            "targetType",
            "chain",
            "amount",
            "returnedFunds",
            "source",
        ),
        flags=("bridgeHack",),
        optional=("technique", "classification", "targetType", "chain", "returnedFunds", "source", "bridgeHack"),
        unused=("defillamaId", "parentProtocolId", "language"),
    )
    shaped = shape(
        frame,
        body,
        {
            "hacked_on": instant("date", "s").dt.date(),
            "name": pl.col("name"),
            "technique": pl.col("technique").fill_null("unknown"),
            "classification": pl.col("classification"),
            "target_type": pl.col("targetType"),
            "chains": pl.col("chain"),
            "loss_usd": number("amount"),
            "returned_usd": number("returnedFunds"),
            "is_bridge": pl.col("bridgeHack"),
            "source_url": pl.col("source"),
        },
        nullable=("classification", "target_type", "chains", "loss_usd", "returned_usd", "is_bridge", "source_url"),
    )
    absurd = shaped.filter(pl.col("loss_usd") > MAX_LOSS_USD)
    if absurd.height:
        name, loss_usd = absurd.row(0, named=True)["name"], absurd["loss_usd"][0]
        raise Malformed(f"{name!r} is said to have lost {loss_usd:.3g} US dollars: amounts in another unit", body=body)
    return shaped


def _joined(chains: Any, body: Body) -> str | None:
    if chains is None:
        return None
    if not isinstance(chains, list) or not all(isinstance(chain, str) for chain in chains):
        raise Malformed("field chain is not a list of names", body=body)
    return ",".join(chains)


def parse_tvl(body: Body) -> pl.DataFrame:
    frame = table(rows_of(decode_json(body), body), body, fields=("date", "tvl"))
    shaped = shape(
        frame, body, {"day": instant("date", "s").dt.date(), "tvl_usd": number("tvl")}, nullable=("tvl_usd",)
    )
    return ended_days(shaped, "day", body)


def parse_chains_tvl(body: Body) -> pl.DataFrame:
    chain = unquote(urlsplit(body.request.url).path.rpartition("/")[2])
    frame = table(rows_of(decode_json(body), body), body, fields=("date", "tvl"))
    shaped = shape(
        frame,
        body,
        {"chain": pl.lit(chain), "day": instant("date", "s").dt.date(), "tvl_usd": number("tvl")},
        nullable=("tvl_usd",),
    )
    return ended_days(shaped, "day", body)


def parse_stablecoins(body: Body) -> pl.DataFrame:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with peggedAssets", body=body)
    rows = []
    for row in rows_of(answer.get("peggedAssets"), body):
        _, units = _pegged(row, "circulating", body)
        rows.append({**row, "units": units})
    frame = table(
        rows,
        body,
        fields=("id", "symbol", "name", "pegType", "pegMechanism", "units", "price"),
        optional=("pegMechanism", "price"),
        unused=(
            "circulating",
            "circulatingPrevDay",
            "circulatingPrevWeek",
            "circulatingPrevMonth",
            "chainCirculating",
            "chains",
            "gecko_id",
            "priceSource",
            "delisted",
            "deadFrom",
        ),
    )
    observed_at = body.retrieved_at.replace(second=0, microsecond=0)
    return shape(
        frame,
        body,
        {
            "stablecoin_id": pl.col("id"),
            "observed_at": pl.lit(observed_at, dtype=UTC_DATETIME),
            "symbol": pl.col("symbol"),
            "name": pl.col("name"),
            "peg_type": pl.col("pegType"),
            "peg_mechanism": pl.col("pegMechanism"),
            "circulating_units": number("units"),
            "price_usd": number("price"),
        },
        nullable=("peg_type", "peg_mechanism", "circulating_units", "price_usd"),
    )


STABLECOIN_SUPPLY = Dataset(
    provider=PROVIDER,
    name="stablecoin_supply",
    subject="flows",
    description="Circulating supply of the large dollar stablecoins by day, over all chains.",
    grain="one row per stablecoin and UTC day",
    columns=(
        Column("stablecoin_id", pl.String, "The vendor's id of the coin."),
        Column("symbol", pl.String, "Ticker, as the vendor writes it."),
        Column("day", pl.Date, "UTC day."),
        Column("peg_type", pl.String, "What the coin is pegged to, such as peggedUSD."),
        Column("circulating_units", pl.Float64, "Coins in circulation; a broken peg does not move it."),
        Column("circulating_usd", pl.Float64, "Their value at the market price, US dollars."),
    ),
    key=("stablecoin_id", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="20 2 * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 11, 29),
    fetch=fetch_stablecoin_supply,
    parse=parse_stablecoin_supply,
    docs_url="https://api-docs.defillama.com/#tag/stablecoins",
)

STABLECOIN_PRICES = Dataset(
    provider=PROVIDER,
    name="stablecoin_prices",
    subject="defi",
    description="Price of the large dollar stablecoins by day, averaged over venues by the vendor.",
    grain="one row per coin and UTC day",
    columns=(
        Column("coin", pl.String, "CoinGecko id of the coin."),
        Column("day", pl.Date, "UTC day."),
        Column("price_usd", pl.Float64, "Price, US dollars."),
    ),
    key=("coin", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="20 * * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2020, 1, 1),
    fetch=fetch_stablecoin_prices,
    parse=parse_stablecoin_prices,
    docs_url="https://api-docs.defillama.com/#tag/stablecoins",
)

HACKS = Dataset(
    provider=PROVIDER,
    name="hacks",
    subject="defi",
    description="Thefts and exploits in crypto, a list kept by hand and corrected later.",
    grain="one row per day, victim and technique",
    columns=(
        Column("hacked_on", pl.Date, "Day of the theft, which can be years before it became known."),
        Column("name", pl.String, "Victim."),
        Column("technique", pl.String, "How it was done; unknown if not said."),
        Column("classification", pl.String, "The vendor's class of the weakness."),
        Column("target_type", pl.String, "The vendor's class of the victim."),
        Column("chains", pl.String, "Chains concerned, joined by commas."),
        Column("loss_usd", pl.Float64, "Loss at the time, US dollars; null if not known."),
        Column("returned_usd", pl.Float64, "Given back later, US dollars."),
        Column("is_bridge", pl.Boolean, "Whether the victim is a bridge; null if not said."),
        Column("source_url", pl.String, "Where it was reported."),
    ),
    key=("hacked_on", "name", "technique"),
    time_column="hacked_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="40 * * * *", lag=timedelta(hours=12), revised_for=timedelta(days=30), stale_after=timedelta(days=45)
    ),
    starts_on=date(2016, 1, 1),
    fetch=fetch_hacks,
    parse=parse_hacks,
    docs_url="https://defillama.com/hacks",
)

TVL = Dataset(
    provider=PROVIDER,
    name="tvl",
    subject="defi",
    description="Value locked in DeFi protocols over all chains by day.",
    grain="one row per UTC day",
    columns=(
        Column("day", pl.Date, "UTC day."),
        Column("tvl_usd", pl.Float64, "Value locked, US dollars, without double counting of liquid staking."),
    ),
    key=("day",),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="20 2 * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 9, 27),
    fetch=fetch_tvl,
    parse=parse_tvl,
    docs_url="https://api-docs.defillama.com/#tag/tvl",
)

CHAINS_TVL = Dataset(
    provider=PROVIDER,
    name="chains_tvl",
    subject="defi",
    description="Value locked in DeFi protocols on the largest chains by day.",
    grain="one row per chain and UTC day",
    columns=(
        Column("chain", pl.String, "Chain, as the vendor names it."),
        Column("day", pl.Date, "UTC day."),
        Column("tvl_usd", pl.Float64, "Value locked on the chain, US dollars; falls with the price of its coin."),
    ),
    key=("chain", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="25 2 * * *", lag=timedelta(hours=2), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 9, 27),
    fetch=fetch_chains_tvl,
    parse=parse_chains_tvl,
    docs_url="https://api-docs.defillama.com/#tag/tvl",
)

STABLECOINS_NOW = Dataset(
    provider=PROVIDER,
    name="stablecoins",
    subject="flows",
    description="Every stablecoin the vendor lists, with its supply and price at the moment of asking.",
    grain="one row per stablecoin and moment of asking",
    columns=(
        Column("stablecoin_id", pl.String, "The vendor's id of the coin; symbols are not unique."),
        Column("observed_at", UTC_DATETIME, "When the list was fetched, to the minute."),
        Column("symbol", pl.String, "Ticker, as the vendor writes it."),
        Column("name", pl.String, "Name of the coin."),
        Column("peg_type", pl.String, "What the coin is pegged to, such as peggedUSD."),
        Column("peg_mechanism", pl.String, "How the peg is held, such as fiat-backed; null if not said."),
        Column("circulating_units", pl.Float64, "Coins in circulation, in units of the peg; zero for abandoned coins."),
        Column("price_usd", pl.Float64, "Price averaged over venues, US dollars; null if the vendor has none."),
    ),
    key=("stablecoin_id", "observed_at"),
    time_column="observed_at",
    period=timedelta(0),
    cadence=Cadence(cron="35 1 * * *", lag=timedelta(0), revised_for=timedelta(0), stale_after=timedelta(days=3)),
    starts_on=date(2024, 1, 1),
    fetch=fetch_stablecoins,
    parse=parse_stablecoins,
    docs_url="https://api-docs.defillama.com/#tag/stablecoins",
    can_be_empty=True,
)

DATASETS = (STABLECOIN_SUPPLY, STABLECOIN_PRICES, HACKS, TVL, CHAINS_TVL, STABLECOINS_NOW)
