"""The simulated SoSoValue on a free plan: newest rows first, 30 days back, null flows until an issuer reports.

Its errors come in the two envelopes of the real one. The company buys a part of what leaves the exchanges, sells in
weeks in which much more comes back, and reports on Mondays what it did in the week before.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import numpy as np

from sources.simulator.answers.farside import cells, listed_at
from sources.simulator.answers.scene import Answer, Ask, Scene, as_json
from sources.simulator.calendars import UTC
from sources.simulator.state import Floats, Funds, day_index

HOSTS = ("openapi.sosovalue.com",)

_ROOT = "/openapi/v1"
_FUND = re.compile(rf"{_ROOT}/etfs/(\w+)/history")
_COMPANY = re.compile(rf"{_ROOT}/btc-treasuries/(\w+)/purchase-history")
_PLAN_DAYS = 30
_LIMIT, _MAX_LIMIT = 50, 300
_TOTALS_AFTER = timedelta(days=1, hours=4)
_REPORTS_AT = timedelta(hours=13)
_HELD_AT_FIRST_BTC = 70_470
_BOUGHT, _SOLD = 0.008, 0.002
"""Parts of the coins that leave the exchanges in a week."""

_RUSH = 1.06
"""Coins that come to the exchanges over coins that leave them, above which the company sells."""

_CONVERTED_COINS = {"GBTC": 619_000.0, "ETHE": 2_940_000.0}
"""Coins a fund held before it became one."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if ask.path == f"{_ROOT}/etfs/summary-history":
        return _totals(ask, scene)
    if fund := _FUND.fullmatch(ask.path):
        return _fund(ask, scene, fund[1])
    if company := _COMPANY.fullmatch(ask.path):
        if company[1] != "MSTR":
            return _error(400, 400001, f"BTC treasury ticker not found: {company[1]}")
        return _envelope(_purchases(scene))
    return _error(404, 400402, f"Endpoint not found: {ask.path}")


def _totals(ask: Ask, scene: Scene) -> Answer:
    for name in ("symbol", "country_code"):
        if not ask.params.get(name):
            missing = f"缺少必须的[String]类型的参数[{name}]"
            return as_json({"code": 1, "msg": missing, "traceId": None, "data": None, "tid": ""})
    funds = scene.state.funds.get(ask.params["symbol"].lower())
    if funds is None or ask.params["country_code"] != "US":
        return _error(400, 400001, f"Currency symbol not found: {ask.params['symbol']}")
    span = _span(ask, scene)
    if isinstance(span, Answer):
        return span
    flows_usd = np.nansum(funds.net_flow_usd_m, axis=1) * 1e6
    assets_usd = np.nansum(_net_assets_usd(funds, scene), axis=1)
    cumulative_usd = np.cumsum(flows_usd)
    rows: list[dict[str, object]] = []
    for row, session in enumerate(funds.sessions):
        is_told = datetime(session.year, session.month, session.day, tzinfo=UTC) + _TOTALS_AFTER <= scene.now
        if not is_told or not span[0] <= session <= span[1] or scene.is_missing(session):
            continue
        rows.append({
            "date": session.isoformat(),
            "total_net_inflow": round(float(flows_usd[row]) * scene.factor(session), 2),
            "total_value_traded": _traded_usd(float(assets_usd[row]), float(flows_usd[row])),
            "total_net_assets": round(float(assets_usd[row]), 4),
            "cum_net_inflow": round(float(cumulative_usd[row]), 3),
            **_novelty(scene),
        })  # fmt: skip
    return _newest(ask, rows)


def _fund(ask: Ask, scene: Scene, ticker: str) -> Answer:
    found = [(funds, funds.tickers.index(ticker)) for funds in scene.state.funds.values() if ticker in funds.tickers]
    if not found:
        return _error(400, 400001, f"ETF ticker not found: {ticker}")
    span = _span(ask, scene)
    if isinstance(span, Answer):
        return span
    funds, position = found[0]
    flows_usd = funds.net_flow_usd_m[:, position] * 1e6
    assets_usd = _net_assets_usd(funds, scene)[:, position]
    cumulative_usd = np.nancumsum(flows_usd)
    rows: list[dict[str, object]] = []
    for row, session in enumerate(funds.sessions):
        is_told = listed_at(session) <= scene.now and span[0] <= session <= span[1]
        if not is_told or np.isnan(flows_usd[row]) or scene.is_missing(session):
            continue
        reported = cells(funds, row, scene)[position]
        traded_usd = _traded_usd(float(assets_usd[row]), float(flows_usd[row]))
        flow_usd = None if reported is None else round(reported * 1e6, 2)
        price = float(scene.state.on_chain[funds.asset].price_usd[day_index(session)])
        rows.append({
            "date": session.isoformat(),
            "ticker": ticker,
            "net_inflow": flow_usd,
            "cum_inflow": None if flow_usd is None else round(float(cumulative_usd[row]), 2),
            "net_assets": None if flow_usd is None else round(float(assets_usd[row]), 2),
            "currency_share": None if flow_usd is None else round(price * 5.7e-4, 3),
            "prem_dsc": None if flow_usd is None else round(1e-3 * float(np.tanh(flow_usd / 1e9)), 12),
            "value_traded": traded_usd,
            "volume": f"{traded_usd:.0f}",
            **_novelty(scene),
        })  # fmt: skip
    return _newest(ask, rows)


def _span(ask: Ask, scene: Scene) -> tuple[date, date] | Answer:
    """First and last day that are asked for, or what is wrong with them."""
    today = scene.now.date()
    earliest = today - timedelta(days=_PLAN_DAYS)
    days = {"start_date": earliest, "end_date": today}
    for name in days:
        if text := ask.params.get(name):
            try:
                days[name] = date.fromisoformat(text)
            except ValueError:
                return _error(400, 400001, f"Invalid parameter: {name}")
            if days[name] < earliest:
                details = {
                    "field": name,
                    "value": text,
                    "constraint": f"date range limited to last {_PLAN_DAYS} days for your API key plan",
                    "suggestion": "Contact support for full historical data access",
                }
                return _error(403, 400301, f"Access denied: date range exceeds {_PLAN_DAYS} day limit", details)
    if not ask.params.get("limit", "1").isdigit():
        return _error(400, 400001, "Invalid parameter: limit")
    return days["start_date"], days["end_date"]


def _newest(ask: Ask, rows: list[dict[str, object]]) -> Answer:
    limit = min(int(ask.params.get("limit", _LIMIT)), _MAX_LIMIT)
    return _envelope(rows[::-1][:limit])


def _net_assets_usd(funds: Funds, scene: Scene) -> Floats:
    """Coins bought with all flows so far at the price of each session, in US dollars."""
    prices = scene.state.on_chain[funds.asset].price_usd[[day_index(session) for session in funds.sessions]]
    coins = np.nancumsum(funds.net_flow_usd_m * 1e6 / prices[:, None], axis=0)
    coins += np.array([_CONVERTED_COINS.get(ticker, 0.0) for ticker in funds.tickers])
    assets: Floats = np.where(np.isnan(funds.net_flow_usd_m), np.nan, np.maximum(coins, 0.0) * prices[:, None])
    return assets


def _traded_usd(assets_usd: float, flow_usd: float) -> float:
    return float(round(0.03 * assets_usd + 1.5 * abs(flow_usd)))


def _purchases(scene: Scene) -> list[dict[str, object]]:
    chain = scene.state.on_chain["btc"]
    left_btc, came_btc = chain.flow_out_usd / chain.price_usd, chain.flow_in_usd / chain.price_usd
    holding = _HELD_AT_FIRST_BTC
    rows: list[dict[str, object]] = []
    for index, day in scene.shown(scene.whole_days + 1):
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if day.weekday() != 0 or index < 7 or midnight + _REPORTS_AT > scene.now:
            continue
        week = slice(index - 7, index)
        left, came = float(left_btc[week].sum()), float(came_btc[week].sum())
        bought_btc = round(-_SOLD * left if came > _RUSH * left else _BOUGHT * left)
        holding += bought_btc
        told_btc = round(bought_btc * scene.factor(day))
        cost_usd = told_btc * float(chain.price_usd[week].mean())
        rows.append({
            "date": day.isoformat(),
            "ticker": "MSTR",
            "btc_holding": str(holding),
            "btc_acq": str(told_btc),
            "acq_cost": f"{cost_usd:.0f}",
            "avg_btc_cost": 0.09,
            **_novelty(scene),
        })  # fmt: skip
    return rows[::-1]


def _novelty(scene: Scene) -> dict[str, object]:
    return {"new_field": 1} if scene.has_new_column else {}


def _envelope(rows: list[dict[str, object]]) -> Answer:
    return as_json({"code": 0, "message": "success", "data": rows, "details": None})


def _error(status: int, code: int, message: str, details: object = None) -> Answer:
    return as_json({"code": code, "message": message, "data": None, "details": details}, status)
