"""Coin Metrics community API: daily network and market metrics per asset, without a key.

Traps:
* Pages come newest first unless `paging_from=start` is given, and go on until an answer has no `next_page_url`.
* One metric the community may not see fails the whole request unless both `ignore_*_errors` are given; a metric the
  asset does not have is then left out of the rows. So a metric that is absent is null, but no price at all is a fault.
* Values are text, times have nine decimals. A day is stamped with its start and covers that day.
* Flows are restated for days, as addresses are recognised; `AssetEODCompletionTime` says when a day was computed.
* Which assets have a price changes, and a list of today's large ones would leave out those that failed. So the breadth
  of the market is asked of every asset in the catalogue, and who was large on a day is for that day's figures to say.
* A token on several chains is several assets (`trx`, `trx_eth`); pegged and wrapped ones move with something else.
* The data licence is CC BY-NC 4.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, NotRecorded, Rejected
from sources.http import Client, in_turn
from sources.parsing import decode_json, instant, number, rows_of, shape, table, whole

PROVIDER = Provider(
    name="coinmetrics",
    title="Coin Metrics (community)",
    homepage="https://docs.coinmetrics.io/api/v4",
    licence=Licence.NON_COMMERCIAL,
    probe_url="https://community-api.coinmetrics.io/v4/timeseries/asset-metrics?assets=btc&metrics=PriceUSD&frequency=1d&page_size=1",
    rates=(Rate(10, 6.0),),
)

ASSETS = ("btc", "eth")

UNCATALOGUED_ASSETS = ("btc", "eth", "xrp", "sol", "ada", "doge", "ltc", "bch")
"""What is asked for where no catalogue is to be had, as in a recorded market."""

FOLLOWERS = frozenset(
    {
        *("usdt", "usdc", "dai", "busd", "tusd", "usdp", "pax", "gusd", "husd", "frax", "lusd", "susd", "usdd"),
        *("fdusd", "pyusd", "usde", "susde", "usds", "usdk", "sai", "gho", "rlusd", "usd1", "eurc", "eurt", "eurs"),
        *("paxg", "xaut", "wbtc", "renbtc", "hbtc", "tbtc", "cbbtc", "weth", "steth", "wsteth", "reth", "cbeth"),
    }
)
"""Assets that are worth what something else is worth: they neither rise nor fall by themselves."""

FEWEST_ASSETS = 20
"""Fewer say nothing of the breadth of a market."""

_CATALOGUE_URL = "https://community-api.coinmetrics.io/v4/catalog-v2/asset-metrics"
_URL = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
_METRICS = {
    "PriceUSD": ("price_usd", number),
    "CapMrktCurUSD": ("market_cap_usd", number),
    "CapMVRVCur": ("mvrv_ratio", number),
    "FlowInExUSD": ("flow_in_exchange_usd", number),
    "FlowOutExUSD": ("flow_out_exchange_usd", number),
    "SplyExNtv": ("exchange_supply_native", number),
    "SplyCur": ("supply_native", number),
    "IssTotUSD": ("issuance_usd", number),
    "FeeTotNtv": ("fee_native", number),
    "HashRate": ("hash_rate_ths", number),
    "AdrActCnt": ("active_address_count", whole),
    "TxCnt": ("transaction_count", whole),
    "AssetEODCompletionTime": ("completed_at", lambda name: instant(name, "s")),
}
_BREADTH_METRICS = ("PriceUSD", "CapMrktCurUSD")


def fetch_asset_metrics(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((asset, _pages(window, client, asset, _METRICS, 1000)) for asset in ASSETS)


def fetch_breadth_prices(window: Window, client: Client) -> Iterator[Body]:
    try:
        assets = _catalogued(client)
    except NotRecorded:
        assets = UNCATALOGUED_ASSETS
    # Ten thousand days are a page, so each asset is one request.
    yield from in_turn((asset, _pages(window, client, asset, _BREADTH_METRICS, 10_000)) for asset in assets)


def _catalogued(client: Client) -> tuple[str, ...]:
    """Assets whose daily price and capitalisation everybody may see, less those that follow another.

    Raises:
        Rejected: there are too few.
    """
    params = {"metrics": ",".join(_BREADTH_METRICS), "page_size": "10000"}
    bodies = list(_following(client, _CATALOGUE_URL, params))
    listed = {
        str(row.get("asset"))
        for body in bodies
        for row in rows_of(_answer(body)["data"], body)
        if _daily_metrics(row, body) >= set(_BREADTH_METRICS)
    }
    bases = {asset.partition("_")[0] for asset in listed}
    # The same coin on another chain is asked for only where its own chain is not there.
    own = sorted(base if base in listed else min(one for one in listed if one.startswith(f"{base}_")) for base in bases)
    found = tuple(asset for asset in own if asset.partition("_")[0] not in FOLLOWERS)
    if len(found) < FEWEST_ASSETS:
        raise Rejected(
            f"the catalogue lists {len(found)} assets with a price and a capitalisation ({', '.join(found[:10])})",
            remedy=f"fewer than {FEWEST_ASSETS} are no market; see whether the vendor has changed what is free",
            where=client.where,
            body=bodies[-1],
        )
    return found


def _daily_metrics(row: dict[str, Any], body: Body) -> set[str]:
    """Metrics of a catalogue row that are there by day and not kept from the community."""
    return {
        str(metric.get("metric"))
        for metric in rows_of(row.get("metrics"), body)
        if any(
            frequency.get("frequency") == "1d" and frequency.get("community") is not False
            for frequency in rows_of(metric.get("frequencies"), body)
        )
    }


def _pages(window: Window, client: Client, asset: str, metrics: Iterable[str], page_size: int) -> Iterator[Body]:
    last_day = (window.end - timedelta(microseconds=1)).date()
    params: dict[str, str] = {
        "assets": asset,
        "metrics": ",".join(metrics),
        "frequency": "1d",
        "start_time": window.start.date().isoformat(),
        "end_time": last_day.isoformat(),
        "page_size": str(page_size),
        "paging_from": "start",
        "ignore_unsupported_errors": "true",
        "ignore_forbidden_errors": "true",
    }
    yield from _following(client, _URL, params)


def _following(client: Client, url: str, params: dict[str, str]) -> Iterator[Body]:
    """An answer and those its `next_page_url` leads to."""
    asked: list[dict[str, str]] = []
    while params not in asked:
        asked.append(params)
        body = client.get(url, params)
        # Handed on before it is looked at, so that it is kept whatever it holds.
        yield body
        answer = _answer(body)
        if not answer.get("next_page_url"):
            return
        # Only the query is taken over: where a request goes is not for an answer to say.
        params = dict(parse_qsl(urlsplit(str(answer["next_page_url"])).query))
    raise Malformed("next_page_url leads back to a page already read", where=client.where)


def _answer(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict):
        raise Malformed("expected an object with data", body=body)
    if error := answer.get("error"):
        message = error.get("message") if isinstance(error, dict) else error
        raise Rejected(f"{PROVIDER.title} answers with an error: {message}", body=body)
    if "data" not in answer:
        raise Malformed("the answer holds neither data nor an error", body=body)
    return answer


def parse_asset_metrics(body: Body) -> pl.DataFrame:
    return _parsed(body, tuple(_METRICS))


def parse_breadth_prices(body: Body) -> pl.DataFrame:
    return _parsed(body, _BREADTH_METRICS)


def _parsed(body: Body, metrics: tuple[str, ...]) -> pl.DataFrame:
    rows = rows_of(_answer(body)["data"], body)
    # Review states of single values are announced by the vendor and carry no figure.
    rows = [{name: value for name, value in row.items() if "-status" not in name} for row in rows]
    if rows and not any("PriceUSD" in row for row in rows):
        raise Malformed("no row holds PriceUSD", body=body)
    others = [metric for metric in _METRICS if metric not in metrics]
    frame = table(rows, body, fields=("asset", "time", *metrics), optional=metrics, unused=others)
    # Stamps are written 2024-01-01T00:00:00.000000000Z; only a whole day can be a daily figure.
    if rows and not frame["time"].str.contains(r"^\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?Z$").fill_null(value=False).all():
        raise Malformed("a time is not the start of a UTC day", body=body)
    return shape(
        frame,
        body,
        {
            "asset": pl.col("asset"),
            "day": pl.col("time").str.head(10).str.to_date("%Y-%m-%d", strict=True),
            **{_METRICS[metric][0]: _METRICS[metric][1](metric) for metric in metrics},
        },
        nullable=[_METRICS[metric][0] for metric in metrics],
    )


ASSET_METRICS = Dataset(
    provider=PROVIDER,
    name="asset_metrics",
    subject="prices",
    description="Price, capitalisation, exchange flows, supply and activity of Bitcoin and Ether by day.",
    grain="one row per asset and UTC day",
    columns=(
        Column("asset", pl.String, "Asset, lower case as the vendor writes it: btc or eth."),
        Column("day", pl.Date, "UTC day the figures cover."),
        Column("price_usd", pl.Float64, "Reference price at the end of the day, US dollars."),
        Column("market_cap_usd", pl.Float64, "Price times current supply, US dollars."),
        Column("mvrv_ratio", pl.Float64, "Market capitalisation over realised capitalisation."),
        Column("flow_in_exchange_usd", pl.Float64, "Sent to known exchange addresses during the day, US dollars."),
        Column("flow_out_exchange_usd", pl.Float64, "Withdrawn from known exchange addresses, US dollars."),
        Column("exchange_supply_native", pl.Float64, "Held on known exchange addresses at the end of the day, coins."),
        Column("supply_native", pl.Float64, "Coins issued up to the end of the day."),
        Column("issuance_usd", pl.Float64, "Coins newly issued during the day, US dollars."),
        Column("fee_native", pl.Float64, "Transaction fees paid during the day, coins."),
        Column("hash_rate_ths", pl.Float64, "Mean hash rate, terahashes per second; null where there is no mining."),
        Column("active_address_count", pl.Int64, "Distinct addresses that sent or received."),
        Column("transaction_count", pl.Int64, "Transactions in the blocks of the day."),
        Column("completed_at", UTC_DATETIME, "When the vendor finished computing the day; null if it does not say."),
    ),
    key=("asset", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="15 8 * * *", lag=timedelta(hours=8), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 1, 1),
    fetch=fetch_asset_metrics,
    parse=parse_asset_metrics,
    docs_url="https://docs.coinmetrics.io/api/v4/#tag/Timeseries/operation/getTimeseriesAssetMetrics",
    available_at=pl.col("completed_at"),
)

BREADTH_PRICES = Dataset(
    provider=PROVIDER,
    name="breadth_prices",
    subject="prices",
    description="Price and capitalisation by day of every coin in the community catalogue that follows no other.",
    grain="one row per asset and UTC day",
    columns=(
        Column("asset", pl.String, "Asset, lower case as the vendor writes it."),
        Column("day", pl.Date, "UTC day the figures cover."),
        Column("price_usd", pl.Float64, "Reference price at the end of the day, US dollars."),
        Column("market_cap_usd", pl.Float64, "Price times current supply, US dollars: who was large that day."),
    ),
    key=("asset", "day"),
    time_column="day",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="45 8 * * *", lag=timedelta(hours=8), revised_for=timedelta(days=7), stale_after=timedelta(days=3)
    ),
    starts_on=date(2017, 1, 1),
    fetch=fetch_breadth_prices,
    parse=parse_breadth_prices,
    docs_url="https://docs.coinmetrics.io/api/v4/#tag/Timeseries/operation/getTimeseriesAssetMetrics",
)

DATASETS = (ASSET_METRICS, BREADTH_PRICES)
