"""SoSoValue: flows and assets of US spot ETFs, and what MicroStrategy buys, with a free key.

Traps:
* The free plan reaches 30 days back. Who asks for more gets HTTP 403 with code 400301, so that a whole history is asked
  for first and, if that is refused, what the plan has. What a plan refuses is not kept.
* Errors come in two envelopes: `{"code", "message", "details"}`, and `{"code": 1, "msg", "traceId"}` with Chinese text
  for a missing parameter. `code` is 0 for an answer.
* 20 requests a minute are promised and 10 were measured; the eleventh is HTTP 429 with code 402901 and no word on how
  long to wait. The documentation writes 42901.
* Rows come newest first, business days only, in plain US dollars; at most 300 of them, 50 unless more are asked for.
* The newest row of a fund is null but for its turnover until the issuer reports, and IBIT is often the last to.
* `volume` is called shares and holds dollars; `currency_share` is called a market share and looks like the price of a
  share; `avg_btc_cost` has no known unit. None of them is used.
* Purchases are negative for sales, in coins and in cost; a cost can be missing; holdings and purchases can differ by a
  coin of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected, SourceError, Unreachable
from sources.http import Client, excerpt, in_turn
from sources.parsing import day, decode_json, ended_days, number, rows_of, shape, table

_ROOT = "https://openapi.sosovalue.com/openapi/v1"

PROVIDER = Provider(
    name="sosovalue",
    title="SoSoValue",
    homepage="https://sosovalue-1.gitbook.io/sosovalue-api-doc",
    licence=Licence.NO_REDISTRIBUTION,
    probe_url=f"{_ROOT}/etfs/summary-history?symbol=BTC&country_code=US&limit=1",
    probe_statuses=(200, 401),
    rates=(Rate(8, 60.0),),
)

KEY_VARIABLE = "SOSOVALUE_API_KEY"

ASSETS = ("BTC", "ETH")
FUNDS = ("IBIT", "FBTC", "GBTC", "BTC", "ARKB", "BITB", "HODL", "BRRR", "BTCO", "EZBC", "BTCW")
"""US spot Bitcoin ETFs, largest first; BTC is the Grayscale Mini Trust, not the asset."""

TREASURIES = ("MSTR",)

_PAGE_SIZE = 300
_STEP = timedelta(days=_PAGE_SIZE)
_MONTH = timedelta(days=30)
_NOT_IN_THE_PLAN = "400301"
_ERRORS: Mapping[str, type[SourceError]] = {
    "402901": RateLimited,
    "42901": RateLimited,
    "500001": Unreachable,
    "500301": Unreachable,
}
_REMEDIES = {
    "400101": f"check {KEY_VARIABLE}",
    "400102": f"apply for a new key and set {KEY_VARIABLE}",
    _NOT_IN_THE_PLAN: "ask for the last 30 days, or use a key of a larger plan",
    "402901": "run again later; what was fetched so far is kept",
}


@dataclass
class _Plan:
    """What a fetch has found out about the plan of its key.

    Attributes:
        is_of_a_month: whether more than the last month has been refused.
    """

    is_of_a_month: bool = False


def fetch_etf_totals(window: Window, client: Client) -> Iterator[Body]:
    plan, url = _Plan(), f"{_ROOT}/etfs/summary-history"
    yield from in_turn(
        (asset, _history(window, client, plan, url, {"symbol": asset, "country_code": "US"})) for asset in ASSETS
    )


def fetch_etf_flows(window: Window, client: Client) -> Iterator[Body]:
    plan = _Plan()
    yield from in_turn(
        (ticker, _history(window, client, plan, f"{_ROOT}/etfs/{ticker}/history", {})) for ticker in FUNDS
    )


def fetch_treasury_purchases(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((ticker, _purchases(client, ticker)) for ticker in TREASURIES)


def _purchases(client: Client, ticker: str) -> Iterator[Body]:
    body = _ask(client, f"{_ROOT}/btc-treasuries/{ticker}/purchase-history", {})
    # Handed on before it is looked at, so that it is kept whatever it holds.
    yield body
    _rows(body)


def _history(window: Window, client: Client, plan: _Plan, url: str, params: Mapping[str, object]) -> Iterator[Body]:
    """Answers that hold a window, or the part of it that the plan has."""
    start = window.start
    while start < window.end and not plan.is_of_a_month:
        end = min(start + _STEP, window.end)
        dates = {
            "start_date": start.date().isoformat(),
            "end_date": (end - timedelta(microseconds=1)).date().isoformat(),
            "limit": _PAGE_SIZE,
        }
        body = _ask(client, url, {**params, **dates})
        if body.status == 403 and _code(_answer(body)) == _NOT_IN_THE_PLAN:
            plan.is_of_a_month = True
            break
        yield body
        newest = max(_days(body), default=None)
        if newest is not None and newest >= end.date():
            # It does not look at dates, so it has said all that it will say.
            return
        start = end
    if plan.is_of_a_month:
        if window.end <= client.now - _MONTH:
            raise Rejected(
                "the plan of the key reaches a month back, and the window ends before that",
                remedy=_REMEDIES[_NOT_IN_THE_PLAN],
                where=client.where,
            )
        body = _ask(client, url, params)
        yield body
        _rows(body)


def _ask(client: Client, url: str, params: Mapping[str, object]) -> Body:
    """One answer, or the refusal of a plan, which is an answer of the provider itself and no block.

    Raises:
        Blocked: something before the provider refuses.
    """
    body = client.get(url, params, accept=(200, 403), secret_headers={"x-soso-api-key": client.key})
    if body.status == 403 and body.content.lstrip()[:1] != b"{":
        raise Blocked(
            f"{PROVIDER.title} refuses (HTTP 403): {excerpt(body)}",
            remedy="it refuses this address or this client; try from another network, the other sources go on",
            where=client.where,
            body=body,
        )
    return body


def _answer(body: Body) -> dict[str, Any]:
    answer = decode_json(body)
    if not isinstance(answer, dict) or "code" not in answer:
        raise Malformed("expected an object with a code", body=body)
    return answer


def _code(answer: Mapping[str, Any]) -> str:
    return str(answer["code"])


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = _answer(body)
    code = _code(answer)
    if code != "0":
        message = answer.get("message") or answer.get("msg")
        details = answer.get("details")
        limit = f" ({details['constraint']})" if isinstance(details, dict) and "constraint" in details else ""
        raise _ERRORS.get(code, Rejected)(
            f"{PROVIDER.title} answers with error {code}: {message}{limit}", remedy=_REMEDIES.get(code, ""), body=body
        )
    return rows_of(answer.get("data"), body)


def _days(body: Body) -> list[date]:
    rows = [{name: row[name] for name in row if name == "date"} for row in _rows(body)]
    return shape(table(rows, body, fields=("date",)), body, {"day": day("date")})["day"].to_list()


def parse_etf_totals(body: Body) -> pl.DataFrame:
    figures = {
        "net_flow_usd": "total_net_inflow",
        "cumulative_net_flow_usd": "cum_net_inflow",
        "net_assets_usd": "total_net_assets",
        "value_traded_usd": "total_value_traded",
    }
    shaped = shape(
        table(_rows(body), body, fields=("date", *figures.values())),
        body,
        {
            "asset": pl.lit(body.request.param("symbol").lower()),
            "session_date": day("date"),
            **{name: number(field) for name, field in figures.items()},
        },
        nullable=figures,
    )
    return ended_days(shaped, "session_date", body)


def parse_etf_flows(body: Body) -> pl.DataFrame:
    figures = {
        "net_flow_usd": "net_inflow",
        "cumulative_net_flow_usd": "cum_inflow",
        "net_assets_usd": "net_assets",
        "premium_ratio": "prem_dsc",
        "value_traded_usd": "value_traded",
    }
    frame = table(
        _rows(body),
        body,
        fields=("date", "ticker", *figures.values()),
        unused=("currency_share", "volume"),
    )
    shaped = shape(
        frame,
        body,
        {
            "asset": pl.lit("btc"),
            "session_date": day("date"),
            "ticker": pl.col("ticker"),
            **{name: number(field) for name, field in figures.items()},
        },
        nullable=figures,
    )
    return ended_days(shaped, "session_date", body)


def parse_treasury_purchases(body: Body) -> pl.DataFrame:
    frame = table(
        _rows(body),
        body,
        fields=("date", "ticker", "btc_holding", "btc_acq", "acq_cost"),
        optional=("acq_cost",),
        unused=("avg_btc_cost",),
    )
    return shape(
        frame.with_columns(pl.col("acq_cost").replace("", None)),
        body,
        {
            "ticker": pl.col("ticker"),
            "reported_on": day("date"),
            "net_purchase_btc": number("btc_acq"),
            "net_cost_usd": number("acq_cost"),
            "holdings_btc": number("btc_holding"),
        },
        nullable=("net_cost_usd",),
    )


_SESSIONS = Cadence(
    cron="50 5 * * 2-6",
    lag=timedelta(hours=8),
    revised_for=timedelta(days=7),
    stale_after=timedelta(days=5),
    calendar="nyse",
)

ETF_TOTALS = Dataset(
    provider=PROVIDER,
    name="etf_totals",
    subject="flows",
    description="Net flows, assets and turnover of all US spot Bitcoin and Ether ETFs together by session.",
    grain="one row per asset and session",
    columns=(
        Column("asset", pl.String, "What the funds hold: btc or eth."),
        Column("session_date", pl.Date, "NYSE session."),
        Column("net_flow_usd", pl.Float64, "Net flow of all funds, US dollars; a part of it until all have reported."),
        Column("cumulative_net_flow_usd", pl.Float64, "Net flow since the funds began, by the vendor, US dollars."),
        Column("net_assets_usd", pl.Float64, "Net assets of all funds, US dollars."),
        Column("value_traded_usd", pl.Float64, "Turnover of all funds on the exchange, US dollars."),
    ),
    key=("asset", "session_date"),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=_SESSIONS,
    starts_on=date(2024, 1, 11),
    fetch=fetch_etf_totals,
    parse=parse_etf_totals,
    docs_url="https://sosovalue-1.gitbook.io/sosovalue-api-doc/2.-etf/summary-history",
    needs_key=KEY_VARIABLE,
)

ETF_FLOWS = Dataset(
    provider=PROVIDER,
    name="etf_flows",
    subject="flows",
    description="Net flow, assets, premium and turnover of each large US spot Bitcoin ETF by session.",
    grain="one row per fund and session",
    columns=(
        Column("asset", pl.String, "What the fund holds: btc."),
        Column("session_date", pl.Date, "NYSE session."),
        Column("ticker", pl.String, "Fund ticker; BTC is the Grayscale Mini Trust, not the asset."),
        Column("net_flow_usd", pl.Float64, "Net flow, US dollars; null while the fund has not reported."),
        Column("cumulative_net_flow_usd", pl.Float64, "Net flow since the fund began, US dollars; null until then."),
        Column("net_assets_usd", pl.Float64, "Net assets, US dollars; null until then."),
        Column("premium_ratio", pl.Float64, "Price over net asset value less one; negative for a discount."),
        Column("value_traded_usd", pl.Float64, "Turnover on the exchange, US dollars."),
    ),
    key=("asset", "session_date", "ticker"),
    time_column="session_date",
    period=timedelta(days=1),
    cadence=_SESSIONS,
    starts_on=date(2024, 1, 11),
    fetch=fetch_etf_flows,
    parse=parse_etf_flows,
    docs_url="https://sosovalue-1.gitbook.io/sosovalue-api-doc/2.-etf/history",
    needs_key=KEY_VARIABLE,
)

TREASURY_PURCHASES = Dataset(
    provider=PROVIDER,
    name="treasury_purchases",
    subject="institutions",
    description="Bitcoin that MicroStrategy (Strategy) bought or sold, as it reports it.",
    grain="one row per company and day of a report",
    columns=(
        Column("ticker", pl.String, "Stock ticker of the company: MSTR."),
        Column("reported_on", pl.Date, "Day under which the vendor lists the purchase."),
        Column("net_purchase_btc", pl.Float64, "Bitcoin bought; negative for a sale."),
        Column("net_cost_usd", pl.Float64, "Paid for it, US dollars; negative for a sale, null if not disclosed."),
        Column("holdings_btc", pl.Float64, "Bitcoin held afterwards, rounded on its own."),
    ),
    key=("ticker", "reported_on"),
    time_column="reported_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="55 14 * * *", lag=timedelta(hours=12), revised_for=timedelta(days=30), stale_after=timedelta(days=60)
    ),
    starts_on=date(2020, 8, 11),
    fetch=fetch_treasury_purchases,
    parse=parse_treasury_purchases,
    docs_url="https://sosovalue-1.gitbook.io/sosovalue-api-doc/5.-btc-treasuries",
    can_be_empty=True,
    needs_key=KEY_VARIABLE,
)

DATASETS = (ETF_TOTALS, ETF_FLOWS, TREASURY_PURCHASES)
